//! The guest's /tmp, and further file systems in memory: so many bytes, so many files.

use crate::guest::{passes, python};

/// Fills `place` with bytes, then with files, until it is full (ENOSPC).
fn filling(place: &str, bytes: u64, files: &str) -> String {
    format!(
        "
import os
file = os.open('{place}/file', os.O_CREAT | os.O_WRONLY)
try:
    while True: os.write(file, bytes(4096))
except OSError as error:
    assert error.errno == 28, error
assert os.fstat(file).st_size == {bytes}, os.fstat(file).st_size
os.close(file); os.unlink('{place}/file')
count = 0
try:
    while True:
        os.close(os.open('{place}/%d' % count, os.O_CREAT | os.O_WRONLY)); count += 1
except OSError as error:
    assert error.errno == 28, error
assert {files}, count
print('ok')"
    )
}

#[test]
fn tmp_holds_exactly_the_bytes_and_files_asked_for() {
    // The directory itself is one of them.
    let code = filling("/tmp", 1 << 20, "count == 99");
    passes(python(&["--tmp-size", "1M", "--tmp-inodes", "100"], &code));
}

#[test]
fn another_file_system_in_memory_has_its_own_size() {
    let code = filling("/scratch", 2 << 20, "100 < count < 10000");
    passes(python(&["--tmpfs", "/scratch:2M"], &code));
}

/// Whoever lends nothing and limits nothing is protected all the same: no place is without bound.
#[test]
fn every_place_that_a_guest_can_write_has_a_bound() {
    let code = "
import os
for line in open('/proc/self/mounts'):
    place, kind, options = line.split()[1:4]
    if not os.access(place, os.W_OK) or not os.path.isdir(place): continue
    if kind == 'proc': continue
    assert kind == 'tmpfs' and 'size=' in options and 'nr_inodes=' in options, line
print('ok')";
    passes(python(&[], code));
}
