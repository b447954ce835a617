# SPDX-License-Identifier: MIT
"""QEMU's control socket (QMP): commands to the emulator, and the news that the guest has switched
off where the emulator is told to stay (`-action shutdown=pause`)."""

import contextlib
import json
import select
import socket
import time
from pathlib import Path

from .errors import SamaraError

_PATIENCE = 10.0  # seconds; QEMU answers in milliseconds


class Monitor:
    def __init__(self, end: socket.socket):
        self._socket = end
        self._received = b""
        self._answers: list[dict] = []
        self.guest_is_off = False
        # It waits in the socket until QEMU listens, and so does the answer until somebody asks.
        self._send({"execute": "qmp_capabilities"})
        self._negotiated = False

    def close(self) -> None:
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def poll(self, seconds: float = 0) -> bool:
        """Takes in what QEMU says within that time. False: nothing."""
        if not select.select([self._socket], [], [], seconds)[0]:
            return False
        try:
            data = self._socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            return False
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))
        return True

    def screenshot(self, file: Path) -> None:
        """Writes what the machine's display shows, as PNG."""
        self._execute("screendump", filename=str(file), format="png")

    def _take(self, message: dict) -> None:
        if message.get("event") == "SHUTDOWN":
            self.guest_is_off = True
        elif "return" in message or "error" in message:
            self._answers.append(message)

    def _send(self, message: dict) -> None:
        with contextlib.suppress(OSError):  # QEMU has gone: no answer will come
            self._socket.sendall(json.dumps(message).encode() + b"\n")

    def _execute(self, command: str, **arguments) -> None:
        if not self._negotiated:
            self._answer("qmp_capabilities")
            self._negotiated = True
        self._send({"execute": command, "arguments": arguments})
        self._answer(command)

    def _answer(self, command: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self._answers:
            left = deadline - time.monotonic()
            if left <= 0 or not self.poll(left):
                raise SamaraError(f"{command}: QEMU does not answer")
        answer = self._answers.pop(0)
        if "error" in answer:
            raise SamaraError(f"{command}: {answer['error']['desc']}")
