# SPDX-License-Identifier: MIT
"""The initial RAM disk of one run: the root that was asked for, and what the host channel needs
beside it. Several archives in a row are one initramfs, so nothing is repacked; what is put together
lives in memory."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from . import disks, paths, protocol, rootfs
from .errors import SamaraError


@contextmanager
def open_initrd(
    root: str, *, modules: Sequence[Path]
) -> Iterator[tuple[Path | int, list[str]]]:
    """The archive, as a path or an open descriptor, and the kernel's words that go with it. A
    directory is no archive: init mounts it (shares.py)."""
    ours = root == "default"
    words = [] if ours else [f"rdinit={rootfs.OVERLAY_INIT}"]
    on_disk = not ours and disks.is_file_system(Path(root))
    if on_disk:
        words.append(f"{protocol.ROOT_ENVIRONMENT}=/dev/vda:{disks.file_system(Path(root))}")
    if ours and not modules:
        yield _default(), words
        return
    fd = os.memfd_create("initrd")
    try:
        with os.fdopen(os.dup(fd), "wb") as out:
            shared = not ours and Path(root).is_dir()
            if not shared and not on_disk:
                _write_root(out, root)
            rootfs.write_overlay(out, init=not ours, modules=modules, console=shared)
        yield fd, words
    finally:
        os.close(fd)


def _default() -> Path:
    if not paths.DEFAULT_ROOT.exists():
        raise SamaraError(f"no default root at {paths.DEFAULT_ROOT}: run ./samara build")
    return paths.DEFAULT_ROOT


def _write_root(out: BinaryIO, root: str) -> None:
    path = _default() if root == "default" else Path(root)
    if path.is_file():
        with path.open("rb") as archive:
            shutil.copyfileobj(archive, out, 1 << 20)
        # The next archive must start at a multiple of four.
        out.write(b"\0" * (-out.tell() % 4))
    else:
        raise SamaraError(f"--root {root}: no such file or directory")
