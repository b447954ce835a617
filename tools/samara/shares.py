# SPDX-License-Identifier: MIT
"""--share and --root DIR: directories of the host that the guest mounts by 9p."""

import os
from collections.abc import Iterable
from pathlib import Path

from .errors import SamaraError
from .machine import Share


def plan(shares: Iterable[str], root: str, snapshot: bool = False) -> list[Share]:
    """The root's first: the others are mounted in it. `snapshot`: it stays as it is."""
    wanted = [_parse(text) for text in shares]
    has_root = root != "default" and Path(root).is_dir()
    if has_root:
        wanted.insert(0, (Path(root), "/"))
    return [
        Share(f"share{number}", host, target, snapshot=snapshot and has_root and number == 0)
        for number, (host, target) in enumerate(wanted)
    ]


def _parse(text: str) -> tuple[Path, str]:
    # A colon in the host's name is fine: the guest's path is what comes behind the last one.
    host, colon, guest = text.rpartition(":")
    if not (host and colon):
        raise SamaraError(f"--share {text}: expected HOSTDIR:GUESTDIR")
    if not guest.startswith("/") or os.path.normpath(guest) == "/":
        raise SamaraError(f"--share {text}: the guest's path must be absolute, and not the root")
    if not Path(host).is_dir():
        raise SamaraError(f"--share {text}: {host} is not a directory")
    return Path(host), guest
