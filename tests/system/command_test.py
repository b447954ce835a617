#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of the `samara` command itself: streams, status, terminal, signals, files, cleanup, on both
kernels.

    tests/system/command_test.py [-k NAME] [--kernel linux|samara]

Each test is a function; its name is its name. The timeouts detect hangs and are no performance
targets."""

import os
import signal
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from harness import BUILD, ROOT, Skip, Suite, equal
from terminal import Terminal

from samara.child import die_with_parent

LIMIT = 120
kernel = "linux"


def command(*arguments: str) -> list[str]:
    return [str(ROOT / "samara"), "run", "--no-build", "--kernel", kernel, *arguments]


def run(*arguments: str, stdin: bytes = b"", **more) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(*arguments),
        input=stdin,
        capture_output=True,
        timeout=LIMIT,
        preexec_fn=die_with_parent(),
        **more,
    )


# Streams and status.


def test_streams_are_separate_and_clean():
    done = run("--", "sh", "-c", "echo out; echo err >&2; cat; exit 7", stdin=b"in\0\xff\n")
    equal((done.returncode, done.stdout, done.stderr), (7, b"out\nin\0\xff\n", b"err\n"))


def test_status_of_a_signal():
    equal(run("--", "sh", "-c", "kill -9 $$").returncode, 137)


def test_program_that_is_not_there():
    done = run("--", "no-such-program")
    equal(done.returncode, 127)
    assert b"no-such-program" in done.stderr and done.stdout == b""


def test_program_that_is_no_program():
    equal(run("--", "/etc/passwd").returncode, 126)


def test_environment_and_directory():
    done = run(
        "--env",
        "A=b c",
        "--env",
        "NOT_SET_HERE",
        "--cwd",
        "/etc",
        "--",
        "sh",
        "-c",
        'pwd; echo "$A"',
    )
    equal(done.stdout, b"/etc\nb c\n")


def test_directory_that_is_not_there():
    done = run("--cwd", "/no/such", "--", "true")
    equal(done.returncode, 126)
    assert b"--cwd /no/such" in done.stderr, done.stderr


def test_machine_that_is_none():
    done = run("--cpu", "no-such-cpu", "--", "true")
    equal(done.returncode, 2)
    assert b"no-such-cpu" in done.stderr, done.stderr


def test_odd_arguments_arrive():
    odd = ["", "a b", "'", "$x", "\n", "ä", "--", "-x"]
    done = run("--", "sh", "-c", 'for a; do printf "[%s]" "$a"; done', "sh", *odd)
    equal(done.stdout.decode(), "".join(f"[{a}]" for a in odd))


def test_large_input_and_output():
    data = os.urandom(3 << 20)
    equal(run("--", "cat", stdin=data).stdout, data)


def test_end_of_input():
    equal(run("--", "wc", "-c", stdin=b"").stdout.strip(), b"0")


def test_program_that_does_not_read():
    equal(run("--", "true", stdin=bytes(8 << 20)).returncode, 0)


def test_reader_that_goes_away():
    process = subprocess.Popen(
        command("--", "yes"), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    equal(process.stdout.read(2), b"y\n")
    process.stdout.close()
    equal(process.wait(LIMIT), 128 + signal.SIGPIPE)


def test_background_child_does_not_hold_the_end():
    equal(run("--", "sh", "-c", "sleep 1000 & echo done").stdout, b"done\n")


def test_closed_streams():
    done = subprocess.run(
        ["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command("--", "sh", "-c", "exit 4")], timeout=LIMIT
    )
    equal(done.returncode, 4)


def test_time_limit():
    done = run("--timeout", "8", "--", "sleep", "1000")
    equal(done.returncode, 125)
    assert b"time limit" in done.stderr


def test_panic_is_reported():
    done = run("--append", "rdinit=/no-such-init", "--", "true")
    equal((done.returncode, done.stdout), (125, b""))
    assert b"samara: kernel panic" in done.stderr and b"log" in done.stderr, done.stderr


# Files.


def test_put_and_get_are_exact():
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tree = work / "tree"
        (tree / "sub/empty").mkdir(parents=True)
        (tree / "data").write_bytes(os.urandom(100_000_000))
        (tree / "sub/script").write_text("#!/bin/sh\n")
        (tree / "sub/script").chmod(0o751)
        (tree / "sub/none").touch()
        (tree / "link").symlink_to("sub/script")
        os.utime(tree / "data", ns=(10**18, 10**18))
        done = run("--put", f"{tree}:/tmp/in/", "--get", f"/tmp/in/tree:{work}/back", "--", "true")
        equal((done.returncode, done.stderr), (0, b""))
        same = subprocess.run(
            ["diff", "-r", "--no-dereference", tree, work / "back"], capture_output=True
        )
        equal((same.returncode, same.stdout), (0, b""))
        equal((work / "back/sub/script").stat().st_mode & 0o777, 0o751)
        equal((work / "back/data").stat().st_mtime_ns, 10**18)


def test_get_of_what_is_not_there():
    with tempfile.TemporaryDirectory() as name:
        done = run("--get", f"/no/such:{name}/x", "--", "true")
        equal(done.returncode, 2)
        assert b"/no/such" in done.stderr


def test_put_of_what_is_not_there():
    equal(run("--put", "/no/such:/tmp/x", "--", "true").returncode, 2)


def test_root_of_a_directory():
    with tempfile.TemporaryDirectory() as name:
        busybox = BUILD / "packages/busybox-static/bin/busybox"
        (Path(name) / "bin").mkdir()
        (Path(name) / "bin/busybox").write_bytes(busybox.read_bytes())
        (Path(name) / "bin/busybox").chmod(0o755)
        (Path(name) / "init").write_text("not ours\n")
        done = run("--root", name, "--", "busybox", "cat", "/init")
        equal((done.returncode, done.stdout), (0, b"not ours\n"))


# Signals.


def started(*arguments: str) -> subprocess.Popen:
    process = subprocess.Popen(
        command("--", *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent(),
    )
    equal(process.stdout.readline(), b"ready\n")
    return process


def test_signals_reach_the_program():
    script = 'trap "echo caught; exit 5" TERM INT; echo ready; while :; do sleep 0.2; done'
    for number in (signal.SIGTERM, signal.SIGINT):
        process = started("sh", "-c", script)
        process.send_signal(number)
        equal((process.stdout.read(), process.wait(LIMIT)), (b"caught\n", 5))


def test_uncaught_signal_is_the_status():
    process = started("sh", "-c", "echo ready; exec sleep 1000")
    process.send_signal(signal.SIGTERM)
    equal(process.wait(LIMIT), 128 + signal.SIGTERM)


def test_signal_sent_three_times_ends_the_machine():
    process = started("sh", "-c", 'trap "" INT; echo ready; while :; do sleep 1; done')
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    equal(process.wait(LIMIT), 128 + signal.SIGINT)


def children(pid: int) -> list[int]:
    """Of all its threads."""
    lists = [task / "children" for task in Path(f"/proc/{pid}/task").iterdir()]
    return [int(child) for listed in lists for child in listed.read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except FileNotFoundError:
        return ""


def wait_for_the_end_of(pids: list[int]) -> None:
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "the emulator is still there"
        time.sleep(0.05)


def test_nothing_is_left_when_the_command_is_killed():
    process = started("sh", "-c", "echo ready; sleep 1000")
    machines = children(process.pid)
    assert machines
    process.kill()
    process.wait()
    wait_for_the_end_of(machines)


def descendants(pid: int) -> list[int]:
    try:
        direct = children(pid)
    except FileNotFoundError:
        return []
    return [*direct, *(below for child in direct for below in descendants(child))]


def test_nothing_is_left_when_the_test_runner_is_killed():
    if kernel == "linux":
        raise Skip("the test runner chooses the kernels")
    runner = subprocess.Popen(
        [str(ROOT / "samara"), "test", "abi", "-k", "futex"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        preexec_fn=die_with_parent(),
    )
    machines = []
    deadline = time.monotonic() + 5 * LIMIT  # it may have to build first
    while not machines:
        assert runner.poll() is None and time.monotonic() < deadline, "no emulator was started"
        machines = [pid for pid in descendants(runner.pid) if "qemu-system" in name_of(pid)]
        time.sleep(0.05)
    runner.kill()
    runner.wait()
    wait_for_the_end_of(machines)


# Terminal.


def test_terminal_session():
    terminal = Terminal(command())
    terminal.expect("# ")
    terminal.send("stty size\r")
    terminal.expect("\r\n30 100\r\n")
    terminal.resize(50, 120)
    os.kill(terminal.process.pid, signal.SIGWINCH)
    time.sleep(0.5)
    terminal.send("stty size\r")
    terminal.expect("\r\n50 120\r\n")
    terminal.send("test -t 0 && test -t 1 && echo yes-$((20 + 22))\r")
    terminal.expect("yes-42")
    terminal.send("exit 9\r")
    equal(terminal.end(), 9)


def test_keys_become_signals_in_the_guest():
    terminal = Terminal(command("--", "sh"))
    terminal.expect("# ")
    terminal.send("sleep 1000\r")
    time.sleep(1)
    terminal.send("\x03")
    terminal.expect("# ")
    terminal.send("echo status-$?\r")
    terminal.expect("status-130")
    terminal.send("sleep 1000\r")
    time.sleep(1)
    terminal.send("\x1a")
    terminal.expect("Stopped")
    terminal.send("kill %1; fg\r")
    terminal.expect("Terminated")
    terminal.expect("# ")
    terminal.send("\x04")
    terminal.end()


def test_terminal_is_restored_when_the_command_is_killed():
    terminal = Terminal(command("--", "sh", "-c", "echo ready; sleep 1000"))
    terminal.expect("ready")
    assert termios.tcgetattr(terminal.slave) != terminal.before
    terminal.process.kill()
    terminal.process.wait()
    deadline = time.monotonic() + 10
    while termios.tcgetattr(terminal.slave) != terminal.before:
        assert time.monotonic() < deadline, "the terminal is still raw"
        time.sleep(0.05)
    terminal.end()


def test_closed_terminal_ends_the_machine():
    terminal = Terminal(
        command("--", "sh", "-c", "trap '' HUP; echo ready; while :; do sleep 1; done")
    )
    terminal.expect("ready")
    machines = children(terminal.process.pid)
    os.close(terminal.slave)
    os.close(terminal.master)
    terminal.process.wait(LIMIT)
    wait_for_the_end_of(machines)


def test_escape_keys_stop_the_machine():
    terminal = Terminal(command("--", "sh", "-c", "stty raw; echo ready; cat >/dev/null"))
    terminal.expect("ready")
    terminal.send("\x1d\x1d\x1d")
    equal(terminal.end(), 130)


def select_kernel(name: str) -> None:
    global kernel
    kernel = name


if __name__ == "__main__":
    # A shell without job control starts what runs in the background with these ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    sys.exit(Suite("command", globals(), kernels=("linux", "samara")).main(select_kernel))
