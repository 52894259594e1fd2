//! The distribution's node: V8, libuv's threads, workers.

use crate::guest::passes;
use crate::harness::Isobar;

#[track_caller]
fn check(code: &str) {
    let code = format!("{code}\nmain().then(() => console.log('ok'));");
    passes(Isobar::run_command().args(["--timeout", "50s", "--", "node", "-e", &code]));
}

macro_rules! snippets {
    ($($name:ident = $code:literal;)*) => { $(#[test] fn $name() { check($code); })* };
}

snippets! {
    workers_share_memory = "
const { Worker } = require('node:worker_threads');
async function main() {
  const shared = new SharedArrayBuffer(4);
  const code = `const { workerData, parentPort } = require('node:worker_threads');
    const numbers = new Int32Array(workerData);
    for (let i = 0; i < 10000; i++) Atomics.add(numbers, 0, 1);
    parentPort.postMessage('done');`;
  const work = () => new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, workerData: shared });
    worker.on('error', reject); worker.on('exit', resolve);
  });
  await Promise.all([work(), work(), work(), work()]);
  if (new Int32Array(shared)[0] !== 40000) throw new Error('lost counts');
}";
    children_are_spawned_and_forked = "
const { execFileSync, fork, spawn } = require('node:child_process');
const fs = require('node:fs');
async function main() {
  if (execFileSync('sh', ['-c', 'cat'], { input: 'in' }).toString() !== 'in') throw new Error('sh');
  fs.writeFileSync('/tmp/child.js', `process.on('message', n => { process.send(n * 2); process.disconnect(); });`);
  const answer = await new Promise(resolve => {
    const child = fork('/tmp/child.js'); child.on('message', resolve); child.send(21);
  });
  if (answer !== 42) throw new Error('fork');
  const signal = await new Promise(resolve => {
    const child = spawn('sleep', ['1000']); child.on('exit', (_, signal) => resolve(signal)); child.kill();
  });
  if (signal !== 'SIGTERM') throw new Error('signal');
}";
    files_are_written_and_watched = "
const fs = require('node:fs/promises');
async function main() {
  await fs.mkdir('/tmp/a/b', { recursive: true });
  await Promise.all([...Array(50).keys()].map(n => fs.writeFile(`/tmp/a/b/${n}`, 'x'.repeat(n))));
  const sizes = await Promise.all((await fs.readdir('/tmp/a/b')).map(async n => (await fs.stat(`/tmp/a/b/${n}`)).size));
  if (sizes.reduce((a, b) => a + b) !== 1225) throw new Error('sizes');
  const enough = new AbortController();
  const watcher = fs.watch('/tmp/a', { signal: enough.signal });
  const first = watcher[Symbol.asyncIterator]().next();
  await fs.writeFile('/tmp/a/new', '');
  if ((await first).value.filename !== 'new') throw new Error('watch');
  enough.abort();
  await fs.rm('/tmp/a', { recursive: true });
}";
    crypto_and_compression_use_the_thread_pool = "
const crypto = require('node:crypto'), zlib = require('node:zlib'), { promisify } = require('node:util');
async function main() {
  const derive = promisify(crypto.pbkdf2);
  const keys = await Promise.all([1, 2, 3, 4].map(() => derive('p', 's', 1000, 32, 'sha512')));
  if (new Set(keys.map(key => key.toString('hex'))).size !== 1) throw new Error('pbkdf2');
  const data = crypto.randomBytes(100000);
  const back = await promisify(zlib.gunzip)(await promisify(zlib.gzip)(data));
  if (!back.equals(data)) throw new Error('zlib');
  crypto.generateKeyPairSync('ed25519');
  console.log('node', process.version, 'V8', process.versions.v8);
}";
    a_server_answers_on_loopback = "
const http = require('node:http');
async function main() {
  const server = http.createServer((request, response) => response.end('seen ' + request.url));
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/path`;
  const answers = await Promise.all([1, 2, 3].map(async () => (await fetch(url)).text()));
  if (answers.some(answer => answer !== 'seen /path')) throw new Error(answers);
  server.closeAllConnections(); server.close();
}";
}
