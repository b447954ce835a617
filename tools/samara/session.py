# SPDX-License-Identifier: MIT
"""One run of one program in a machine: the event loop between the host's streams and the guest's
init. It speaks the protocol, keeps the time limit, watches the kernel's log for a panic and the
emulator for its end. One thread, one poll; each stream has its own flow control.
docs/design/host_channel.md is the protocol."""

import contextlib
import errno
import os
import select
import signal
import struct
import time
from collections.abc import Callable
from enum import Enum, auto

from . import channel_io, job, protocol, transfer, ui
from .errors import SamaraError
from .file_channel import FileChannel
from .job import Request
from .kernel_log import KernelLog
from .protocol import Exit, Port, StartStage, Type
from .qemu import Qemu

FAILED = 125  # kernel panic, time limit, or a machine that ended without a result
TICK = 0.1  # how often the kernel's log and the clock are looked at, in seconds
_POWER_OFF = 30.0  # how long the guest may take to switch off


class State(Enum):
    BOOTING = auto()
    STARTING = auto()  # the channel is open, files are on their way
    RUNNING = auto()
    EXITED = auto()  # the last output is on its way
    GETTING = auto()
    ENDED = auto()


class _Output:
    """One output stream: a port of the guest, a sink of ours, and what is between them."""

    def __init__(self, port: Port, sink):
        self.port, self.sink = port, sink
        self.pending = memoryview(b"")
        self.received = 0
        self.broken = False

    def finished(self, total: int) -> bool:
        return self.received >= total and not self.pending


class Session:
    """`run()` returns the exit status; `problem` then says what went wrong, when something did."""

    def __init__(
        self,
        qemu: Qemu,
        log: KernelLog,
        request: Request,
        source,
        stdout,
        stderr,
        on_start: Callable[[], None] = lambda: None,
        keyboard: Callable[[bytes], bool] = lambda data: False,
    ):
        self.qemu, self.log, self.request = qemu, log, request
        self.problem: str | None = None
        self.state = State.BOOTING
        self._source, self._on_start = source, on_start
        self._at_end: list[Callable[[], None]] = []
        self._watched: dict[int, Callable[[], None]] = {}
        self._keyboard = keyboard  # sees the keys; True: the person wants out
        self._outputs = [_Output(Port.STDOUT, stdout), _Output(Port.STDERR, stderr)]
        self._decoder = protocol.Decoder()
        self._control_out = bytearray()
        self._listens = not qemu.one_way  # else all that we have to say is in the job
        self._stdin_open = self._listens
        self._stdin_total = 0
        self._stdin_out = memoryview(b"")
        puts = request.put if self._listens else []
        self._files = FileChannel(qemu.ports[Port.FILE], puts, request.get)
        self._exit: Exit | None = None
        self._queued: list[tuple[int, bytes]] = []  # control messages that wait for file bytes
        self._status: int | None = None
        self._deadline = None if request.timeout is None else time.monotonic() + request.timeout
        self._insistence: dict[int, list[float]] = {}

    def before_finish(self, action: Callable[[], None]) -> None:
        """Calls `action` when the program has ended and the machine still runs."""
        self._at_end.append(action)

    def watch(self, fd: int, action: Callable[[], None]) -> None:
        """Calls `action` in the loop whenever `fd` is readable."""
        self._watched[fd] = action

    def _before_finish(self) -> None:
        for action in self._at_end:
            action()

    # The loop.

    def run(self) -> int:
        # The guest reads when its driver is there; until then the messages wait in the sockets.
        for message in job.opening(self.request, self._files.put_messages()):
            self._control(message)
        while self.state is not State.ENDED:
            self._step()
        self._files.close_progress()
        return self._status if self._status is not None else FAILED

    def _step(self) -> None:
        poller, actions = select.poll(), {}

        def wait(fd: int, events: int, action: Callable[[], None]) -> None:
            poller.register(fd, events)
            actions[fd] = action

        ports = self.qemu.ports
        control = ports[Port.CONTROL]
        wait(
            control.fileno(),
            select.POLLIN | (select.POLLOUT if self._control_out else 0),
            self._on_control,
        )
        wait(self.qemu.pidfd, select.POLLIN, lambda: None)
        for fd, action in self._watched.items():
            wait(fd, select.POLLIN, action)
        immediate = self._wait_stdin(wait)
        if events := self._files.events():
            wait(ports[Port.FILE].fileno(), events, self._on_files)
        for output in self._outputs:
            immediate = self._wait_output(wait, output) or immediate
        limit = 0 if immediate else TICK
        if self._deadline is not None:
            limit = max(0, min(limit, self._deadline - time.monotonic()))
        for fd, _ in poller.poll(limit * 1000):
            actions[fd]()
        self._advance()
        self._watch()

    def _wait_stdin(self, wait) -> bool:
        port = self.qemu.ports[Port.STDIN]
        if self._stdin_out:
            wait(port.fileno(), select.POLLOUT, self._send_stdin)
            return False
        if self.state is not State.RUNNING or not self._stdin_open:
            return False
        if self._source.fd is None:
            self._read_stdin()
            return True
        wait(self._source.fd, select.POLLIN, self._read_stdin)
        return False

    def _wait_output(self, wait, output: _Output) -> bool:
        if output.pending:
            if output.sink.fd is None:
                self._write_output(output)
                return True
            wait(output.sink.fd, select.POLLOUT, lambda: self._write_output(output))
        elif self.state in (State.RUNNING, State.EXITED, State.STARTING):
            port = self.qemu.ports[output.port]
            wait(port.fileno(), select.POLLIN, lambda: self._read_output(output))
        return False

    def _watch(self) -> None:
        """What can end a run from outside: a panic, the time limit, the emulator's death."""
        self.log.poll()
        if self.state is State.ENDED:
            return
        if self.log.panicked:
            self.qemu.wait(1.0)  # the rest of the report
            self._fail("kernel panic")
        elif self.qemu.ended() and not self._readable() and not self._holds_output():
            self.log.poll()
            why = (
                "kernel panic" if self.log.panicked else "the machine ended before the program did"
            )
            said = self.qemu.said()
            self._fail(f"{why}\n{said}" if said else why)
            if said and not self.log.text():
                self.problem = f"QEMU refuses this machine:\n{said}"
                self._status = 2
        elif self._deadline is not None and time.monotonic() >= self._deadline:
            self._fail(
                f"time limit of {self.request.timeout:g} s reached ({self.state.name.lower()})"
            )

    def _readable(self) -> bool:
        """Whether the dead emulator has left us something to read."""
        poller = select.poll()
        for port in (Port.CONTROL, Port.STDOUT, Port.STDERR, Port.FILE):
            poller.register(self.qemu.ports[port].fileno(), select.POLLIN)
        for fd, events in poller.poll(0):
            if events & select.POLLIN:
                for port in self.qemu.ports.values():
                    if port.fileno() == fd and channel_io.has_data(port):
                        return True
        return False

    def _holds_output(self) -> bool:
        """Whether what the dead emulator has left us waits for our own reader."""
        return any(output.pending for output in self._outputs)

    def _fail(self, why: str) -> None:
        self.problem = why
        self._status = FAILED
        self.state = State.ENDED

    def _advance(self) -> None:
        """State changes that need no message."""
        if self.state is State.EXITED:
            totals = (self._exit.stdout_length, self._exit.stderr_length)
            if all(output.finished(total) for output, total in zip(self._outputs, totals)):
                self._before_finish()
                self.state = State.GETTING
                self._get_or_finish()
                self._handle_queued()

    # Signals and the window.

    def forward_signal(self, number: int) -> None:
        """A signal that this command got. To the program's group where a terminal would have sent
        it there; before the program runs, or when it is sent a third time within three seconds, or
        when nothing reaches the program, it ends us."""
        recent = [t for t in self._insistence.get(number, []) if t > time.monotonic() - 3.0]
        self._insistence[number] = [*recent, time.monotonic()]
        fatal = number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
        hangup = number == signal.SIGHUP and self.request.terminal  # nobody is there any more
        reaches = self._listens and self.state is State.RUNNING
        if hangup or (fatal and (not reaches or len(recent) >= 2)):
            self._status = 128 + number
            self.state = State.ENDED
        elif reaches:
            group = number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
            self._control(protocol.signal(number, group))

    def resize(self, rows: int, columns: int) -> None:
        self.request.window = (rows, columns)
        if self.state is State.RUNNING:
            self._control(protocol.window(rows, columns))

    # Control messages.

    def _control(self, message: bytes) -> None:
        if self._listens:
            self._control_out += message

    def _on_control(self) -> None:
        control = self.qemu.ports[Port.CONTROL]
        if self._control_out:
            del self._control_out[: channel_io.send(control, self._control_out)]
        data = channel_io.receive(control)
        if data:
            self._queued += self._decoder.feed(data)
            self._handle_queued()
        elif data == b"":
            time.sleep(0.001)  # the emulator has gone: _watch sees it

    def _handle_queued(self) -> None:
        # A job's results may come before the last output has been read.
        while self._queued and not self._files.in_file and self.state is not State.EXITED:
            kind, payload = self._queued.pop(0)
            self._handle(kind, payload)

    def _handle(self, kind: int, payload: bytes) -> None:
        match kind:
            case Type.READY:
                self._on_ready(struct.unpack_from("<I", payload)[0])
            case Type.PUT_FAILED:
                self._files.put_failed(payload)
            case Type.MOUNT_FAILED:
                code, path = protocol.errno_and_path(payload)
                self._files.errors.append(f"--share: {path}: {os.strerror(code)}")
            case Type.STARTED:
                self._on_started()
            case Type.START_FAILED:
                self._on_start_failed(*struct.unpack("<II", payload))
            case Type.STDIN_CLOSED:
                self._stdin_open = False
                self._stdin_out = memoryview(b"")
            case Type.EXITED:
                self._exit = Exit.unpack(payload)
                self._status = _shell_status(self._exit.wait_status)
                self.state = State.EXITED
            case Type.ENTRY:
                self._files.begin(payload)
            case Type.GET_FAILED:
                self._files.get_failed(payload)
            case Type.GET_END:
                self._files.end_get()
                self._get_or_finish()

    def _on_ready(self, version: int) -> None:
        if version != protocol.VERSION:
            self._fail(
                f"init speaks version {version} of the protocol, this command {protocol.VERSION}"
            )
        elif self.state is State.BOOTING:
            self.state = State.STARTING

    def _on_started(self) -> None:
        self._files.close_progress()
        self.state = State.RUNNING
        if self._files.errors:
            # A program must not run on inputs that are not there.
            self._fail("\n".join(self._files.errors))
            self._status = 2
            return
        self._on_start()
        rows, columns = self.request.window
        if self.request.terminal:
            self._control(protocol.window(rows, columns))

    def _on_start_failed(self, code: int, stage: int) -> None:
        what = {
            StartStage.EXECUTE: f"cannot run {self.request.argv[0]}",
            StartStage.DIRECTORY: f"--cwd {self.request.cwd}",
        }.get(stage, "cannot make the program's standard streams")
        self.problem = f"{what}: {os.strerror(code)}"
        self._status = 127 if (code, stage) == (errno.ENOENT, StartStage.EXECUTE) else 126
        self._before_finish()
        self._finish()

    # The streams.

    def _read_stdin(self) -> None:
        data = self._source.read()
        if data is None:
            return
        if data == b"":
            self._stdin_open = False
            self._control(protocol.stdin_end(self._stdin_total))
            return
        if self._keyboard(data):
            self._status = 128 + signal.SIGINT
            self.problem = "the machine was stopped from the keyboard"
            self.state = State.ENDED
            return
        self._stdin_total += len(data)
        self._stdin_out = memoryview(data)
        self._send_stdin()

    def _send_stdin(self) -> None:
        self._stdin_out = self._stdin_out[
            channel_io.send(self.qemu.ports[Port.STDIN], self._stdin_out) :
        ]

    def _read_output(self, output: _Output) -> None:
        data = channel_io.receive(self.qemu.ports[output.port])
        if data:
            output.received += len(data)
            if not output.broken:
                output.pending = memoryview(data)
                self._write_output(output)
        elif data == b"":
            time.sleep(0.001)  # as in _on_control

    def _write_output(self, output: _Output) -> None:
        if output.sink.fd is not None and not _writable(output.sink.fd):
            return
        try:
            output.pending = output.pending[output.sink.write(output.pending) :]
        except OSError:
            # Nobody reads us: the program shall see it as it would in a pipe.
            output.broken = True
            output.pending = memoryview(b"")
            self._control(protocol.output_closed(output.port))

    # Files.

    def _on_files(self) -> None:
        self._files.move()
        self._handle_queued()

    def _get_or_finish(self) -> None:
        wanted = self._status == 0 or self.request.get_after_failure
        message = self._files.next_get() if wanted else None
        if message is not None:
            self._control(message)
        else:
            self._finish()

    def _finish(self) -> None:
        """Tells the guest to switch off; the run is over when it has, or when it takes too long."""
        if self._files.errors:
            self.problem = "\n".join(filter(None, [self.problem, *self._files.errors]))
            self._status = self._status or 2
        if self._listens:
            control = self.qemu.ports[Port.CONTROL]
            control.settimeout(2.0)
            # It may have switched off by itself.
            with contextlib.suppress(OSError):
                control.sendall(bytes(self._control_out) + protocol.message(Type.FINISH))
        if not self.qemu.wait(_POWER_OFF):
            ui.warn(f"the machine did not switch off within {_POWER_OFF:g} s")
        self.log.poll()
        if self.log.panicked:
            self._fail("kernel panic after the program had ended")
        self.state = State.ENDED


def _shell_status(wait_status: int) -> int:
    if os.WIFSIGNALED(wait_status):
        return 128 + os.WTERMSIG(wait_status)
    return os.WEXITSTATUS(wait_status)


def _writable(fd: int) -> bool:
    poller = select.poll()
    poller.register(fd, select.POLLOUT)
    return bool(poller.poll(0))
