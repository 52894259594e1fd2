//! Policies made by chance, the same ones on every run, for tests of laws.

use std::collections::BTreeMap;

use crate::{
    Acceptance, BoundaryKind, Bytes, Cpus, EnvClauses, FsClauses, GrantPath, GrantSpec,
    IdentityClauses, LimitClauses, NetClauses, NetMode, Policy, RootKind, Span, TmpfsSpec,
    ToolchainMode, WorkspaceExit, WorkspaceMode, WorkspaceSpec,
};

/// A stream of numbers that depends on its seed alone (SplitMix64, public domain).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).expect("below a usize")
    }

    pub(crate) fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(3) == 0).then(|| make(self))
    }

    fn some<T>(&mut self, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(4)).map(|_| make(self)).collect()
    }

    /// A number of any size, its edges included.
    fn number(&mut self) -> u64 {
        let bits = self.below(65);
        let low =
            self.next().checked_shr(64 - u32::try_from(bits).expect("at most 64")).unwrap_or(0);
        self.one_of(&[low, 0, 1, u64::MAX, 1 << 20, i64::MAX as u64])
    }

    fn small(&mut self) -> u32 {
        let number = self.number();
        u32::try_from(number & 0xffff_ffff).expect("masked")
    }

    /// Text that a careless writer would break on.
    fn text(&mut self) -> String {
        let parts = [
            "a",
            "PATH",
            " ",
            "\"",
            "'",
            "\\",
            "\n",
            "\r\n",
            "\t",
            "\0",
            "\u{7f}",
            "\u{1b}",
            "#",
            "=",
            "[",
            "]",
            "{",
            ".",
            "'''",
            "\"\"\"",
            "ä",
            "\u{202e}",
            "\u{10ffff}",
            "/",
            "..",
            ":",
            ",",
            "1",
        ];
        (0..self.below(8)).map(|_| self.one_of(&parts)).collect()
    }

    fn path(&mut self) -> String {
        let text = self.text();
        self.one_of(&["/a".to_owned(), "/a/".to_owned(), "/b".to_owned(), "c".to_owned(), text])
    }

    fn grant(&mut self) -> GrantSpec {
        if self.below(2) == 0 {
            return GrantSpec::Text(self.path());
        }
        GrantSpec::Full(GrantPath {
            path: self.path(),
            target: self.maybe(Self::path),
            size: self.maybe(|random| Bytes(random.number())),
        })
    }

    fn files(&mut self) -> FsClauses {
        FsClauses {
            root: self.maybe(|random| random.one_of(&[RootKind::Host, RootKind::Image])),
            ro: self.some(Self::grant),
            rw: self.some(Self::grant),
            cow: self.some(Self::grant),
            tmpfs: self.some(|random| TmpfsSpec {
                target: random.path(),
                size: Bytes(random.number()),
                inodes: random.maybe(Self::number),
            }),
            workspace: self.maybe(|random| WorkspaceSpec {
                path: random.path(),
                target: random.maybe(Self::path),
                mode: random.maybe(|random| {
                    random.one_of(&[WorkspaceMode::Ro, WorkspaceMode::Rw, WorkspaceMode::Cow])
                }),
            }),
            workspace_exit: self.maybe(|random| {
                use WorkspaceExit::{Apply, Diff, Discard, Keep};
                random.one_of(&[Apply, Diff, Discard, Keep])
            }),
            toolchain: self
                .maybe(|random| random.one_of(&[ToolchainMode::Auto, ToolchainMode::None])),
            unprotect: self.some(Self::path),
        }
    }

    fn limits(&mut self) -> LimitClauses {
        LimitClauses {
            memory: self.maybe(|random| Bytes(random.number())),
            cpus: self.maybe(|random| Cpus::from_millis(random.small())),
            cpu_time: self.maybe(|random| Span::from_millis(random.number())),
            wall_time: self.maybe(|random| Span::from_millis(random.number())),
            pids: self.maybe(Self::small),
            open_files: self.maybe(Self::number),
            file_size: self.maybe(|random| Bytes(random.number())),
            tmp_bytes: self.maybe(|random| Bytes(random.number())),
            tmp_inodes: self.maybe(Self::number),
            output_bytes: self.maybe(|random| Bytes(random.number())),
        }
    }

    /// Any policy that the types can hold, sensible or not.
    pub(crate) fn policy(&mut self) -> Policy {
        let pairs = self.some(|random| (random.text(), random.text()));
        Policy {
            version: Policy::VERSION,
            boundary: self.maybe(|random| random.one_of(&BoundaryKind::ALL)),
            fs: self.files(),
            env: EnvClauses { allow: self.some(Self::text), set: BTreeMap::from_iter(pairs) },
            net: NetClauses {
                mode: self.maybe(|random| random.one_of(&[NetMode::None, NetMode::Gateway])),
            },
            limits: self.limits(),
            identity: IdentityClauses {
                uid: self.maybe(Self::small),
                gid: self.maybe(Self::small),
                hostname: self.maybe(Self::text),
            },
            accept: self.some(|random| random.one_of(&Acceptance::ALL)),
        }
    }
}
