# SPDX-License-Identifier: MIT
"""Where the program's standard streams come from and go to on the host: descriptors for a person,
bytes in memory for a test. Both are used from one poll loop; nothing here waits."""

import os
import select
import stat

CHUNK = 64 * 1024


class FdSource:
    """Standard input from a descriptor, which may be closed, a file, a pipe or a terminal."""

    def __init__(self, fd: int):
        self.fd: int | None = fd
        try:
            os.fstat(fd)
        except OSError:
            self.fd = None

    def read(self) -> bytes | None:
        """Some bytes; b"" at the end; None when there is nothing yet. Called when poll says
        readable."""
        if self.fd is None:
            return b""
        try:
            return os.read(self.fd, CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            return b""


def read_all(source: FdSource) -> bytes:
    """All that there is until its end."""
    data = bytearray()
    while (piece := source.read()) != b"":
        if piece is None:
            select.select([source.fd], [], [])
        else:
            data += piece
    return bytes(data)


class BytesSource:
    """Standard input from memory."""

    fd = None

    def __init__(self, data: bytes):
        self._data = memoryview(data)

    def read(self) -> bytes | None:
        piece, self._data = self._data[:CHUNK], self._data[CHUNK:]
        return bytes(piece)


class FdSink:
    """An output descriptor of ours. Its O_NONBLOCK is shared with others and thus left alone: a
    pipe that poll(2) calls writable takes PIPE_BUF bytes without waiting, and never more are
    offered to it."""

    def __init__(self, fd: int):
        self.fd: int | None = fd
        try:
            regular = stat.S_ISREG(os.fstat(fd).st_mode)
        except OSError:
            regular = True  # closed: the write will say so
        self._step = (1 << 20) if regular else select.PIPE_BUF

    def write(self, data: memoryview) -> int:
        """How many bytes went out; raises OSError when nobody reads any more."""
        try:
            return os.write(self.fd, data[: self._step])
        except BlockingIOError:
            return 0


class BytesSink:
    """An output kept in memory."""

    fd = None

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: memoryview) -> int:
        self.data += data
        return len(data)
