# SPDX-License-Identifier: MIT
"""A command on a pseudo terminal of the test's own: what a person at a keyboard sees and types."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from harness import equal

from samara.child import die_with_parent

LIMIT = 120  # seconds: a hang detector


class Terminal:
    """The command on a pseudo terminal of ours."""

    def __init__(self, command: list[str], rows: int = 30, columns: int = 100, limit: int = LIMIT):
        self._limit = limit
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self._die_with_parent = die_with_parent()
        self.process = subprocess.Popen(
            command,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            preexec_fn=self._in_child,
        )
        self.seen = b""

    def _in_child(self) -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self._die_with_parent()

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text: str) -> None:
        os.write(self.master, text.encode())

    def expect(self, text: str) -> None:
        """Reads up to this text."""
        deadline = time.monotonic() + self._limit
        while text.encode() not in self.seen:
            assert time.monotonic() < deadline, f"no {text!r} in {self.seen!r}"
            if select.select([self.master], [], [], 0.2)[0]:
                self.seen += os.read(self.master, 65536)
        self.seen = self.seen.split(text.encode(), 1)[1]

    def end(self) -> int:
        status = self.process.wait(self._limit)
        equal(termios.tcgetattr(self.slave), self.before)
        os.close(self.master)
        os.close(self.slave)
        return status
