#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`samara run --deterministic`: two runs are the same run, to the last instruction; and all that
`run` does but speak with the program works as ever. On Linux, too, which promises less.

    tests/system/deterministic_test.py [-k NAME] [--kernel linux|samara]"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import ROOT, Skip, Suite, equal

from samara import rootfs
from samara.child import die_with_parent

LIMIT = 600  # seconds: a hang detector
kernel = "samara"

# All that differs from run to run elsewhere. dmesg has the kernel's own times and addresses.
TELL_TALE = b"""
date +%s; uname -a; hostname; echo $$; cat /proc/uptime /proc/stat /proc/meminfo /proc/interrupts
cat /proc/self/maps /proc/sys/kernel/random/boot_id /proc/sys/kernel/random/uuid
head -c 16 /dev/urandom | od -An -tx1; mktemp; mkdir /files; cd /files; touch c a d b
find / -xdev; ls -lin --full-time /files; find /proc/self /sys -maxdepth 2 | head -200
sleep 2; for i in 1 2 3; do (sleep 1; echo $i $$; date) & done; wait; times; dmesg
head -c 1000 /dev/urandom >/random; echo err >&2
"""


def command(*arguments: str) -> list[str]:
    return [str(ROOT / "samara"), "run", "--no-build", "--kernel", kernel, "--deterministic",
            *arguments]  # fmt: skip


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess:
    done = subprocess.run(command(*arguments), input=stdin, capture_output=True, timeout=LIMIT,
                          preexec_fn=die_with_parent())  # fmt: skip
    assert b"Traceback" not in done.stderr, done.stderr
    return done


def count(done: subprocess.CompletedProcess) -> int:
    said = re.search(rb"samara: (\d+) instructions from the kernel's first", done.stderr)
    assert said, done.stderr
    return int(said[1])


def errors(done: subprocess.CompletedProcess) -> bytes:
    """What is on standard error beside the count."""
    return re.sub(rb"samara: \d+ instructions .*\n", b"", done.stderr)


# What is promised.


def test_two_runs_are_the_same():
    if kernel == "linux":
        raise Skip("the time and what is random may differ")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        one, two = (
            run("--get", f"/random:{place / number}", "--log", str(place / f"{number}.log"), "sh",
                stdin=TELL_TALE) for number in "12"
        )  # fmt: skip
        equal((one.returncode, errors(one)), (0, b"err\n"))
        assert one.stdout.startswith(b"1704067200\nLinux samara 6.1.0-samara "), one.stdout[:200]
        equal(two.stdout, one.stdout)
        equal(two.stderr, one.stderr)  # with the count
        assert count(one) > 1_000_000
        equal((place / "2").read_bytes(), (place / "1").read_bytes())
        equal((place / "2.log").read_text(), (place / "1.log").read_text())


def test_an_instruction_more_is_seen():
    if kernel == "linux":
        raise Skip("nothing is counted")
    counts = {count(run("sh", "-c", f"n={text}")) for text in ("1", "1;", "22")}
    equal(len(counts), 3)


def test_directories_are_sorted():
    if kernel == "linux":
        raise Skip("they are as Linux has them")
    # One that is listed in several pieces, one that changes meanwhile, and a file system of others.
    done = run("sh", "-c", """
mkdir /many; cd /many; i=700; while [ $i -gt 0 ]; do : >$((i * 7919 % 701)); i=$((i - 1)); done
find . -type f >/listed; LC_ALL=C sort /listed >/sorted; cmp /listed /sorted; wc -l </listed
find . -type f -exec rm {} +; find .
cd /dev; find . -maxdepth 1 >/listed; LC_ALL=C sort /listed | cmp - /listed""")
    equal((done.returncode, done.stdout, errors(done)), (0, b"700\n.\n", b""))


def test_sleeping_takes_no_time():
    done = run("sh", "-c", "sleep 1000; cut -d. -f1 /proc/uptime")
    assert 1000 <= int(done.stdout) <= 1010, done.stdout


# What works as ever.


def test_streams_status_and_files():
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "tree/sub").mkdir(parents=True)
        data = os.urandom(3_000_000)
        (work / "tree/data").write_bytes(data)
        (work / "tree/sub/script").write_text("#!/bin/sh\necho $*\n")
        (work / "tree/sub/script").chmod(0o755)
        (work / "tree/link").symlink_to("sub/script")
        done = run("--put", f"{work}/tree:/in/", "--get", f"/in:{work}/back", "--env", "A=b c",
                   "--cwd", "/in/tree", "--", "sh", "-c",
                   './link "$A"; pwd; echo err >&2; cat; cat data; exit 7',
                   stdin=b"in\0\xff\n")  # fmt: skip
        equal((done.returncode, errors(done)), (7, b"err\n"))
        equal(done.stdout, b"b c\n/in/tree\nin\0\xff\n" + data)
        equal((work / "back/tree/data").read_bytes(), data)
        equal((work / "back/tree/sub/script").stat().st_mode & 0o777, 0o755)
        equal(os.readlink(work / "back/tree/link"), "sub/script")


def test_root_on_a_disk():
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "root/bin").mkdir(parents=True)
        (work / "root/tmp").mkdir()
        shutil.copy(rootfs.busybox_binary(), work / "root/bin/busybox")
        (work / "root/bin/sh").symlink_to("busybox")
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", work / "root", work / "image", "16M"],
                       check=True, capture_output=True)  # fmt: skip
        # A disk may be slow: whoever waits for it must not see the clock run away.
        done = run("--root", str(work / "image"), "--get", f"/tmp/said:{work}/said", "--", "sh",
                   "-c", "busybox cat /bin/busybox | busybox wc -c >/tmp/said; "
                   "busybox cut -d. -f1 /proc/uptime")  # fmt: skip
        equal((done.returncode, b"warning" in done.stderr), (0, True))
        assert int(done.stdout) < LIMIT, done.stdout
        equal(int((work / "said").read_text()), rootfs.busybox_binary().stat().st_size)


def test_slow_reader():
    with subprocess.Popen(command("head", "-c", "1000000", "/dev/zero"), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          preexec_fn=die_with_parent()) as process:  # fmt: skip
        read = len(process.stdout.read(1))
        time.sleep(0.5)
        read += len(process.stdout.read())
        equal((process.wait(LIMIT), read), (0, 1_000_000))


def test_what_cannot_be_run():
    done = run("--", "no-such-program")
    equal((done.returncode, done.stdout), (127, b""))
    assert b"cannot run no-such-program" in done.stderr, done.stderr
    done = run("--put", "/etc/passwd:/proc/self/passwd", "--", "echo", "no")
    equal(done.returncode, 2)
    assert b"--put: /proc/self/passwd" in done.stderr, done.stderr
    done = run("--get", "/none:/tmp/none", "--", "true")
    equal(done.returncode, 2)
    assert b"--get: /none" in done.stderr, done.stderr


def test_signal_ends_the_machine():
    with subprocess.Popen(command("sh", "-c", "echo here; while :; do :; done"),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          preexec_fn=die_with_parent()) as process:  # fmt: skip
        equal(process.stdout.readline(), b"here\n")
        process.send_signal(signal.SIGTERM)
        equal(process.wait(LIMIT), 128 + signal.SIGTERM)


def test_what_is_refused():
    for options in (["--tty", "always", "true"], ["--init", "/sbin/init"]):
        done = run(*options)
        equal(done.returncode, 2)
        assert b"deterministic" in done.stderr, done.stderr


def select_kernel(name: str) -> None:
    global kernel
    kernel = name


if __name__ == "__main__":
    sys.exit(Suite("deterministic", globals(), kernels=("linux", "samara")).main(select_kernel))
