# SPDX-License-Identifier: MIT
"""One command at a time for what two must not do at once."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import ui


@contextmanager
def one_at_a_time(lock: Path, what: str) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            ui.say(f"waiting for another {what} to finish")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
