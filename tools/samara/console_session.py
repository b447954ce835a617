# SPDX-License-Identifier: MIT
"""One run of a machine whose first process is somebody else's (`samara run --init`): its serial
console is our standard input and output, and it ends by switching off or restarting."""

import select
import signal
import time
from collections.abc import Callable

from . import channel_io
from .kernel_log import KernelLog
from .qemu import Qemu
from .session import FAILED, TICK
from .streams import FdSink, FdSource

_FATAL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class ConsoleSession:
    """`run()` returns the exit status; `problem` then says what went wrong, when something did."""

    def __init__(
        self,
        qemu: Qemu,
        log: KernelLog,
        timeout: float | None,
        source: FdSource,
        sink: FdSink,
        on_start: Callable[[], None] = lambda: None,
        keyboard: Callable[[bytes], bool] = lambda data: False,
    ):
        self.qemu, self.log = qemu, log
        self.problem: str | None = None
        self._source = source if source.fd is not None else None
        self._sink = sink
        self._on_start, self._keyboard = on_start, keyboard
        self._typed = memoryview(b"")  # on its way to the machine
        self._shown = memoryview(b"")  # and from it
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._status: int | None = None
        self._watched: dict[int, Callable[[], None]] = {}

    def watch(self, fd: int, action: Callable[[], None]) -> None:
        """Calls `action` in the loop whenever `fd` is readable."""
        self._watched[fd] = action

    def forward_signal(self, number: int) -> None:
        """The machine has no use for our signals: those that would end a program end it."""
        if number in _FATAL:
            self._status = 128 + number

    def resize(self, rows: int, columns: int) -> None:
        """A serial line does not say how large the terminal at its end is."""

    def run(self) -> int:
        self._on_start()
        while self._status is None:
            self._step()
            self._watch()
        return self._status

    def _step(self) -> None:
        poller, actions = select.poll(), {}

        def wait(fd: int, events: int, action: Callable[[], None]) -> None:
            poller.register(fd, events)
            actions[fd] = action

        if self._shown:
            wait(self._sink.fd, select.POLLOUT, self._show)
        if not self._typed and self._source is not None:
            wait(self._source.fd, select.POLLIN, self._type)
        wanted = select.POLLIN if not self._shown else 0
        wanted |= select.POLLOUT if self._typed else 0
        if wanted:
            wait(self.qemu.console.fileno(), wanted, self._exchange)
        wait(self.qemu.pidfd, select.POLLIN, lambda: None)
        for fd, action in self._watched.items():
            wait(fd, select.POLLIN, action)
        limit = TICK
        if self._deadline is not None:
            limit = max(0, min(limit, self._deadline - time.monotonic()))
        for fd, _ in poller.poll(limit * 1000):
            actions[fd]()

    def _exchange(self) -> None:
        if self._typed:
            self._typed = self._typed[channel_io.send(self.qemu.console, self._typed) :]
        if not self._shown:
            self._shown = memoryview(channel_io.receive(self.qemu.console) or b"")

    def _show(self) -> None:
        try:
            self._shown = self._shown[self._sink.write(self._shown) :]
        except OSError:
            self._shown = memoryview(b"")  # nobody reads us: the machine goes on

    def _type(self) -> None:
        data = self._source.read()
        if data == b"":
            self._source = None
        elif data and self._keyboard(data):
            self._status = 128 + signal.SIGINT
            self.problem = "the machine was stopped from the keyboard"
        elif data:
            self._typed = memoryview(data)

    def _watch(self) -> None:
        """What can end a run from outside: a panic, the time limit, the emulator's end."""
        self.log.poll()
        if self.log.panicked:
            self.qemu.wait(1.0)  # the rest of the report
            self._fail("kernel panic")
        elif self.qemu.ended() and not self._shown and not channel_io.has_data(self.qemu.console):
            said = self.qemu.said()
            if said:
                self._fail(f"QEMU refuses this machine:\n{said}", status=2)
            elif self._status is None:
                self._status = 0
        elif self._deadline is not None and time.monotonic() >= self._deadline:
            self._fail(f"time limit of {self._timeout:g} s reached")

    def _fail(self, why: str, status: int = FAILED) -> None:
        self.problem, self._status = why, status
