//! Tool-chains as uv, nvm, conda and Nix lay them out: found through the caller's PATH, links and
//! first lines, and lent whole. The interpreters are real, copied to where those tools put them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::guest::{passes, text};
use crate::harness::{Isobar, install};
use crate::outside::outside;

/// A CPython of its own in `prefix`: it finds its library beside itself, as every build that can be
/// moved does. Returns the executable.
fn python_in(prefix: &Path) -> PathBuf {
    let version = "import sys; print('python%d.%d' % sys.version_info[:2])";
    let version = outside("/usr/bin/python3", ["-c", version]);
    let name = version.trim();
    let real = fs::canonicalize("/usr/bin/python3").unwrap();
    let executable = prefix.join("bin").join(name);
    install(&real, &executable, 0o755);
    symlink(name, prefix.join("bin/python3")).unwrap();
    symlink("python3", prefix.join("bin/python")).unwrap();
    fs::create_dir(prefix.join("lib")).unwrap();
    symlink(Path::new("/usr/lib").join(name), prefix.join("lib").join(name)).unwrap();
    executable
}

/// A run by somebody whose home is `home`, with `directory` of it first in PATH.
fn at_home(home: &Path, directory: &str) -> Isobar {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", home.join(directory).display());
    Isobar::run_command().env("HOME", home).env("PATH", path)
}

/// The prefix of the Python that runs; that of its own installation and nothing else of the home is
/// there.
const PYTHON: &str = "
import json, os, sys
print(sys.base_prefix)
for place in (os.path.expanduser('~'), os.environ['HOME']):
    assert not os.path.exists(place + '/secret'), place
try:
    open(sys.base_prefix + '/planted', 'w')
except OSError as error:
    assert error.errno == 30, error
else:
    raise AssertionError('the installation can be changed')
print('ok')
";

/// A home with a secret in it.
fn home_of(scratch: &Isobar) -> PathBuf {
    scratch.file("home/secret", "secret");
    scratch.scratch().join("home")
}

/// `uv python install` keeps interpreters below ~/.local/share/uv, links the name of a minor version
/// to the full one, and ~/.local/bin to that; environments of `uv venv` link there, too.
#[test]
fn uv_links_to_the_interpreters_that_it_installed() {
    let scratch = Isobar::new();
    let home = home_of(&scratch);
    let all = home.join(".local/share/uv/python");
    let python = python_in(&all.join("cpython-3.99.1-linux-x86_64-gnu"));
    symlink("cpython-3.99.1-linux-x86_64-gnu", all.join("cpython-3.99-linux")).unwrap();
    let name = text(Path::new(python.file_name().unwrap())).to_owned();
    let linked = all.join("cpython-3.99-linux/bin").join(&name);
    fs::create_dir_all(home.join(".local/bin")).unwrap();
    symlink(&linked, home.join(".local/bin").join(&name)).unwrap();
    let ended = passes(at_home(&home, ".local/bin").args(["--", &name, "-c", PYTHON]));
    assert!(ended.out().contains("/cpython-3.99"), "the one that was installed: {ended}");

    let environment = scratch.scratch().join("project/.venv");
    fs::create_dir_all(environment.join("bin")).unwrap();
    symlink(&linked, environment.join("bin/python")).unwrap();
    let config = format!("home = {}\nuv = 0.13.9\n", linked.parent().unwrap().display());
    fs::write(environment.join("pyvenv.cfg"), config).unwrap();
    let isobar = at_home(&home, ".local/bin").cwd(&scratch.scratch().join("project"));
    let ended = passes(isobar.args(["--", ".venv/bin/python", "-c", PYTHON]));
    assert!(ended.out().contains("/cpython-3.99"), "the one it was made of: {ended}");
}

/// nvm keeps each node with its own packages; what those install begins with `/usr/bin/env node`.
#[test]
fn nvm_keeps_a_node_with_its_packages() {
    let scratch = Isobar::new();
    let home = home_of(&scratch);
    let version = home.join(".nvm/versions/node/v99.0.0");
    let node = outside("sh", ["-c", "readlink -f \"$(command -v node)\""]);
    install(Path::new(node.trim()), &version.join("bin/node"), 0o755);
    let packages = "home/.nvm/versions/node/v99.0.0/lib/node_modules";
    scratch.file(&format!("{packages}/tool/lib.js"), "module.exports = 'ok'");
    let tool =
        "#!/usr/bin/env node\nconsole.log(process.execPath);\nconsole.log(require('./lib'))\n";
    scratch.executable(&format!("{packages}/tool/cli.js"), tool);
    symlink("../lib/node_modules/tool/cli.js", version.join("bin/tool")).unwrap();
    let bin = ".nvm/versions/node/v99.0.0/bin";
    for words in [&["tool"][..], &["node", "-e", "console.log(process.execPath, '\\nok')"]] {
        let ended = passes(at_home(&home, bin).arg("--").args(words));
        assert!(ended.out().contains("v99.0.0/bin/node"), "its node, no other: {ended}");
    }
}

/// An environment of conda is a prefix of its own, and its scripts name its Python.
#[test]
fn conda_keeps_environments_that_are_whole() {
    let scratch = Isobar::new();
    let home = home_of(&scratch);
    let prefix = home.join("miniconda3/envs/analysis");
    python_in(&prefix);
    scratch.file("home/miniconda3/envs/analysis/conda-meta/history", "");
    let script = format!("#!{}/bin/python\n{PYTHON}", prefix.display());
    scratch.executable("home/miniconda3/envs/analysis/bin/entry", script);
    let bin = "miniconda3/envs/analysis/bin";
    for words in [&["python", "-c", PYTHON][..], &["entry"]] {
        let ended = passes(at_home(&home, bin).arg("--").args(words));
        assert!(ended.out().starts_with(text(&prefix)), "its own prefix: {ended}");
    }
}

/// A program of Nix's is linked to a loader and a library in other objects of the store, and a
/// profile links to it through one more.
#[test]
fn nix_programs_need_their_store() {
    let scratch = Isobar::new();
    let home = home_of(&scratch);
    let store = scratch.scratch().join("nix/store");
    let [libc, hello, profile] = ["libc-2.36", "hello-2.12", "profile"].map(|name| {
        let object = store.join(format!("{}-{name}", "0123456789abcdfghijklmnpqrsvwxyz"));
        fs::create_dir_all(object.join("bin")).unwrap();
        object
    });
    let build = format!(
        "set -e; cd '{}'; mkdir lib; gcc -x c -o ../build - <<'END'\n\
         #include <stdio.h>\nint main(void) {{ puts(\"ok\"); }}\nEND\n\
         cp -L \"$(ldd ../build | grep -o '/[^ ]*/libc.so.6')\" lib/libc.so.6\n\
         cp -L \"$(ldd ../build | grep -o '/[^ ]*/ld-linux[^ ]*')\" lib/ld.so\n\
         gcc -x c -o '{}/bin/hello' -Wl,--dynamic-linker=\"$PWD/lib/ld.so\" -Wl,-rpath=\"$PWD/lib\" \
         - <<'END'\n#include <stdio.h>\nint main(void) {{ puts(\"ok\"); }}\nEND\n",
        libc.display(),
        hello.display(),
    );
    outside("sh", ["-c", &build]);
    symlink(hello.join("bin/hello"), profile.join("bin/hello")).unwrap();
    symlink(&profile, home.join(".nix-profile")).unwrap();
    passes(at_home(&home, ".nix-profile/bin").args(["--", "hello"]));
}
