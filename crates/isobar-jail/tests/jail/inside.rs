//! This executable, jailed: a test that is run again finds its role in the environment, says what it
//! has to say in lines that begin with a mark, and waits until it is told to end.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use isobar_jail::{Confinement, Entry, Execution, Identity, JailSpec, Jailed, RootSpec, launch};
use isobar_os::namespaces::NamespaceKind;
use isobar_os::raw::MountAttributes;
use isobar_os::sealed;
use rustix::pipe::{PipeFlags, pipe_with};

const ROLE: &str = "ISOBAR_JAILED";
const MARK: &str = "@ ";
/// Longer than any launch takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// A host number that nobody has, for root's jails.
pub(crate) const HOST_ID: u32 = 0x7000_fff0;

/// Whether this process is the jailed one.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// Says something to the test outside. libtest may stand in the middle of a line.
pub(crate) fn say(text: &str) {
    println!("\n{MARK}{text}");
    std::io::stdout().flush().unwrap();
}

/// Waits until the test outside has seen enough.
pub(crate) fn wait() {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Launches exclude each other: a test counts what the others must not disturb.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static GATE: Mutex<()> = Mutex::new(());
    GATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The caller's numbers, or numbers of nobody's where the caller is root.
pub(crate) fn identity() -> Identity {
    let (host_uid, host_gid) =
        (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    if is_root() {
        let map = format!("1000 {HOST_ID} 1\n");
        return Identity::Mapped { uid_map: map.clone(), gid_map: map, uid: 1000, gid: 1000 };
    }
    Identity::Own { uid: 1000, gid: 1000, host_uid, host_gid }
}

/// A process in a jail, with the pipes to it.
#[derive(Debug)]
pub(crate) struct Inside {
    pub(crate) jailed: Jailed,
    lines: BufReader<File>,
    stdin: OwnedFd,
}

/// A root with `/proc`, two files, and nothing else.
pub(crate) fn root() -> RootSpec {
    let mut root = RootSpec::new();
    for name in ["/before", "/after"] {
        let content = format!("{name}\n").into_bytes();
        root.place(name, Entry::File { mode: 0o644, content }).unwrap();
    }
    let attributes = MountAttributes::NOSUID.with(MountAttributes::NODEV);
    root.place("/proc", Entry::Proc { attributes }).unwrap();
    root
}

/// What runs `test` again, as the jail's program.
pub(crate) fn spec(test: &str, late: Confinement) -> (JailSpec, OwnedFd, OwnedFd) {
    let (stdin, our_stdin) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let (our_stdout, stdout) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let image = std::fs::read("/proc/self/exe").unwrap();
    let text = |text: &str| std::ffi::CString::new(text).unwrap();
    let spec = JailSpec {
        identity: identity(),
        namespaces: vec![NamespaceKind::Mount, NamespaceKind::Net, NamespaceKind::Uts],
        root: root(),
        clocks: None,
        hostname: Some(text("jail")),
        unified_group: None,
        groups: Vec::new(),
        limits: Vec::new(),
        late,
        descriptors: vec![
            (stdin, 0),
            (stdout.try_clone().unwrap(), 1),
            (stdout.try_clone().unwrap(), 2),
            (stdout, 3),
        ],
        announce: 3,
        execution: Execution {
            program: sealed::executable(&image).unwrap(),
            argv: ["test", test, "--exact", "--nocapture", "--test-threads=1"].map(text).to_vec(),
            envp: vec![text(&format!("{ROLE}=1"))],
        },
    };
    (spec, our_stdin, our_stdout)
}

/// Starts `test` again in a jail with this late phase.
pub(crate) fn start(test: &str, late: Confinement) -> Inside {
    start_spec(spec(test, late))
}

pub(crate) fn start_spec((spec, stdin, stdout): (JailSpec, OwnedFd, OwnedFd)) -> Inside {
    let mut jailed = launch(spec).unwrap_or_else(|error| panic!("{error:?}"));
    // Gives back what the stage used, our copy of the pipe's other end included.
    assert!(jailed.await_execution(PATIENCE), "{:?}", jailed.failure());
    Inside { jailed, lines: BufReader::new(File::from(stdout)), stdin }
}

impl Inside {
    /// The next thing that the jailed process says.
    pub(crate) fn hear(&mut self) -> String {
        let mut all = Vec::new();
        loop {
            let mut line = Vec::new();
            if self.lines.read_until(b'\n', &mut line).unwrap() == 0 {
                let said = String::from_utf8_lossy(&all);
                panic!("the jailed process ended: {:?}\n{said}", self.jailed.failure());
            }
            all.extend_from_slice(&line);
            // The first line begins with the announcement, which is five bytes of no text.
            let line = String::from_utf8_lossy(&line);
            if let Some((_, text)) = line.trim_end().split_once(MARK) {
                return text.to_owned();
            }
        }
    }

    /// Lets it go on.
    pub(crate) fn tell(&self) {
        rustix::io::write(&self.stdin, b"on\n").unwrap();
    }

    /// Lets it end.
    pub(crate) fn end(mut self) {
        drop(self.stdin);
        self.jailed.kill();
        self.jailed.reap().unwrap();
    }
}
