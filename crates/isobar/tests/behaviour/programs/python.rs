//! CPython 3 of the caller's PATH: the system's, or a shim's that leads below a home directory.

use crate::guest::{passes, python};
use crate::harness::Isobar;
use crate::outside::outside;

/// Runs `code` behind imports that all snippets share, and expects it to come to its end.
#[track_caller]
fn check(code: &str) {
    passes(python(&["--timeout", "50s"], &format!("{code}\nprint('ok')")));
}

macro_rules! snippets {
    ($($name:ident = $code:literal;)*) => { $(#[test] fn $name() { check($code); })* };
}

snippets! {
    json_keeps_a_value = "
import json, _json
value = {'a': [1, 2.5, None, True, 'ü\\u2028'], 'b': {'c': []}}
assert json.loads(json.dumps(value)) == value
";
    ssl_loads_and_makes_contexts = "
import ssl
context = ssl.create_default_context()
assert context.verify_mode == ssl.CERT_REQUIRED and len(ssl.RAND_bytes(16)) == 16
print(ssl.OPENSSL_VERSION)
";
    subprocess_runs_children = "
import subprocess, sys
done = subprocess.run(['sh', '-c', 'cat; echo err >&2; exit 3'], input=b'in', capture_output=True)
assert (done.returncode, done.stdout, done.stderr) == (3, b'in', b'err\\n'), done
assert subprocess.check_output([sys.executable, '-c', 'print(6 * 7)'], text=True) == '42\\n'
slow = subprocess.Popen(['sleep', '1000'])
slow.terminate()
assert slow.wait() == -15
many = [subprocess.Popen(['true']) for _ in range(50)]
assert all(one.wait() == 0 for one in many)
";
    asyncio_serves_itself_on_loopback = "
import asyncio
async def main():
    child = await asyncio.create_subprocess_exec('cat', stdin=-1, stdout=-1)
    out, _ = await child.communicate(b'through cat')
    assert out == b'through cat' and child.returncode == 0
    async def serve(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()
    for host in ('127.0.0.1', '::1'):
        server = await asyncio.start_server(serve, host, 0)
        port = server.sockets[0].getsockname()[1]
        async def ask(n):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b'hello %d\\n' % n)
            answer = await reader.read()
            writer.close()
            return answer
        answers = await asyncio.gather(*(ask(n) for n in range(20)))
        assert answers == [b'HELLO %d\\n' % n for n in range(20)], answers
        server.close()
asyncio.run(main())
";
    sqlite3_keeps_a_database_with_a_log = "
import sqlite3, threading
path = '/tmp/base.db'
base = sqlite3.connect(path)
assert base.execute('pragma journal_mode=wal').fetchone() == ('wal',)
base.execute('create table t (n integer primary key, s text)')
base.executemany('insert into t values (?, ?)', ((n, str(n) * 10) for n in range(5000)))
base.commit()
sums = []
def read():
    sums.append(sqlite3.connect(path).execute('select sum(n) from t').fetchone()[0])
readers = [threading.Thread(target=read) for _ in range(4)]
[one.start() for one in readers]; [one.join() for one in readers]
assert sums == [12497500] * 4, sums
print(sqlite3.sqlite_version)
";
    multiprocessing_pools_queues_and_shared_memory = "
import math, multiprocessing
from multiprocessing import shared_memory
for method in ('fork', 'spawn', 'forkserver'):
    context = multiprocessing.get_context(method)
    with context.Pool(3) as pool:
        assert pool.map(math.factorial, range(10)) == [math.factorial(n) for n in range(10)], method
context = multiprocessing.get_context('fork')
queue, lock = context.Queue(), context.Lock()
def work(n):
    with lock:
        queue.put(n * n)
workers = [context.Process(target=work, args=(n,)) for n in range(5)]
[one.start() for one in workers]
assert sorted(queue.get() for _ in workers) == [0, 1, 4, 9, 16]
[one.join() for one in workers]
block = shared_memory.SharedMemory(create=True, size=1 << 20)
def fill():
    same = shared_memory.SharedMemory(block.name)
    same.buf[:4] = b'here'
child = context.Process(target=fill)
child.start(); child.join()
assert bytes(block.buf[:4]) == b'here'
block.close(); block.unlink()
";
    threads_share_and_wait = "
import queue, threading
inbox, out = queue.Queue(), []
def work():
    while (n := inbox.get()) is not None:
        out.append(n * n)
workers = [threading.Thread(target=work) for _ in range(32)]
[one.start() for one in workers]
[inbox.put(n) for n in range(1000)]
[inbox.put(None) for _ in workers]
[one.join() for one in workers]
assert sorted(out) == [n * n for n in range(1000)]
event = threading.Event()
assert not event.wait(0.01)
";
    ctypes_calls_and_is_called_back = "
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
assert libc.getpid() == os.getpid()
order = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 5)(5, 1, 4, 2, 3)
libc.qsort(numbers, 5, 4, order(lambda a, b: a[0] - b[0]))
assert list(numbers) == [1, 2, 3, 4, 5]
";
    decimals_and_compressors_are_compiled_in = "
import bz2, decimal, hashlib, lzma, zlib, _decimal
decimal.getcontext().prec = 50
assert str(decimal.Decimal(2).sqrt()).startswith('1.4142135623730950488016887242096980785696718753769')
data = b'sandbox' * 10000
for module in (zlib, bz2, lzma):
    assert module.decompress(module.compress(data)) == data, module
assert len(hashlib.sha3_512(data).digest()) == 64
";
    the_system_calls_behind_the_library_work = "
import fcntl, mmap, os, select, signal, socket, tempfile, time
with tempfile.TemporaryFile() as file:
    file.write(b'x' * 8192); file.flush()
    fcntl.flock(file, fcntl.LOCK_EX); fcntl.lockf(file, fcntl.LOCK_EX)
    assert mmap.mmap(file.fileno(), 8192)[:1] == b'x'
    os.posix_fallocate(file.fileno(), 0, 16384)
a, b = socket.socketpair()
poll = select.epoll(); poll.register(b, select.EPOLLIN)
a.send(b'!'); assert poll.poll(5)[0][0] == b.fileno()
socket.send_fds(a, [b'f'], [0]); assert socket.recv_fds(b, 2, 1)[1]
rung = []
signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
while not rung: signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0)
assert os.sched_getaffinity(0) and os.getloadavg() and os.sysconf('SC_NPROCESSORS_ONLN') > 0
assert time.monotonic() > 0 and time.time() > 1.7e9
master, slave = os.openpty()
os.write(slave, b'tty\\n'); assert os.read(master, 10) == b'tty\\r\\n' and os.isatty(slave)
";
}

/// `python3` may be a shim that a version manager put into PATH; what it leads to is what runs.
#[test]
fn the_python_inside_is_the_python_outside() {
    let code = "import sys; print(sys.version); print(sys.prefix)";
    let outside = outside("python3", ["-c", code]);
    let ended = python(&[], code).run();
    assert_eq!(ended.out(), outside, "the caller's own version and prefix: {ended}");
    println!("CPython {outside}");
}

#[test]
fn one_liners_scripts_and_modules_run() {
    let code = "import sys; print(sys.argv, sys.stdin.read())";
    let run = || Isobar::run_command().stdin("in");
    let ended = run().args(["--lang", "python", "-c", code]).run();
    assert_eq!(ended.out(), "['-c'] in\n", "{ended}");
    let isobar = run();
    isobar.file("generated.py", code);
    let ended = isobar.args(["--", "python3", "generated.py", "a"]).run();
    assert_eq!(ended.out(), "['generated.py', 'a'] in\n", "the script is found: {ended}");
    let ended = run().stdin("[1,  2]").args(["--", "python3", "-m", "json.tool"]).run();
    assert_eq!(ended.out(), "[\n    1,\n    2\n]\n", "{ended}");
}
