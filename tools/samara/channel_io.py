# SPDX-License-Identifier: MIT
"""Sending to and receiving from one port of the host channel without waiting. An emulator that has
gone is no error here: the session sees that by itself."""

import fcntl
import os
import socket
import termios

_CHUNK = 1 << 18


class PipeEnd:
    """The end of a pipe, as a port of a machine that only speaks."""

    def __init__(self, fd: int):
        self._fd = fd

    def fileno(self) -> int:
        return self._fd

    def recv(self, size: int) -> bytes:
        return os.read(self._fd, size)

    def has_data(self) -> bool:
        return any(fcntl.ioctl(self._fd, termios.FIONREAD, bytes(4)))

    def close(self) -> None:
        os.close(self._fd)


def send(port: socket.socket, data) -> int:
    """How many bytes went out; all of them when nobody is there any more."""
    try:
        return port.send(data[:_CHUNK])
    except (BlockingIOError, InterruptedError):
        return 0
    except OSError:
        return len(data)


def receive(port: socket.socket | PipeEnd, size: int = _CHUNK) -> bytes | None:
    """Some bytes; b"" when nobody is there any more; None when there is nothing yet."""
    try:
        return port.recv(size)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return b""


def has_data(port: socket.socket | PipeEnd) -> bool:
    if isinstance(port, PipeEnd):
        return port.has_data()
    try:
        return bool(port.recv(1, socket.MSG_PEEK))
    except OSError:
        return False
