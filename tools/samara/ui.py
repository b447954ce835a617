# SPDX-License-Identifier: MIT
"""What the command says about its own work, always on stderr: one line per step, a progress bar for
long work when stderr is a terminal, nothing with --quiet. The program's stdout and stderr never
pass through here."""

import os
import time

quiet = False


def say(message: str) -> None:
    """One line about what is being done."""
    if not quiet:
        _write(f"samara: {message}\n")


def warn(message: str) -> None:
    """One line that matters even with --quiet."""
    _write(f"samara: warning: {message}\n")


def error(message: str) -> None:
    _write(f"samara: {message}\n")


def text(block: str) -> None:
    """Lines that are not ours, such as a kernel's last words."""
    _write(block)


def _write(text: str) -> None:
    try:
        os.write(2, text.encode(errors="surrogateescape"))
    except OSError:
        pass  # nobody reads us; what we were doing is still worth doing


class Progress:
    """A bar for work of a known size; draws only on a terminal, and at most ten times a second.

    Use as a context manager: the line is erased at the end, so that it never mixes with what
    follows.
    """

    def __init__(self, label: str, total: int, unit: str = ""):
        self.label, self.total, self.unit = label, max(total, 1), unit
        self.done = 0
        self.live = not quiet and os.isatty(2) and os.environ.get("TERM") != "dumb"
        self._last = 0.0
        self._drawn = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._drawn:
            _write("\r\x1b[K")

    def advance(self, amount: int = 1, label: str | None = None) -> None:
        self.done += amount
        if label is not None:
            self.label = label
        now = time.monotonic()
        if self.live and (now - self._last > 0.1 or self.done >= self.total):
            self._last = now
            self._draw()

    def _draw(self) -> None:
        width = 24
        share = min(self.done / self.total, 1.0)
        bar = ("#" * int(share * width)).ljust(width, ".")
        columns = os.get_terminal_size(2).columns or 80
        line = f"samara: {self.label} [{bar}] {share * 100:3.0f}%{self.unit}"
        _write("\r\x1b[K" + line[: columns - 1])
        self._drawn = True
