//! What a filter may answer, and argument rules as data.
//!
//! A [`Rule`] is a small decision tree over the arguments of one call. It is compiled by the
//! assembler, interpreted by the tests, and described for people by its [`Check`].
//! Invariant: a rule looks at the lower 32 bits of an argument only; see the module root.

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The kernel serves it.
    Allow,
    /// Known to be bad: answered as the filter request's
    /// [`DeniedAnswer`](super::DeniedAnswer) says.
    Deny,
    /// Not served; the program sees this errno, as from a kernel without the feature.
    /// 1 to 4095 (`MAX_ERRNO`, linux/err.h); other values are clamped to that.
    Errno(u16),
    /// The whole process is killed (`SECCOMP_RET_KILL_PROCESS`, Linux 4.14).
    Kill,
}

/// One of a call's six argument registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The first argument.
    First,
    /// The second argument.
    Second,
    /// The third argument.
    Third,
    /// The fourth argument.
    Fourth,
    /// The fifth argument.
    Fifth,
    /// The sixth argument.
    Sixth,
}

impl Argument {
    /// Offset of the lower 32 bits in `struct seccomp_data`, in bytes.
    pub(super) const fn offset(self) -> u32 {
        // `args` starts at 16, eight bytes each; the lower half comes first on little-endian.
        16 + 8 * (self as u32)
    }
}

#[cfg(not(target_endian = "little"))]
compile_error!("seccomp argument offsets are written for little-endian machines");

/// A decision over the arguments of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Decided.
    Answer(Answer),
    /// By value: `argument & mask` is looked up in the cases.
    Switch {
        /// The argument that is looked at.
        argument: Argument,
        /// The bits of it that count.
        mask: u32,
        /// The listed values; no value may occur twice.
        cases: &'static [Case],
        /// For every other value.
        otherwise: &'static Rule,
    },
    /// By flags: is at least one of `bits` set in the argument?
    AnyBit {
        /// The argument that is looked at.
        argument: Argument,
        /// The flags.
        bits: u32,
        /// At least one is set.
        some: &'static Rule,
        /// None is set.
        none: &'static Rule,
    },
}

/// Some values of a [`Rule::Switch`] and what follows for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The values of `argument & mask`.
    pub values: &'static [u32],
    /// The decision for these.
    pub then: Rule,
}

/// A rule with its description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is let through, and what the rest is answered, for `isobar explain`.
    pub says: &'static str,
    /// The rule itself.
    pub rule: Rule,
}

/// Shorthands for the tables.
pub(super) const ALLOW: Rule = Rule::Answer(Answer::Allow);
pub(super) const DENY: Rule = Rule::Answer(Answer::Deny);

/// A rule that answers `errno`.
pub(super) const fn errno(errno: u32) -> Rule {
    Rule::Answer(Answer::Errno(errno_code(errno)))
}

/// An errno constant of the kernel headers in the width that the answer has.
pub(super) const fn errno_code(errno: u32) -> u16 {
    assert!(errno > 0 && errno <= 4095, "beyond MAX_ERRNO");
    #[expect(clippy::cast_possible_truncation, reason = "asserted in the line above")]
    let code = errno as u16;
    code
}
