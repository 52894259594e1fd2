//! The name of each clause, as policies, refusals and reports write it.
//!
//! A closed enum, so that a planner that forgets a clause does not compile, and tests can walk
//! every clause against every host.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! clauses {
    ($($variant:ident = $name:literal, $about:literal;)*) => {
        /// One statement of a policy.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Clause {
            $(#[doc = $about] #[serde(rename = $name)] $variant,)*
        }

        impl Clause {
            /// Every clause, in the order of the schema.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The dotted name, such as `limits.memory`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What the clause says, in one line for people.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }
        }
    };
}

clauses! {
    Boundary = "boundary", "Which boundary the program runs behind.";
    FsRoot = "fs.root", "What the guest's root file system is made of.";
    FsRo = "fs.ro", "Host paths that the guest may read.";
    FsRw = "fs.rw", "Host paths that the guest may change.";
    FsCow = "fs.cow", "Host paths whose changes stay in a private upper layer.";
    FsTmpfs = "fs.tmpfs", "Empty file systems in memory, with a size.";
    FsWorkspace = "fs.workspace", "The directory that the caller lends.";
    FsWorkspaceExit = "fs.workspace-exit", "What becomes of changes in the workspace.";
    FsToolchain = "fs.toolchain", "Whether the program's own installation is mounted read-only.";
    FsUnprotect = "fs.unprotect", "What the host would execute and the guest may change all the same.";
    Env = "env", "Which environment variables the guest gets.";
    Net = "net", "How the guest reaches a network.";
    Memory = "limits.memory", "Bytes of memory that the whole sandbox may use.";
    Cpus = "limits.cpus", "Processors that the sandbox may use at a time.";
    CpuTime = "limits.cpu-time", "Processor time that the whole sandbox may use.";
    WallTime = "limits.wall-time", "Time after which the sandbox is killed.";
    Pids = "limits.pids", "Processes and threads of the guest at a time.";
    OpenFiles = "limits.open-files", "Open descriptors of each process.";
    FileSize = "limits.file-size", "Bytes that one file may grow to.";
    TmpBytes = "limits.tmp-bytes", "Bytes in the guest's /tmp, /dev/shm included.";
    TmpInodes = "limits.tmp-inodes", "Files in the guest's /tmp, /dev/shm included.";
    OutputBytes = "limits.output-bytes", "Bytes of standard output and of standard error that are passed on, each.";
    Uid = "identity.uid", "The guest's user number, as it sees itself.";
    Gid = "identity.gid", "The guest's group number, as it sees itself.";
    Hostname = "identity.hostname", "The host name that the guest reads.";
    Accept = "accept", "Weaker forms that the user accepts by name.";
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
