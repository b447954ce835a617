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
from .cpio import Archive
from .errors import SamaraError


@contextmanager
def open_initrd(
    root: str, *, modules: Sequence[Path], init: str | None = None, job: Archive | None = None
) -> Iterator[tuple[Path | int | None, list[str]]]:
    """The archive, as a path or an open descriptor, and the kernel's words that go with it. A
    directory is no archive: init mounts it (shares.py). With `init`, that program of the root is
    process 1; ours runs before it only where a kernel needs modules to find the root. `job`: what
    ours is to do (job.py)."""
    default = root == "default"
    on_disk = not default and disks.is_file_system(Path(root))
    system = disks.file_system(Path(root)) if on_disk else None
    if init is not None and on_disk and not modules:
        yield None, ["root=/dev/vda", f"rootfstype={system}", f"init={init}"]
        return
    ours = default if init is None else not modules
    words = [] if ours else [f"rdinit={rootfs.OVERLAY_INIT}"]
    if init is not None:
        words += [f"rdinit={init}"] if ours else [f"{protocol.INIT_ENVIRONMENT}={init}"]
    if on_disk:
        words.append(f"{protocol.ROOT_ENVIRONMENT}=/dev/vda:{system}")
    if default and not modules and job is None:
        yield _default(), words
        return
    fd = os.memfd_create("initrd")
    try:
        shared = not ours and Path(root).is_dir()
        # Of a root that has nothing else, and of a process 1 that goes on with it.
        console = shared or init is not None
        try:
            with os.fdopen(os.dup(fd), "wb") as out:
                if not shared and not on_disk:
                    _write_root(out, root)
                rootfs.write_overlay(out, init=not ours, modules=modules, console=console)
                if job is not None:
                    job.write(out)
        except OSError as failure:
            raise SamaraError(f"cannot put the initramfs together: {failure.strerror}")
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
