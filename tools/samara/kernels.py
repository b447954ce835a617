# SPDX-License-Identifier: MIT
"""`--kernel samara|linux|PATH`: which image to boot, and what it needs from us to speak the host
channel."""

import os
from dataclasses import dataclass
from pathlib import Path

from . import packages, paths, rootfs, setup_command
from .errors import SamaraError


@dataclass(frozen=True)
class Kernel:
    image: Path
    elf: Path | None = None  # with symbols, when it is ours
    modules: tuple[Path, ...] = ()  # what Debian's kernel has as modules, in the order of loading
    append: tuple[str, ...] = ()
    strace: str | None = None  # the word that makes it print system calls
    has_display: bool = True  # a driver for what --display gives the machine


# `panic=-1` restarts at once, which -no-reboot turns into the emulator's end.
_COMMON = ("console=ttyAMA0", "panic=-1")


# What the host channel needs, and what a share does; what a flavour has built in is no module.
_CHANNEL_MODULES = ("virtio_ring", "virtio", "virtio_mmio", "virtio_console")
_SHARE_MODULES = ("netfs", "fscache", "9pnet", "9p", "9pnet_virtio")


def choose(name: str, preset: str = "release", *, shares: bool = False) -> Kernel:
    """`shares`: it must know 9p, which Debian's cloud flavour does not."""
    if name == "samara":
        image, elf = paths.BUILD / preset / "Image", paths.BUILD / preset / "samara.elf"
        if preset == "release":
            image, elf = paths.IMAGE, paths.ELF
        return _ours(image, elf)
    if name == "linux":
        if shares:
            setup_command.ensure_package(packages.LINUX_WITH_9P)
        package = packages.LINUX_WITH_9P if shares else packages.LINUX
        names = _CHANNEL_MODULES + (_SHARE_MODULES if shares else ())
        return Kernel(
            rootfs.linux_kernel(package.directory),
            modules=rootfs.linux_modules(package.directory, names),
            append=(*_COMMON, "quiet"),
            has_display=False,
        )
    image = Path(name)
    return _ours(image, image.with_name("samara.elf"))


def _ours(image: Path, elf: Path) -> Kernel:
    if not os.access(image, os.R_OK):
        raise SamaraError(f"no kernel at {image}: run ./samara build")
    return Kernel(image, elf if elf.exists() else None, append=_COMMON, strace="trace=syscalls")
