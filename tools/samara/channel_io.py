# SPDX-License-Identifier: MIT
"""Sending to and receiving from one port of the host channel without waiting. An emulator that has
gone is no error here: the session sees that by itself."""

import socket

_CHUNK = 1 << 18


def send(port: socket.socket, data) -> int:
    """How many bytes went out; all of them when nobody is there any more."""
    try:
        return port.send(data[:_CHUNK])
    except (BlockingIOError, InterruptedError):
        return 0
    except OSError:
        return len(data)


def receive(port: socket.socket, size: int = _CHUNK) -> bytes | None:
    """Some bytes; b"" when nobody is there any more; None when there is nothing yet."""
    try:
        return port.recv(size)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return b""


def has_data(port: socket.socket) -> bool:
    try:
        return bool(port.recv(1, socket.MSG_PEEK))
    except OSError:
        return False
