# SPDX-License-Identifier: MIT
"""The kernel's log (the PL011) as a file that grows: finds a panic in it, keeps what a person wants
to see of it. Logs of the last runs stay in build/log."""

import os
import re
import time
from pathlib import Path

from . import paths, ui

_PANIC = re.compile(r"^(\[[^]]*\] ?)?(samara: panic|Kernel panic - not syncing)")
_INIT_STARTS = re.compile(r"init: starts at (\d+) ns, (\d+) ns of them idle")
_GOODBYE = re.compile(r"reboot: after (\d+) ns, (\d+) ns of them idle")
_KEPT = 20
_TAIL_LINES = 60


def new_log_file() -> Path:
    """A fresh name in build/log; the oldest logs make room."""
    paths.LOGS.mkdir(parents=True, exist_ok=True)

    def age(log: Path) -> float:
        try:
            return log.stat().st_mtime
        except FileNotFoundError:
            return 0.0

    for old in sorted(paths.LOGS.glob("run-*.log"), key=age)[:-_KEPT]:
        old.unlink(missing_ok=True)
    return (
        paths.LOGS
        / f"run-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{time.monotonic_ns() % 10**6:06}.log"
    )


class KernelLog:
    """Follows the file; `poll()` reads what is new. With `echo`, all goes to stderr as well."""

    def __init__(self, path: Path, echo: bool = False):
        self.path = path
        self.panicked = False
        self.lines: list[str] = []
        self._echo = echo
        self._rest = ""
        path.write_bytes(b"")
        self._file = path.open("rb")
        self._panic_line = 0

    def poll(self) -> None:
        data = self._file.read()
        if not data:
            return
        if self._echo:
            ui.text(data.decode(errors="replace"))
        *complete, self._rest = (
            self._rest + data.decode(errors="replace").replace("\r", "")
        ).split("\n")
        for line in complete:
            if not self.panicked and _PANIC.match(line):
                self.panicked = True
                self._panic_line = len(self.lines)
            self.lines.append(line)

    def instructions_to_init(self) -> int | None:
        """How many the kernel ran before its first program, in a run with --icount."""
        return self._count(_INIT_STARTS)

    def instructions(self) -> int | None:
        """How many there were in all, in a deterministic run that came to its end."""
        return self._count(_GOODBYE)

    def _count(self, pattern: re.Pattern) -> int | None:
        """A nanosecond is an instruction, but for those in which the CPU slept."""
        for line in self.lines:
            if match := pattern.search(line):
                return int(match[1]) - int(match[2])
        return None

    def text(self) -> str:
        return "\n".join([*self.lines, self._rest])

    def tail(self) -> str:
        """From the panic on; without one the last lines."""
        lines = [*self.lines, self._rest] if self._rest else self.lines
        start = self._panic_line if self.panicked else max(0, len(lines) - _TAIL_LINES)
        return "\n".join(lines[start : start + _TAIL_LINES])

    def close(self) -> None:
        self._file.close()
