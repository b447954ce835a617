#!/usr/bin/node
// SPDX-License-Identifier: MIT
// nodejs: the JIT, workers, files, timers, child processes.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const fs = require('fs'), os = require('os'), path = require('path'), crypto = require('crypto'), zlib = require('zlib'), child = require('child_process'), net = require('net'), { promisify } = require('util');
if (!isMainThread) {
  let sum = 0;
  for (let i = 0; i < 2e6; i++) sum = (sum * 31 + i * workerData) | 0;
Atomics.add(new Int32Array(require('worker_threads').workerData.shared || new SharedArrayBuffer(4)), 0, 1);
  parentPort.postMessage(sum);
} else (async () => {
  const fib = n => n < 2 ? n : fib(n - 1) + fib(n - 2);
  console.log('jit', fib(24), [...Array(1000).keys()].map(x => x * x).reduce((a, b) => a + b));
console.log('workers', await Promise.all([1, 2, 3, 4].map(n => new Promise((done, fail) => new Worker(__filename, { workerData: n }).on('message', done).on('error', fail)))));
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'n-'));
  const events = []; const watcher = fs.watch(dir, (type, name) => events.push(name));
await Promise.all([...Array(100).keys()].map(i => fs.promises.writeFile(`${dir}/${i}`, 'x'.repeat(i))));
const sizes = await Promise.all((await fs.promises.readdir(dir)).map(async f => (await fs.promises.stat(`${dir}/${f}`)).size));
  await new Promise(r => setTimeout(r, 100)); watcher.close();
  console.log('fs', sizes.reduce((a, b) => a + b), new Set(events).size, fs.existsSync('/nosuch'));
  try { fs.readFileSync('/nosuch'); } catch (e) { console.log(e.code, e.syscall, e.errno); }
const order = [];
await new Promise(r => { setImmediate(() => { order.push('immediate'); r(); }); process.nextTick(() => order.push('tick')); Promise.resolve().then(() => order.push('promise')); });
const began = process.hrtime.bigint();
await Promise.all([[2000, 't2000'], [5, 't5']].map(([delay, name]) => new Promise(r => setTimeout(() => { order.push(name); r(); }, delay))));
order.push(process.hrtime.bigint() - began >= 1990000000n);
let ticks = 0;
await new Promise(r => { const t = setInterval(() => ++ticks == 5 && (clearInterval(t), r()), 10); });
console.log('timers', order.join(), ticks);
console.log('child', await new Promise(r => { const p = child.spawn('sh', ['-c', 'cat; exit 5']); let out = ''; p.stdout.on('data', d => out += d); p.on('close', code => r([out, code])); p.stdin.end('to child'); }));
console.log(child.execSync('echo sync | tr a-z A-Z').toString().trim(), child.spawnSync('sleep', ['60'], { timeout: 200 }).signal);
console.log('ipc', await new Promise(r => { const f = child.fork('-e', ['process.on("message", m => { process.send(m * 2); process.disconnect(); })'], { execArgv: ['-e', 'process.on("message", m => { process.send(m * 2); process.disconnect(); })'] }); f.on('message', r); f.send(21); }));
const server = net.createServer(s => s.pipe(s)).listen(`${dir}/sock`);
await new Promise(r => server.on('listening', r));
console.log('socket', await new Promise(r => { const c = net.connect(`${dir}/sock`); let n = 0; c.on('data', d => { n += d.length; if (n == 300000) { c.end(); server.close(); r(n); } }); c.write('y'.repeat(300000)); }));
console.log('crypto', crypto.createHash('sha256').update('abc').digest('hex').slice(0, 16), (await promisify(crypto.pbkdf2)('p', 's', 1000, 16, 'sha1')).toString('hex'), crypto.randomBytes(8).length);
console.log('zlib', zlib.gunzipSync(zlib.gzipSync(Buffer.alloc(500000, 'ab'))).length, (await promisify(zlib.brotliCompress)('x'.repeat(1000))).length);
console.log('process', process.platform, process.arch, os.cpus().length > 0, os.totalmem() > 1e8, process.memoryUsage().rss > 1e6, process.hrtime.bigint() > 0n, os.userInfo().username, process.umask().toString(8), os.endianness(), os.hostname().length > 0);
process.on('SIGUSR2', () => console.log('signal'));
process.kill(process.pid, 'SIGUSR2');
await new Promise(r => setTimeout(r, 50));
const stream = fs.createWriteStream(`${dir}/big`);
for (let i = 0; i < 200; i++) if (!stream.write(Buffer.alloc(50000, i))) await new Promise(r => stream.once('drain', r));
await new Promise(r => stream.end(r));
const hash = crypto.createHash('md5');
for await (const chunk of fs.createReadStream(`${dir}/big`)) hash.update(chunk);
console.log('stream', hash.digest('hex'));
const module = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]));
console.log('wasm', new WebAssembly.Instance(module).exports.add(40, 2));
const big = new Map();
for (let i = 0; i < 200000; i++) big.set('k' + i, { i });
console.log('heap', big.size, [...big.values()].length);
fs.rmSync(dir, { recursive: true }); process.exitCode = 7;
})();
