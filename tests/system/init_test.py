#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`samara run --init`: a root that boots itself. Debian's sysvinit from the machine's start over a
login on the console to the end of the machine, on both kernels.

    tests/system/init_test.py [-k NAME] [--kernel linux|samara]"""

import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from harness import BUILD, ROOT, Suite, equal
from terminal import Terminal

from samara import image_command

# What is Essential in Debian is not in an image unless somebody asks for it.
PACKAGES = [
    "sysvinit-core", "bash", "login", "util-linux", "mount", "coreutils", "grep", "sed", "hostname",
    "procps", "e2fsprogs",
]  # fmt: skip
PROMPT = "root@samara:~# "
LIMIT = 600  # seconds: a hang detector
kernel = "linux"


def command(*arguments: str) -> list[str]:
    return [str(ROOT / "samara"), "run", "--no-build", "--kernel", kernel, "--timeout", str(LIMIT),
            *arguments]  # fmt: skip


@contextmanager
def fresh_image():
    built = image_command.build(PACKAGES, kind="ext4", documents=False)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        yield Path(shutil.copy(built, folder))


def log_in(*arguments: str) -> Terminal:
    terminal = Terminal(command("--init", "/sbin/init", *arguments), limit=LIMIT)
    terminal.expect("INIT: version")
    terminal.expect("samara login: ")
    terminal.send("root\r")
    terminal.expect(PROMPT)
    return terminal


def ask(terminal: Terminal, question: str, answer: str) -> None:
    terminal.send(question + "\r")
    terminal.expect(f"\r\n\x1b[?2004l\r{answer}\r\n")
    terminal.expect(PROMPT)


def is_clean(image: Path) -> None:
    checked = subprocess.run(["/sbin/e2fsck", "-fn", image], capture_output=True, text=True)
    equal((checked.returncode, checked.stderr.count("\n")), (0, 1))


def test_boots_to_a_login_and_switches_off():
    with fresh_image() as image:
        terminal = log_in("--root", str(image))
        ask(terminal, "tty", "/dev/ttyAMA0")
        ask(terminal, "cat /proc/1/comm /etc/hostname", "init\r\nsamara")
        ask(terminal, "runlevel", "N 2")
        ask(terminal, "who | cut -c1-16", "root     ttyAMA0")
        ask(terminal, "grep ' / ' /proc/mounts | cut -d' ' -f3,4", "ext4 rw,relatime")
        ask(terminal, "mountpoint -q /run && mountpoint -q /proc && echo both", "both")
        ask(terminal, "echo kept | tee /root/kept", "kept")
        terminal.send("poweroff\r")
        terminal.expect("Will now halt")
        equal(terminal.end(), 0)
        is_clean(image)
        kept = ["/sbin/debugfs", "-R", "cat /root/kept", image]
        equal(subprocess.run(kept, capture_output=True).stdout, b"kept\n")


def test_restarts():
    with fresh_image() as image:
        terminal = log_in("--root", str(image), "--snapshot")
        terminal.send("shutdown -r now\r")
        terminal.expect("Will now restart")
        equal(terminal.end(), 0)
        is_clean(image)


def test_any_program_is_process_1():
    terminal = Terminal(command("--init", "/bin/sh"), limit=LIMIT)
    terminal.expect("/ # ")
    terminal.send("echo I am $$; poweroff -f\r")
    terminal.expect("I am 1\r\n")
    equal(terminal.end(), 0)


def run(*arguments: str) -> tuple[int, bytes]:
    ended = subprocess.run(command(*arguments), stdin=subprocess.DEVNULL, capture_output=True)
    return ended.returncode, ended.stdout


def test_arguments_are_the_program_s_and_its_end_is_a_panic():
    # Of what Linux has not sent when it panics nothing comes: so there is more than it can hold.
    status, shown = run("--init", "/usr/bin/seq", "--", "-s", ",", "3000")
    equal(status, 125)
    assert b"1,2,3,4" in shown, shown


def test_what_needs_our_init_is_refused():
    for option in (["--put", "/etc/passwd:/x"], ["--cwd", "/tmp"], ["--root", str(BUILD)]):
        status, _ = run("--init", "/bin/sh", *option)
        equal(status, 2)


def select_kernel(name: str) -> None:
    global kernel
    kernel = name


if __name__ == "__main__":
    sys.exit(Suite("init", globals(), kernels=("linux", "samara")).main(select_kernel))
