#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Threads, processes, asyncio, sqlite3, mmap, signals, select: what Python's modules ask of a
kernel. Each section prints what it found, or the exception that ended it."""

import asyncio
import concurrent.futures
import contextlib
import ctypes
import fcntl
import mmap
import multiprocessing
import os
import queue
import resource
import select
import selectors
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from multiprocessing import shared_memory


def section(function):
    if __name__ != '__main__':
        return function
    print('==', function.__name__, flush=True)
    try:
        result = function()
        if result is not None:
            print(result, flush=True)
    except Exception as failure:
        print('raised', type(failure).__name__, failure, flush=True)

def square(x):
    return x * x


@section
def threads():
    counter, lock, barrier = ([0], threading.Lock(), threading.Barrier(8))

    def work():
        barrier.wait()
        for _ in range(2000):
            with lock:
                counter[0] += 1
    pool = [threading.Thread(target=work) for _ in range(8)]
    [t.start() for t in pool]
    [t.join() for t in pool]
    event = threading.Event()
    threading.Timer(0.05, event.set).start()
    condition, items = (threading.Condition(), queue.Queue(3))
    threading.Thread(target=lambda: [items.put(i) for i in range(50)]).start()
    total = sum(items.get() for _ in range(50))
    return (counter[0], event.wait(5), total, lock.acquire(timeout=0.1))


@section
def thread_pool():
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return sum(pool.map(square, range(1000)))


@section
def processes():
    with multiprocessing.Pool(4) as pool:
        print(sum(pool.imap_unordered(square, range(500), 10)))
    context = multiprocessing.get_context('spawn')
    receiver, sender = context.Pipe()
    child = context.Process(target=sender.send, args=({'a': [1, 2]},))
    child.start()
    print(receiver.recv())
    child.join()
    memory = shared_memory.SharedMemory(create=True, size=1 << 16)

    def fill(name):
        other = shared_memory.SharedMemory(name)
        other.buf[:5] = b'hello'
        other.close()
    forked = multiprocessing.get_context('fork').Process(target=fill, args=(memory.name,))
    forked.start()
    forked.join()
    print(bytes(memory.buf[:5]), forked.exitcode)
    memory.close()
    memory.unlink()
    semaphore, value = (multiprocessing.Semaphore(2), multiprocessing.Value('i', 0))

    def add():
        for _ in range(200):
            with semaphore, value.get_lock():
                value.value += 1
    many = [multiprocessing.Process(target=add) for _ in range(5)]
    [p.start() for p in many]
    [p.join() for p in many]
    killed = multiprocessing.Process(target=time.sleep, args=(60,))
    killed.start()
    killed.terminate()
    killed.join()
    return (value.value, killed.exitcode)


@section
def subprocesses():
    script = 'cat; echo err >&2; exit 3'
    print(subprocess.run(['sh', '-c', script], input=b'in', capture_output=True))
    print(subprocess.run(['cat'], input=b'x' * 500000, capture_output=True).stdout.count(b'x'))
    try:
        subprocess.run(['sleep', '60'], timeout=0.2)
    except subprocess.TimeoutExpired as e:
        print('timeout', e.cmd)
    try:
        subprocess.run(['/nosuch'])
    except FileNotFoundError as e:
        print(e)
    print(subprocess.run(['sh', '-c', 'kill -9 $$']).returncode)
    read, write = os.pipe()
    with subprocess.Popen(
        ['sh', '-c', f'echo kept >&{write}'],
        pass_fds=[write],
        start_new_session=True,
        preexec_fn=lambda: os.nice(3),
    ):
        pass
    return (os.read(read, 10), subprocess.getstatusoutput('exit 4'))


@section
def event_loop():

    async def client(reader_port, n):
        reader, writer = await asyncio.open_unix_connection(reader_port)
        writer.write(b'%d\n' % n)
        await writer.drain()
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return int(line)

    async def main():

        async def serve(reader, writer):
            n = int(await reader.readline())
            await asyncio.sleep(0.01)
            writer.write(b'%d\n' % (n * n))
            await writer.drain()
            writer.close()
        path = tempfile.mktemp()
        server = await asyncio.start_unix_server(serve, path)
        print(sum(await asyncio.gather(*(client(path, i) for i in range(50)))))
        server.close()
        child = await asyncio.create_subprocess_exec('tr', 'a-z', 'A-Z', stdin=-1, stdout=-1)
        print(await child.communicate(b'text'), child.returncode)
        loop = asyncio.get_running_loop()
        got = loop.create_future()
        loop.add_signal_handler(signal.SIGUSR1, got.set_result, 'signal')
        os.kill(os.getpid(), signal.SIGUSR1)
        print(await asyncio.wait_for(got, 5))
        print(await loop.run_in_executor(None, square, 9))
        try:
            await asyncio.wait_for(asyncio.sleep(10), 0.05)
        except asyncio.TimeoutError:
            return 'timeout'
    return asyncio.run(main())


@section
def database():
    path = tempfile.mktemp('.db')
    base = sqlite3.connect(path)
    print(base.execute('pragma journal_mode=wal').fetchone())
    with base:
        base.execute('create table t (id integer primary key, name text, value real)')
    with base:
        rows = ((i, f'name{i}', i / 7) for i in range(20000))
        base.executemany('insert into t values (?, ?, ?)', rows)
    other = sqlite3.connect(path, timeout=0.1)
    base.execute('begin immediate')
    base.execute('delete from t where id < 10')
    print(other.execute('select count(*) from t').fetchone())
    try:
        other.execute('begin immediate')
    except sqlite3.OperationalError as e:
        print(e)
    base.rollback()
    base.execute('create index i on t (name)')
    print(base.execute('select sum(id), count(distinct name) from t').fetchone())
    print(base.execute('pragma integrity_check').fetchone())
    print(base.execute('pragma wal_checkpoint(truncate)').fetchone())
    names = os.listdir(os.path.dirname(path))
    return sorted(os.path.splitext(n)[1] for n in names if n.startswith(os.path.basename(path)))


@section
def mappings():
    with tempfile.TemporaryFile() as file:
        file.truncate(3 * mmap.PAGESIZE)
        number = file.fileno()
        with mmap.mmap(number, 0) as shared, mmap.mmap(number, 0, mmap.MAP_PRIVATE) as private:
            shared[5:10] = b'hello'
            print(private[5:10])
            private[0:3] = b'own'
            print(shared[0:3], private.find(b'hello'))
            shared.flush()
            shared.resize(5 * mmap.PAGESIZE)
            print(len(shared), os.fstat(file.fileno()).st_size)
            shared.madvise(mmap.MADV_DONTNEED)
            print(shared[5:10])
            try:
                mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)[0] = 1
            except TypeError as e:
                print(e)
    anonymous = mmap.mmap(-1, 1 << 20)
    if (pid := os.fork()) == 0:
        anonymous[0:4] = b'kid!'
        os._exit(0)
    os.waitpid(pid, 0)
    try:
        mmap.mmap(-1, 1 << 62)
    except OSError as e:
        print(e)
    fd = os.memfd_create('m', os.MFD_ALLOW_SEALING)
    os.write(fd, b'sealed')
    fcntl.fcntl(fd, 1033, 8)
    try:
        os.write(fd, b'x')
    except PermissionError as e:
        print(e)
    return anonymous[0:4]


@section
def signals():
    seen = []
    for number in (signal.SIGUSR1, signal.SIGALRM, signal.SIGCHLD, signal.SIGRTMIN + 3):
        signal.signal(number, lambda n, f: seen.append(n))
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    while seen.count(signal.SIGALRM) < 3:
        signal.pause()
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.raise_signal(signal.SIGUSR1)
    if (pid := os.fork()) == 0:
        os._exit(7)
    status = os.waitpid(pid, 0)[1]
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN + 3])
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGRTMIN + 3)
    print(signal.sigpending() == {signal.SIGRTMIN + 3})
    print(signal.sigwaitinfo([signal.SIGRTMIN + 3]).si_pid == os.getpid())
    print(signal.sigtimedwait([signal.SIGHUP], 0.05), os.waitstatus_to_exitcode(status))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGRTMIN + 3])
    left, right = socket.socketpair()
    right.setblocking(False)
    signal.set_wakeup_fd(right.fileno())
    signal.raise_signal(signal.SIGUSR1)
    print(left.recv(4))
    signal.set_wakeup_fd(-1)

    def late():
        time.sleep(0.1)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
    threading.Thread(target=late).start()
    start = time.monotonic()
    time.sleep(0.4)
    slept = time.monotonic() - start >= 0.4
    return (sorted(set(map(int, seen))), slept, seen.count(signal.SIGRTMIN + 3))


@section
def temporary_files():
    with tempfile.TemporaryDirectory() as top:
        for i in range(300):
            os.makedirs(f'{top}/{i % 17}/{i % 5}', exist_ok=True)
            open(f'{top}/{i % 17}/{i % 5}/{i}', 'w').write(str(i))
        shutil.copytree(top, top + '/copy', ignore=shutil.ignore_patterns('copy'))
        print(sum((len(f) for _, _, f in os.walk(top))))
        with tempfile.NamedTemporaryFile(dir=top) as f:
            f.write(b'abc')
            f.flush()
            print(os.stat(f.name).st_size, oct(os.stat(f.name).st_mode))
        with tempfile.SpooledTemporaryFile(10) as f:
            f.write(b'x' * 100)
            print(f._rolled)
        fd = os.open(top, os.O_TMPFILE | os.O_RDWR)
        os.write(fd, b't')
        os.link(f'/proc/self/fd/{fd}', top + '/named', src_dir_fd=os.open('/', 0))
        print(open(top + '/named').read())
        os.setxattr(top + '/named', 'trusted.k', b'v')
        print(os.getxattr(top + '/named', 'trusted.k'), os.listxattr(top + '/named'))
        out = os.open(top + '/out', os.O_WRONLY | os.O_CREAT)
        print(os.sendfile(out, fd, 0, 10), os.copy_file_range(fd, out, 1, 0))
        locked = open(top + '/named')
        fcntl.flock(locked, fcntl.LOCK_EX)
        try:
            fcntl.flock(open(top + '/named'), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            print(e)
        os.utime(top + '/named', ns=(1, 2))
        s = os.stat(top + '/named')
        print(s.st_atime_ns, s.st_mtime_ns)
        st = os.statvfs(top)
        print(st.f_bsize, st.f_namemax)
    return os.path.exists(top)


@section
def waiting():
    read, write = os.pipe()
    results = []
    for kind in (selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector):
        with kind() as s:
            s.register(read, selectors.EVENT_READ)
            start = time.monotonic()
            results.append(len(s.select(0.05)))
            os.write(write, b'x')
            results.append(len(s.select(5)))
            os.read(read, 1)
    print(results, [len(x) for x in select.select([read], [write], [], 0)])
    os.set_blocking(write, False)
    total = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            total += os.write(write, b'y' * 4096)
    waiting_bytes = fcntl.ioctl(read, termios.FIONREAD, b'\x00' * 4)
    print(total, fcntl.fcntl(write, fcntl.F_GETPIPE_SZ), struct.unpack('i', waiting_bytes))
    pidfd = os.pidfd_open(os.spawnlp(os.P_NOWAIT, 'true', 'true'))
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    print(len(poll.poll(5000)), os.waitid(os.P_PIDFD, pidfd, os.WEXITED).si_status)
    return os.eventfd_read(os.eventfd(5))


@section
def limits_and_rest():
    print(resource.getrlimit(resource.RLIMIT_NOFILE))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 1000)
    print(os.sched_getaffinity(0) == set(range(os.cpu_count())))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    files = []
    with contextlib.suppress(OSError):
        while True:
            files.append(os.dup(0))
    print(30 < len(files) < 64)
    [os.close(f) for f in files]
    library = ctypes.CDLL(None)
    library.strerror.restype = ctypes.c_char_p
    print(library.getpid() == os.getpid(), library.strerror(2))
    pointer = ctypes.POINTER(ctypes.c_int)
    callback = ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer)(lambda a, b: a[0] - b[0])
    array = (ctypes.c_int * 5)(5, 3, 1, 4, 2)
    ctypes.CDLL(None).qsort(array, 5, 4, callback)
    print(list(array))
    print(os.uname().sysname, os.uname().machine, sys.getfilesystemencoding())
    print(len(os.urandom(10)), len(os.getrandom(4)))

    def deep(n):
        return 0 if n == 0 else 1 + deep(n - 1)
    sys.setrecursionlimit(20000)
    threading.stack_size(64 << 20)
    box = []
    t = threading.Thread(target=lambda: box.append(deep(15000)))
    t.start()
    t.join()
    master, slave = os.openpty()
    os.write(master, b'line\n')
    print(os.read(slave, 10), os.read(master, 20), os.isatty(slave))
    print(os.ttyname(slave).startswith('/dev/pts/'))
    return (box, time.clock_getres(time.CLOCK_MONOTONIC), time.gmtime(0)[:3], time.strftime('%Z'))
