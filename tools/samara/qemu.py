# SPDX-License-Identifier: MIT
"""One QEMU process and the descriptors to it. It dies with us, however we die. Everything goes
over inherited descriptors, so nothing is left behind in the file system but the kernel's log."""

import os
import select
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .channel_io import PipeEnd
from .child import die_with_parent
from .machine import Machine, command_line, stays_after_shutdown
from .monitor import Monitor
from .protocol import Port


class Qemu:
    """The running emulator: `ports` are our ends of the host channel; `console` is that of the
    serial line, when the machine has this in place of a channel."""

    def __init__(
        self,
        machine: Machine,
        kernel: Path,
        initrd: Path | int | None,
        log: Path,
        *,
        on_console: bool = False,
    ):
        ours, theirs = {}, {}
        for port in Port if not on_console else ():
            ours[port], theirs[port] = _pipe() if machine.deterministic else _socket_pair()
        self.console, console_end = _socket_pair() if on_console else (None, None)
        monitor, monitor_end = socket.socketpair()
        ends = [*theirs.values(), *([console_end] if on_console else []), monitor_end]
        passed = [end.fileno() for end in ends]
        if isinstance(initrd, int):
            passed.append(initrd)
            initrd = Path(f"/proc/self/fd/{initrd}")
        self.ports = ours
        self.one_way = machine.deterministic  # nothing goes to its ports
        self._said = tempfile.TemporaryFile()
        line = command_line(
            machine,
            kernel,
            initrd,
            log,
            {p: s.fileno() for p, s in theirs.items()},
            monitor_end.fileno(),
            console_end.fileno() if on_console else None,
        )
        if os.environ.get("SAMARA_SHOW_QEMU"):
            os.write(2, (" ".join(line) + "\n").encode())
        # A session of its own: a Ctrl-C at the terminal is for the guest's program, not for QEMU.
        self.process = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            pass_fds=passed,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
        for end in ends:
            end.close()
        self.pidfd = os.pidfd_open(self.process.pid)
        self._monitor = Monitor(monitor)
        self._stays = stays_after_shutdown(machine)

    def ended(self) -> bool:
        """Whether the machine is off. The emulator may be there still, for a last picture."""
        self._monitor.poll()
        return self._stays and self._monitor.guest_is_off or self.process.poll() is not None

    def said(self) -> str:
        """What QEMU itself has written: nothing, or why it could not go on."""
        self._said.seek(0)
        return self._said.read().decode(errors="replace").strip()

    def wait(self, seconds: float) -> bool:
        """Whether it ended by itself in that time."""
        deadline = time.monotonic() + seconds
        while not self.ended():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            select.select([self.pidfd, self._monitor], [], [], left)
        return True

    def screenshot(self, file: Path) -> None:
        """Writes what the machine's display shows, as PNG."""
        self._monitor.screenshot(file)

    def stop(self) -> None:
        """Ends it now and takes back what it held."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.pidfd)
        for end in [*self.ports.values(), self.console, self._monitor, self._said]:
            if end is not None:
                end.close()


def _pipe() -> tuple[PipeEnd, PipeEnd]:
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    return PipeEnd(ours), PipeEnd(theirs)


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs
