//! A virtual environment with numpy: C extensions, threads of OpenBLAS, and the environment itself.

use std::path::PathBuf;

use crate::guest::{passes, text};
use crate::harness::Isobar;

/// Asserts what a user of numpy relies on.
const CODE: &str = "
import sys, numpy
generator = numpy.random.default_rng(7)
a = generator.standard_normal((300, 300))
b = generator.standard_normal(300)
assert numpy.allclose(a @ numpy.linalg.solve(a, b), b)
assert numpy.allclose(a @ numpy.linalg.inv(a), numpy.eye(300))
u, s, v = numpy.linalg.svd(a)
assert numpy.allclose(u * s @ v, a)
assert numpy.allclose(numpy.fft.ifft(numpy.fft.fft(b)).real, b)
assert sys.prefix != sys.base_prefix, 'a virtual environment'
print(sys.prefix)
for place in (sys.prefix, numpy.__path__[0]):
    try:
        open(place + '/planted.py', 'w')
    except OSError as error:
        assert error.errno == 30, error
    else:
        raise AssertionError('the environment can be changed: ' + place)
print('numpy', numpy.__version__)
print('ok')
";

/// `xtask test` makes it; a suite that is started by hand needs the variable.
fn environment() -> PathBuf {
    std::env::var_os("ISOBAR_TEST_VENV").expect("ISOBAR_TEST_VENV: see xtask test").into()
}

#[test]
fn it_is_found_by_the_path_of_its_python() {
    let python = environment().join("bin/python");
    let ended = passes(Isobar::run_command().args(["--", text(&python), "-c", CODE]));
    let prefix = environment();
    assert!(ended.out().starts_with(text(&prefix)), "its own prefix: {ended}");
    println!("{}", ended.out());
}

/// As after `activate`.
#[test]
fn it_is_found_by_path_variable() {
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", environment().join("bin").display());
    for name in ["python", "python3"] {
        let isobar = Isobar::run_command().env("PATH", &path).env("VIRTUAL_ENV", environment());
        let ended = passes(isobar.args(["--", name, "-c", CODE]));
        assert!(ended.out().starts_with(text(&environment())), "{name}: {ended}");
    }
}

/// A script of the environment names its interpreter on the first line.
#[test]
fn a_script_that_names_its_python_runs_in_it() {
    let isobar = Isobar::run_command();
    let python = environment().join("bin/python3");
    isobar.executable("tool", format!("#!{}\n{CODE}", python.display()));
    passes(isobar.args(["--", "./tool"]));
}

#[test]
fn its_modules_run() {
    let python = environment().join("bin/python");
    let ended = Isobar::run_command().args(["--", text(&python), "-m", "pip", "--version"]).run();
    assert!(ended.out().contains(text(&environment())), "pip of the environment: {ended}");
}
