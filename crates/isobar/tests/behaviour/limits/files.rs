//! Open descriptors of a process, and the size of a file.

use std::fs;

use crate::guest::{passes, python, sh};

#[test]
fn a_process_opens_exactly_as_many_files_as_allowed() {
    let code = "
import os
files = []
try:
    while True: files.append(os.open('/dev/null', 0))
except OSError as error:
    assert error.errno == 24, error
    assert files[-1] == 31, files
print('ok')";
    passes(python(&["--open-files", "32"], code));
}

#[test]
fn a_file_that_grows_too_large_ends_its_writer_by_sigxfsz() {
    let script = "exec head -c 2000000 /dev/zero > /tmp/file";
    let ended = sh(&["--file-size", "1M"], script).run();
    assert_eq!((ended.code, ended.how()), (Some(128 + 25), "signalled"), "SIGXFSZ: {ended}");
}

#[test]
fn a_writer_that_ignores_the_signal_gets_an_error() {
    // CPython ignores SIGXFSZ.
    let code = "
import os
for place in ('/tmp/file', 'file'):
    file = os.open(place, os.O_CREAT | os.O_WRONLY)
    try:
        while True: os.write(file, bytes(100000))
    except OSError as error:
        assert error.errno == 27, error
    assert os.fstat(file).st_size == 1 << 20, place
print('ok')";
    let isobar = python(&["--file-size", "1M", "--workspace", "."], code);
    let file = isobar.scratch().join("file");
    let ended = passes(isobar);
    let size = fs::metadata(file).map(|data| data.len());
    assert_eq!(size.ok(), Some(1 << 20), "on the host's disk as well: {ended}");
}
