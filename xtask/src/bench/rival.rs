//! The command lines that are measured: isobar's, the bare program's, the peers'.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Who, bundle};
use crate::process;

/// A command line under measurement.
pub(crate) struct Rival {
    pub(crate) name: &'static str,
    pub(crate) words: Vec<OsString>,
    /// What it is called where two lines of one program are measured.
    pub(crate) is_ours: bool,
    /// `{ID}` in the words is replaced by a number: container engines want a name for each run.
    pub(crate) numbered: bool,
}

impl Rival {
    fn new(name: &'static str, words: Vec<OsString>) -> Self {
        Self { name, words, is_ours: name == "isobar" || name == "bare", numbered: false }
    }

    /// The words of run `number`.
    pub(crate) fn words_of(&self, number: usize) -> Vec<OsString> {
        if !self.numbered {
            return self.words.clone();
        }
        let pid = std::process::id();
        let name = |word: &OsString| word == "{ID}";
        let id = || OsString::from(format!("bench-{pid}-{number}"));
        self.words.iter().map(|word| if name(word) { id() } else { word.clone() }).collect()
    }

    /// The line without the directory of the program, which is a passing one.
    pub(crate) fn line(&self) -> String {
        let mut words = self.words.iter();
        let program = PathBuf::from(words.next().cloned().unwrap_or_default());
        let name = program.file_name().unwrap_or_default();
        process::line_of(process::command(name).args(words))
    }
}

/// Every command line for `who`, the bare program first, isobar second.
pub(crate) fn all(
    who: &Who,
    dist: &Path,
    fetched: &[(&'static str, PathBuf)],
    dir: &Path,
) -> Result<Vec<Rival>> {
    let is_root = who.name == "root";
    let mut rivals = vec![
        Rival::new("bare", vec!["/bin/true".into()]),
        Rival::new("isobar", isobar(dist, is_root)),
    ];
    for (name, program) in fetched {
        match *name {
            "bwrap" => rivals.push(Rival::new("bwrap", bwrap(program))),
            "nsjail" => rivals.push(Rival::new("nsjail", nsjail(program, is_root))),
            // Without a control group manager neither can work for an ordinary user here.
            "runc" if is_root => {
                let bundle = bundle::make(program, &dir.join("runc-bundle"))?;
                let mut words: Vec<OsString> = vec![program.into(), "run".into()];
                words.extend(["--bundle".into(), bundle.into(), "{ID}".into()]);
                let mut rival = Rival::new("runc", words);
                rival.numbered = true;
                rivals.push(rival);
            }
            "crun" if is_root => rivals.push(crun(program, dir)?),
            _ => {}
        }
    }
    Ok(rivals)
}

/// As root with memory, pids and cpu control groups, as an ordinary user without any.
fn isobar(dist: &Path, is_root: bool) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![dist.join("isobar").into()];
    words.extend(["run", "--quiet"].map(OsString::from));
    if is_root {
        words.extend(["--memory", "1G", "--pids", "64", "--cpus", "2"].map(OsString::from));
    }
    words.extend(["--", "true"].map(OsString::from));
    words
}

/// bubblewrap: the namespaces and mounts that `isobar run -- true` makes.
///
/// It has no seccomp filter, no Landlock, no limits and no report; bwrap offers the first only for
/// a filter that the caller brings.
fn bwrap(program: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![program.into()];
    let mut say = |more: &[&str]| words.extend(more.iter().map(OsString::from));
    say(&["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]);
    say(&["--setenv", "PATH", "/usr/bin:/bin"]);
    say(&["--ro-bind", "/usr", "/usr"]);
    for link in ["bin", "sbin", "lib", "lib64"] {
        say(&["--symlink", &format!("usr/{link}"), &format!("/{link}")]);
    }
    say(&["--ro-bind", "/etc/ld.so.cache", "/etc/ld.so.cache"]);
    say(&["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/"]);
    say(&["--", "true"]);
    words
}

/// nsjail with the same mounts; it makes its own root on tmpfs.
fn nsjail(program: &Path, is_root: bool) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![program.into()];
    let mut say = |more: &[&str]| words.extend(more.iter().map(OsString::from));
    say(&["-Mo", "-Q", "-R", "/usr", "-R", "/etc/ld.so.cache", "-T", "/tmp"]);
    for link in ["bin", "sbin", "lib", "lib64"] {
        say(&["--symlink", &format!("usr/{link}:/{link}")]);
    }
    say(&["-R", "/dev/null", "-R", "/dev/zero", "-R", "/dev/urandom", "-E", "PATH=/usr/bin:/bin"]);
    if is_root {
        say(&["--user", "99999", "--group", "99999"]);
    }
    say(&["--", "/usr/bin/true"]);
    words
}

/// crun without control groups: 1.8 refuses a hierarchy of both versions. It sees none in a mount
/// namespace where version 2 is gone.
fn crun(program: &Path, dir: &Path) -> Result<Rival> {
    const ALONE: &str = "umount /sys/fs/cgroup/unified 2>/dev/null; exec \"$0\" \"$@\"";
    let runc = Path::new("runc");
    let bundle = bundle::make(&dir.join(runc).join("usr/sbin/runc"), &dir.join("crun-bundle"))?;
    let mut words: Vec<OsString> =
        ["unshare", "--mount", "sh", "-c", ALONE].map(OsString::from).into();
    words.extend([program.into(), "--cgroup-manager=disabled".into(), "run".into()]);
    words.extend(["--bundle".into(), bundle.into(), "{ID}".into()]);
    let mut rival = Rival::new("crun", words);
    rival.numbered = true;
    Ok(rival)
}
