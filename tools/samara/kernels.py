# SPDX-License-Identifier: MIT
"""`--kernel samara|linux|PATH`: which image to boot, and what it needs from us to speak the host
channel."""

import os
from dataclasses import dataclass
from pathlib import Path

from . import paths, rootfs
from .errors import SamaraError


@dataclass(frozen=True)
class Kernel:
    image: Path
    elf: Path | None = None  # with symbols, when it is ours
    needs_modules: bool = False  # Debian's kernel has virtio as modules
    append: tuple[str, ...] = ()
    strace: str | None = None  # the word that makes it print system calls
    has_display: bool = True  # a driver for what --display gives the machine


# `panic=-1` restarts at once, which -no-reboot turns into the emulator's end.
_COMMON = ("console=ttyAMA0", "panic=-1")


def choose(name: str, preset: str = "release") -> Kernel:
    if name == "samara":
        image, elf = paths.BUILD / preset / "Image", paths.BUILD / preset / "samara.elf"
        if preset == "release":
            image, elf = paths.IMAGE, paths.ELF
        return _ours(image, elf)
    if name == "linux":
        return Kernel(
            rootfs.linux_kernel(),
            needs_modules=True,
            append=(*_COMMON, "quiet"),
            has_display=False,
        )
    image = Path(name)
    return _ours(image, image.with_name("samara.elf"))


def _ours(image: Path, elf: Path) -> Kernel:
    if not os.access(image, os.R_OK):
        raise SamaraError(f"no kernel at {image}: run ./samara build")
    return Kernel(image, elf if elf.exists() else None, append=_COMMON, strace="trace=syscalls")
