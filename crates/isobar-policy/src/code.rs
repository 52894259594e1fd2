//! The stable code of each thing that can go wrong, as `ISO-<AREA>-<NNN>`.
//!
//! One variant for each cause that a user can tell apart, since each has its own next step. A code
//! never changes its meaning and is never used again; a new cause takes the next free number of
//! its area. The page `docs/errors.md` is generated from this table.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, EXIT_REFUSED};

/// The part of isobar that an error comes from: the middle of its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// The command line.
    Cli,
    /// The policy, before any look at the host.
    Policy,
    /// Paths, program, environment: the policy's one contact with the world.
    Resolve,
    /// What the host cannot do.
    Host,
    /// Making and holding a sandbox.
    Sandbox,
    /// The run itself: streams, report, status.
    Run,
    /// Setting a host up.
    Setup,
}

impl Area {
    /// Every area, in the order of the documents.
    pub const ALL: [Self; 7] =
        [Self::Cli, Self::Policy, Self::Resolve, Self::Host, Self::Sandbox, Self::Run, Self::Setup];

    /// The short name inside codes.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Cli => "CLI",
            Self::Policy => "POL",
            Self::Resolve => "RES",
            Self::Host => "HOST",
            Self::Sandbox => "NS",
            Self::Run => "RUN",
            Self::Setup => "SET",
        }
    }

    /// A heading for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Cli => "The command line",
            Self::Policy => "The policy",
            Self::Resolve => "Paths, program and environment",
            Self::Host => "The host",
            Self::Sandbox => "Making a sandbox",
            Self::Run => "The run",
            Self::Setup => "Setting a host up",
        }
    }
}

macro_rules! codes {
    ($($variant:ident = $area:ident $code:literal, $about:literal;)*) => {
        /// One cause of an error, refusal or failure.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $about] #[serde(rename = $code)] $variant,)*
        }

        impl Code {
            /// Every code, by area and number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable text, such as `ISO-RES-001`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it means, in one line for people.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }

            /// Where it comes from.
            #[must_use]
            pub const fn area(self) -> Area {
                match self { $(Self::$variant => Area::$area,)* }
            }
        }
    };
}

codes! {
    CliUsage = Cli "ISO-CLI-001", "The command line has an unknown flag or lacks a needed one.";
    CliBadValue = Cli "ISO-CLI-002", "A flag's value cannot be read.";
    CliNoCommand = Cli "ISO-CLI-003", "No program was given after `--`.";
    CliConflict = Cli "ISO-CLI-004", "Two flags contradict each other.";
    CliUnknownProfile = Cli "ISO-CLI-005", "No profile has this name.";
    CliUnknownAcceptance = Cli "ISO-CLI-006", "`--accept` names nothing from the closed list.";
    CliUnknownLanguage = Cli "ISO-CLI-007", "`--lang` names no language that isobar knows.";
    CliPrivilege = Cli "ISO-CLI-008", "isobar was started with another user's rights, as a set-user-ID program is.";
    CliNoTerminal = Cli "ISO-CLI-009", "`-t` was given, and standard input or output is no terminal.";

    PolicyUnreadable = Policy "ISO-POL-001", "The policy file cannot be read.";
    PolicyTooLarge = Policy "ISO-POL-002", "The policy is larger than 1 MiB.";
    PolicyNotUtf8 = Policy "ISO-POL-003", "The policy is not UTF-8 text.";
    PolicySyntax = Policy "ISO-POL-004", "The policy is not well-formed TOML or JSON.";
    PolicyVersion = Policy "ISO-POL-005", "The policy states no version, or one that this build does not read.";
    PolicyUnknownKey = Policy "ISO-POL-006", "The policy has a key that the schema does not know.";
    PolicyMissingKey = Policy "ISO-POL-007", "A key that the schema requires is missing.";
    PolicyBadValue = Policy "ISO-POL-008", "A value has the wrong type or cannot be read.";
    PolicyUnknownChoice = Policy "ISO-POL-009", "A value is not one of the words that the key takes.";
    PolicyNotBuilt = Policy "ISO-POL-010", "The schema knows this, and this build cannot do it yet.";
    PolicyZeroLimit = Policy "ISO-POL-011", "A limit is zero.";
    PolicyLimitRange = Policy "ISO-POL-012", "A limit is outside the range in which a program can run.";
    PolicyTarget = Policy "ISO-POL-013", "A target is not a path that the guest's root can have.";
    PolicyDuplicateTarget = Policy "ISO-POL-014", "Two grants have the same target.";
    PolicyPath = Policy "ISO-POL-015", "A host path is empty or holds a NUL.";
    PolicyGrantSize = Policy "ISO-POL-016", "A host directory was given a size, and nothing can hold it to that.";
    PolicyIdentity = Policy "ISO-POL-017", "A user or group number is outside 1 to 65533.";
    PolicyHostname = Policy "ISO-POL-018", "The host name is not one RFC 1123 label.";
    PolicyEnvName = Policy "ISO-POL-019", "The name of an environment variable is empty or holds `=` or a NUL.";
    PolicyEnvValue = Policy "ISO-POL-020", "The value of an environment variable holds a NUL.";
    PolicyUnderGrant = Policy "ISO-POL-021", "The policy file lies under a granted path, and its digest was not given.";
    PolicyDigest = Policy "ISO-POL-022", "The policy file does not have the digest that was given.";

    ResolveProgramMissing = Resolve "ISO-RES-001", "The program was not found.";
    ResolveProgramNotExecutable = Resolve "ISO-RES-002", "The program was found and may not be executed.";
    ResolveInterpreterMissing = Resolve "ISO-RES-003", "The interpreter that the program's first line names was not found.";
    ResolveToolchain = Resolve "ISO-RES-004", "The installation that the program belongs to could not be determined.";
    ResolvePathMissing = Resolve "ISO-RES-005", "A path that the policy grants does not exist.";
    ResolvePathDenied = Resolve "ISO-RES-006", "A path that the policy grants may not be opened by the caller.";
    ResolvePathLink = Resolve "ISO-RES-007", "A path that the policy grants is or crosses a symbolic link.";
    ResolvePathChanged = Resolve "ISO-RES-008", "A path changed between being resolved and being used.";
    ResolvePathClimbs = Resolve "ISO-RES-009", "A path climbs out of the directory that it belongs to.";
    ResolvePathNotUtf8 = Resolve "ISO-RES-010", "A path is not UTF-8 text.";
    ResolveSpecialFile = Resolve "ISO-RES-011", "A granted path is neither a directory nor a regular file.";
    ResolveOwnDirectory = Resolve "ISO-RES-012", "A grant covers isobar's own state, keys or sockets, or makes its executables writable.";
    ResolveTargetTaken = Resolve "ISO-RES-013", "Two resolved grants would be seen at the same place.";
    ResolveWorkspace = Resolve "ISO-RES-014", "The workspace is not a directory.";
    ResolveWorkingDirectory = Resolve "ISO-RES-015", "The working directory is nothing that the guest can see.";
    ResolveArgumentTooLong = Resolve "ISO-RES-016", "An argument, or all of them together, is longer than the kernel takes.";
    ResolveArgumentNul = Resolve "ISO-RES-017", "An argument holds a NUL.";
    ResolveEnvNul = Resolve "ISO-RES-018", "An environment variable that would be passed on holds a NUL.";
    ResolveEnvTooLarge = Resolve "ISO-RES-019", "The environment is larger than the kernel takes.";
    ResolveEnvName = Resolve "ISO-RES-020", "An environment variable that would be passed on has a name that cannot be used.";
    ResolveTooManyGrants = Resolve "ISO-RES-021", "There are more grants than a sandbox can hold.";
    ResolveKernelPath = Resolve "ISO-RES-022", "A granted path is the host's root, or shows the kernel itself.";
    ResolveUnsearchable = Resolve "ISO-RES-023", "A granted directory cannot be searched for sockets to its end.";
    ResolveUnprotected = Resolve "ISO-RES-024", "What the host would execute below a writable grant cannot be found or held.";

    HostUserNamespaces = Host "ISO-HOST-001", "The host forbids user namespaces to this user.";
    HostLayerMissing = Host "ISO-HOST-002", "The host lacks a layer of the hardening floor.";
    HostLandlockMissing = Host "ISO-HOST-003", "The host's kernel has no Landlock, or one that is too old.";
    HostCgroupMissing = Host "ISO-HOST-004", "The host has no control group that could hold the limit.";
    HostCgroupReadOnly = Host "ISO-HOST-005", "The control group file system cannot be written.";
    HostIdmap = Host "ISO-HOST-006", "The file system of a grant cannot be mounted with mapped owners.";
    HostSwap = Host "ISO-HOST-007", "The host swaps, and nothing bounds the sandbox's swap.";
    HostGroupSocket = Host "ISO-HOST-008", "A socket below a grant is reachable through a supplementary group of the caller.";
    HostProcessLimit = Host "ISO-HOST-009", "Nothing on the host counts the sandbox's processes.";
    HostLimitCeiling = Host "ISO-HOST-010", "A limit is above the highest value that the host lets the caller set.";
    HostMachine = Host "ISO-HOST-011", "The host's processor architecture is not supported.";
    HostBoundaryMissing = Host "ISO-HOST-012", "This build does not have the boundary.";
    HostProbe = Host "ISO-HOST-013", "What the host can do could not be learned.";

    LaunchStep = Sandbox "ISO-NS-001", "A step of setting up the sandbox failed.";
    LaunchChanged = Sandbox "ISO-NS-002", "Something changed while the sandbox was being set up.";
    LaunchTimeout = Sandbox "ISO-NS-003", "Setting up the sandbox did not finish in its time.";
    BoundaryFailed = Sandbox "ISO-NS-004", "What was observed contradicts the plan, so the sandbox was destroyed.";
    EvidenceMissing = Sandbox "ISO-NS-005", "An observation that the plan requires was not made, so the sandbox was destroyed.";
    InitMissing = Sandbox "ISO-NS-006", "The executable `isobar-init` was not found.";
    InitOwner = Sandbox "ISO-NS-007", "The executable `isobar-init` could be changed by somebody else.";
    InitBuild = Sandbox "ISO-NS-008", "The executable `isobar-init` is of another build.";
    InitProtocol = Sandbox "ISO-NS-009", "`isobar-init` broke off or sent what the protocol does not allow.";
    StateDirectory = Sandbox "ISO-NS-010", "The state directory cannot be made or used.";
    NoFreeSlot = Sandbox "ISO-NS-011", "Every host identity range or control group slot is in use.";
    SpawnFailed = Sandbox "ISO-NS-012", "A process could not be started inside the sandbox.";
    CleanupFailed = Sandbox "ISO-NS-013", "Something of the sandbox could not be removed after its end.";

    RunReport = Run "ISO-RUN-001", "The report cannot be written.";
    RunStatusFd = Run "ISO-RUN-002", "The status descriptor is not open for writing.";
    RunStream = Run "ISO-RUN-003", "A standard stream of isobar failed.";
    RunWait = Run "ISO-RUN-004", "The supervisor lost sight of the sandbox.";
    RunProtected = Run "ISO-RUN-005", "A file that the host would execute was made by the guest and cannot be put aside.";

    SetupRoot = Setup "ISO-SET-001", "The directory that stands for a host cannot be opened.";
    SetupRead = Setup "ISO-SET-002", "A file that says how the host is set up cannot be read.";
    SetupWrite = Setup "ISO-SET-003", "A file or a kernel setting of the host cannot be written.";
    SetupForeign = Setup "ISO-SET-004", "A file is in the way that isobar did not write.";
    SetupCommand = Setup "ISO-SET-005", "A program of the host that setup needs has failed.";
    SetupUnknown = Setup "ISO-SET-006", "No step of setup has this name.";
}

impl Code {
    /// The exit code of `isobar` when this ends a run: 127 where the program was not found, 126
    /// where it may not be executed, else 125, as container tools use them.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other code means: nothing was run")]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::ResolveProgramMissing | Self::ResolveInterpreterMissing => EXIT_NOT_FOUND,
            Self::ResolveProgramNotExecutable => EXIT_NOT_EXECUTABLE,
            _ => EXIT_REFUSED,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_numbered_without_gaps_and_carry_their_area() {
        let texts: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len(), "a code names one cause");
        for area in Area::ALL {
            let of_area = Code::ALL.iter().filter(|code| code.area() == area);
            for (index, code) in of_area.enumerate() {
                let expected = format!("ISO-{}-{:03}", area.tag(), index + 1);
                assert_eq!(code.as_str(), expected, "numbers follow the order of the table");
            }
        }
    }

    #[test]
    fn serde_writes_the_stable_text() {
        for code in Code::ALL {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(
                json,
                format!("\"{code}\""),
                "reports carry the text that people search for"
            );
            assert_eq!(serde_json::from_str::<Code>(&json).unwrap(), *code, "and read it back");
        }
    }

    #[test]
    fn meanings_are_one_sentence_each_and_differ() {
        let abouts: BTreeSet<_> = Code::ALL.iter().map(|code| code.about()).collect();
        assert_eq!(abouts.len(), Code::ALL.len(), "two codes with one meaning are one code");
        for code in Code::ALL {
            let about = code.about();
            assert!(about.ends_with('.') && !about.contains('\n'), "{code}: a line of a table");
        }
    }
}
