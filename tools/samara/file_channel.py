# SPDX-License-Identifier: MIT
"""The files of one run on their way through the file port: what --put sends, what --get receives,
and a progress bar for both. The messages that go with them are the session's to send."""

import os
import select
import socket
from collections.abc import Iterator

from . import channel_io, protocol, transfer, ui
from .protocol import Entry

_WORTH_A_BAR = 4 << 20


class FileChannel:
    def __init__(self, port: socket.socket, puts: list[transfer.Copy], gets: list[transfer.Copy]):
        self.errors: list[str] = []
        self._port = port
        self._gets = list(gets)
        self._plan = [item for copy in puts for item in transfer.put_plan(copy)]
        self._pieces: Iterator[bytes] = transfer.read_pieces(self._plan)
        self._out = memoryview(b"")
        self._receiver: transfer.Receiver | None = None
        self._progress: ui.Progress | None = None

    # In.

    def put_messages(self) -> Iterator[bytes]:
        """One message for each object; the bytes of the files follow on the port in this order."""
        self._open_progress("copying files in", sum(entry.size for entry, _ in self._plan))
        for entry, _ in self._plan:
            yield protocol.put(entry)

    def put_failed(self, payload: bytes) -> None:
        code, path = protocol.errno_and_path(payload)
        self.errors.append(f"--put: {path}: {os.strerror(code)}")

    # Out.

    def next_get(self) -> bytes | None:
        """The message that asks for the next path, or None when all are done."""
        if not self._gets:
            return None
        copy = self._gets.pop(0)
        self._receiver = transfer.Receiver(copy)
        return protocol.get(copy.source)

    def begin(self, payload: bytes) -> None:
        """An object is coming."""
        if self._receiver is not None:
            self._receiver.begin(Entry.unpack(payload))
            self.close_progress()
            self._open_progress("copying files out", self._receiver.wanted)

    def get_failed(self, payload: bytes) -> None:
        code, path = protocol.errno_and_path(payload)
        self.errors.append(f"--get: {path}: {os.strerror(code)}")

    def end_get(self) -> None:
        self.close_progress()
        if self._receiver is not None:
            self._receiver.finish()
            self.errors += self._receiver.errors
            self._receiver = None

    @property
    def in_file(self) -> bool:
        """Whether bytes of a file are due: the messages after them have to wait."""
        return self._receiver is not None and self._receiver.wanted > 0

    # The port.

    def events(self) -> int:
        """What to wait for on the port."""
        if not self._out:
            self._out = memoryview(next(self._pieces, b""))
        return (select.POLLOUT if self._out else 0) | (select.POLLIN if self.in_file else 0)

    def move(self) -> None:
        """Moves what can be moved now."""
        if self._out:
            sent = channel_io.send(self._port, self._out)
            self._out = self._out[sent:]
            self._advance_progress(sent)
        if self.in_file:
            data = channel_io.receive(self._port, min(self._receiver.wanted, 1 << 20))
            if data:
                self._receiver.take(data)
                self._advance_progress(len(data))

    # Progress.

    def _open_progress(self, label: str, total: int) -> None:
        if total >= _WORTH_A_BAR:
            self._progress = ui.Progress(label, total)

    def _advance_progress(self, amount: int) -> None:
        if self._progress is not None:
            self._progress.advance(amount)

    def close_progress(self) -> None:
        if self._progress is not None:
            self._progress.__exit__()
            self._progress = None
