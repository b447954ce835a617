# SPDX-License-Identifier: MIT
"""The host's terminal while a guest program has it: raw, so that every key reaches the guest's own
line discipline, and always given back as it was, even when this process is killed: a small guardian
process waits for our end and then restores it."""

import os
import signal
import termios
import tty


def size(fd: int) -> tuple[int, int]:
    """Rows and columns; 24 by 80 when it does not say."""
    try:
        columns, rows = os.get_terminal_size(fd)
    except OSError:
        return 24, 80
    return rows or 24, columns or 80


class RawTerminal:
    """Context in which the terminal is raw."""

    def __init__(self, fd: int):
        self._fd = fd
        self._saved = termios.tcgetattr(fd)
        self._guardian: tuple[int, int] | None = None
        self._raw = False

    @property
    def active(self) -> bool:
        return self._raw

    def enter(self) -> None:
        if self._guardian is None:
            self._guardian = _start_guardian(self._fd, self._saved)
        # Typed-ahead keys are the program's: TCSADRAIN keeps them.
        tty.setraw(self._fd, termios.TCSADRAIN)
        self._raw = True

    def leave(self) -> None:
        if self._raw:
            self._raw = False
            try:
                termios.tcsetattr(self._fd, termios.TCSADRAIN, self._saved)
            except termios.error:
                pass  # the terminal has gone

    def close(self) -> None:
        self.leave()
        if self._guardian is not None:
            pid, pipe = self._guardian
            os.write(pipe, b"x")  # all is well: nothing to restore
            os.close(pipe)
            os.waitpid(pid, 0)
            self._guardian = None


def _start_guardian(fd: int, saved: list) -> tuple[int, int]:
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            for number in (
                signal.SIGINT,
                signal.SIGTERM,
                signal.SIGHUP,
                signal.SIGQUIT,
                signal.SIGTTOU,
            ):
                signal.signal(number, signal.SIG_IGN)
            terminal = os.dup(fd)
            for other in range(256):
                if other not in (terminal, read_end):
                    try:
                        os.close(other)
                    except OSError:
                        pass
            if os.read(read_end, 1) == b"":
                termios.tcsetattr(terminal, termios.TCSANOW, saved)
        finally:
            os._exit(0)
    os.close(read_end)
    return pid, write_end
