# SPDX-License-Identifier: MIT
#
# Runs many guest programs in one boot of a kernel and hands back what each printed. The guest side
# is driver.c, which is PID 1 of a small initramfs; the transport is the console of QEMU's -M virt,
# so that it works on a kernel that has a UART and nothing else. When a kernel dies half way, the
# program that was running is marked and the rest goes on in a new boot.
#
# Not here: what the programs are, and what is right (run.py, ../system/run.py).

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from samara import kernels, paths, rootfs  # noqa: E402
from samara.child import die_with_parent  # noqa: E402

BUILD = paths.BUILD
COMPILER = "aarch64-linux-gnu-gcc-12"
# Bad arguments are what these programs are about, so the warnings about them are off.
QUIET = ["nonnull", "unused-result", "stringop-overflow", "stringop-overread", "array-bounds",
         "infinite-recursion", "parentheses", "format-truncation", "clobbered",
         "missing-field-initializers"]
FLAGS = ["-static", "-O1", "-g0", "-s", "-std=gnu17", "-Wall", "-Wextra", "-Werror",
         *(f"-Wno-{warning}" for warning in QUIET), "-fno-strict-aliasing", "-pthread"]


@dataclass
class Job:
    """One program of a batch. `command` is split at spaces, or given to the shell whole."""
    name: str
    command: str
    shell: bool = False
    timeout: int = 150


@dataclass
class Outcome:
    output: bytes = b""
    result: str = "not-run"
    milliseconds: int = 0

    def key(self):
        return (self.result, self.output)


@dataclass
class Boot:
    """How to boot: which kernel, and on which machine."""
    kernel: Path
    smp: int = 4
    memory: str = "512M"
    cpu: str = "cortex-a72"
    machine: str = "virt,gic-version=3"
    append: str = "console=ttyAMA0 quiet loglevel=1 panic=-1"
    timeout: int = 1800
    silence: int = 90
    log: Path | None = None
    extra: list = field(default_factory=list)


# ---- building -----------------------------------------------------------------------------------

def compile_programs(sources, directory):
    """Compiles each C file to one static binary; only what changed. Returns {name: path}."""
    directory.mkdir(parents=True, exist_ok=True)

    def one(source):
        target = directory / source.stem
        newest = max(p.stat().st_mtime for p in [source, *source.parent.glob("*.h"),
                                                 Path(__file__).with_name("abi.h")])
        if not target.exists() or target.stat().st_mtime < newest:
            command = [COMPILER, *FLAGS, "-I", str(Path(__file__).parent), str(source), "-o",
                       str(target) + ".new"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                return source.stem, f"{source}: does not compile\n{done.stderr}"
            os.replace(str(target) + ".new", target)
        return source.stem, target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        programs = dict(pool.map(one, sources))
    if broken := [text for text in programs.values() if isinstance(text, str)]:
        raise SystemExit("\n".join(broken))
    return programs


def cpio(entries):
    """A newc archive; entries are (path, mode, bytes). Same input, same bytes."""
    out = bytearray()
    for inode, (path, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        name = path.encode() + b"\0"
        major, minor = (5, 1) if path == "dev/console" else (0, 0)
        fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name), 0]
        out += b"070701" + b"".join(b"%08X" % f for f in fields) + name
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def linux_kernel():
    """SAMARA_LINUX_KERNEL, or the kernel that `samara setup` fetched."""
    named = os.environ.get("SAMARA_LINUX_KERNEL")
    return Path(named) if named else rootfs.linux_kernel()


def linux_modules():
    """What Debian's Linux has as modules and tests use, for the initramfs."""
    if os.environ.get("SAMARA_LINUX_KERNEL"):
        return []
    files = [(f"modules/{path.name}", 0o100644, path.read_bytes())
             for path in rootfs.linux_modules("linux", ["overlay"])]
    return [("modules", 0o40755, b""), *files]


def busybox():
    named = os.environ.get("SAMARA_BUSYBOX")
    return Path(named) if named else rootfs.busybox_binary()


def samara_kernel():
    named = os.environ.get("SAMARA_KERNEL")
    return Path(named) if named else kernels.choose("samara", "debug").image


def make_initramfs(jobs, programs, more=()):
    entries = [(d, 0o40755, b"") for d in
               "bin sbin etc dev proc sys tmp tests root usr usr/bin usr/sbin var mnt".split()]
    entries += [("dev/console", 0o20600, b"")]
    program = busybox()
    entries += [(path, 0o120777, b"/bin/busybox") for path in rootfs.busybox_applets(program)
                if path != "bin/busybox"]
    entries += [("bin/busybox", 0o100755, program.read_bytes()),
                ("init", 0o100755, programs["driver"].read_bytes()),
                ("etc/passwd", 0o100644,
                 b"root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n"),
                ("etc/group", 0o100644, b"root:x:0:\nuser:x:1000:\n")]
    names = {job.command.split()[0] for job in jobs if not job.shell}
    for name, path in sorted(programs.items()):
        if f"/tests/{name}" in names or name.startswith("helper_"):
            entries.append((f"tests/{name}", 0o100755, path.read_bytes()))
    entries += more
    listing = "".join(f"{j.name} {j.timeout} {'s' if j.shell else '-'} {j.command}\n" for j in jobs)
    entries.append(("tests/list", 0o100644, listing.encode()))
    return cpio(entries)


# ---- booting ------------------------------------------------------------------------------------

class Decoder:
    """Finds the driver's lines in a console log and collects the outcomes."""
    LINE = re.compile(rb"@@(ready|start|data|end|done)(?: (\S+))?(?: (\S+))?(?: (\S+))?")

    def __init__(self):
        self.outcomes, self.running, self.ready, self.done = {}, None, False, False

    def feed(self, line):
        match = self.LINE.search(line)
        if not match:
            return
        kind, name, first, second = (m.decode("ascii", "replace") if m else "" for m in
                                     match.groups())
        if kind == "ready":
            self.ready = True
        elif kind == "done":
            self.done = True
        elif kind == "start":
            self.running = name
            self.outcomes[name] = Outcome(result="died")
        elif name in self.outcomes and kind == "data":
            self.outcomes[name].output += self.chunk(first, second)
        elif name in self.outcomes and kind == "end":
            self.outcomes[name].result = first
            self.outcomes[name].milliseconds = int(second or 0)
            self.running = None

    @staticmethod
    def chunk(expected, digits):
        try:
            data = bytes.fromhex(digits)
        except ValueError:
            return b"<garbled line>\n"
        total = 0
        for byte in data:
            total = (total * 31 + byte) & 0xffff
        return data if f"{total:04x}" == expected else b"<garbled line>\n"


def boot_once(boot, initramfs, on_end=None):
    """One QEMU run with the archive that this file holds. Returns (decoder, text of the console,
    why it ended)."""
    command = ["qemu-system-aarch64", "-M", boot.machine, "-cpu", boot.cpu, "-smp", str(boot.smp),
               "-m", boot.memory, "-display", "none", "-nodefaults", "-no-reboot",
               "-serial", "stdio", "-kernel", str(boot.kernel),
               "-initrd", f"/proc/self/fd/{initramfs.fileno()}", "-append", boot.append,
               *boot.extra]
    decoder, log = Decoder(), bytearray()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True,
                               pass_fds=[initramfs.fileno()], preexec_fn=die_with_parent())
    deadline, why = time.monotonic() + boot.timeout, "ended"
    os.set_blocking(process.stdout.fileno(), False)
    rest, quiet_since = b"", time.monotonic()
    try:
        while process.poll() is None or rest is None:
            data = process.stdout.read()
            if data:
                log += data
                quiet_since = time.monotonic()
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    decoder.feed(line)
                if on_end:
                    on_end(decoder)
                if b"kernel panic" in data.lower():
                    deadline = min(deadline, time.monotonic() + 3)
            else:
                time.sleep(0.02)
            if decoder.done:
                deadline = min(deadline, time.monotonic() + 5)
            if time.monotonic() - quiet_since > boot.silence:
                deadline, why = 0, f"silent for {boot.silence} s"
            if time.monotonic() > deadline:
                why = why if why != "ended" or decoder.done else "timeout"
                break
        data = process.stdout.read()
        log += data or b""
        for line in (rest + (data or b"")).split(b"\n"):
            decoder.feed(line)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if boot.log:
        boot.log.parent.mkdir(parents=True, exist_ok=True)
        boot.log.write_bytes(bytes(log))
    return decoder, bytes(log), why


def run_batch(jobs, programs, boot, more=(), on_outcome=None, boots=12):
    """Runs all jobs, in as many boots as it takes. Returns {name: Outcome}."""
    outcomes, left = {}, list(jobs)
    for attempt in range(boots):
        seen = set()

        def report(decoder):
            for name, outcome in decoder.outcomes.items():
                if outcome.result != "died" and name not in seen:
                    seen.add(name)
                    if on_outcome:
                        on_outcome(name, outcome)

        with tempfile.TemporaryFile() as initramfs:
            initramfs.write(make_initramfs(left, programs, more))
            initramfs.flush()
            decoder, log, why = boot_once(boot, initramfs, report)
        if not decoder.ready:
            tail = log[-1500:].decode(errors="replace")
            for job in left:
                outcomes[job.name] = Outcome(tail.encode(), "no-boot")
                if on_outcome:
                    on_outcome(job.name, outcomes[job.name])
            return outcomes
        if decoder.running:
            hurt = decoder.outcomes[decoder.running]
            hurt.result = f"kernel-died ({why})"
            hurt.output += b"\n[console]\n" + log[-3000:]
            if on_outcome:
                on_outcome(decoder.running, hurt)
        outcomes.update(decoder.outcomes)
        left = [job for job in left if job.name not in outcomes]
        if not left or decoder.done or not decoder.outcomes:
            break
    for job in left:
        outcomes.setdefault(job.name, Outcome(b"", "not-run"))
    return outcomes


# ---- what Linux says, cached --------------------------------------------------------------------

def digest(*parts):
    total = hashlib.sha256()
    for part in parts:
        total.update(part if isinstance(part, bytes) else str(part).encode())
        total.update(b"\0")
    return total.hexdigest()[:24]


def oracle(jobs, programs, work, more=(), smp=4, on_outcome=None, fresh=False):
    """The outcomes on Linux: from the cache where the binary and the kernel are the same."""
    cache = work / "linux-cache"
    cache.mkdir(parents=True, exist_ok=True)
    kernel = linux_kernel()
    common = digest(kernel.read_bytes(), busybox().read_bytes(), programs["driver"].read_bytes(),
                    *(programs[n].read_bytes() for n in sorted(programs) if "helper_" in n),
                    smp)

    def path(job):
        words = job.command.split()
        name = words[0].removeprefix("/tests/")
        binary = programs[name].read_bytes() if name in programs else b""
        own = [data for file, _, data in more if "/" + file in words]
        return cache / f"{job.name}-{digest(common, job.command, job.shell, binary, *own)}.json"

    outcomes, missing = {}, []
    for job in jobs:
        if path(job).exists() and not fresh:
            saved = json.loads(path(job).read_text())
            outcomes[job.name] = Outcome(saved["output"].encode("latin-1"), saved["result"],
                                         saved["milliseconds"])
        else:
            missing.append(job)
    if missing:
        boot = Boot(kernel, smp=smp, timeout=1800, log=work / "linux-console.log")
        fetched = run_batch(missing, programs, boot, [*more, *linux_modules()], on_outcome)
        for job in missing:
            outcome = outcomes[job.name] = fetched[job.name]
            if outcome.result.startswith(("exit", "signal", "timeout")):
                path(job).write_text(json.dumps({"output": outcome.output.decode("latin-1"),
                                                 "result": outcome.result,
                                                 "milliseconds": outcome.milliseconds}))
    return outcomes
