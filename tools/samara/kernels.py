# SPDX-License-Identifier: MIT
"""`--kernel samara|linux|PATH`: which image to boot, and what it needs from us to speak the host
channel."""

import os
from dataclasses import dataclass
from pathlib import Path

from . import packages, paths, rootfs, setup_command
from .errors import SamaraError
from .machine import Machine


@dataclass(frozen=True)
class Kernel:
    image: Path
    elf: Path | None = None  # with symbols, when it is ours
    package: str | None = None  # Debian's, whose modules the machine's devices need
    append: tuple[str, ...] = ()
    strace: str | None = None  # the word that makes it print system calls
    deterministic: tuple[str, ...] = ()  # words for a machine that is
    has_display: bool = True  # a driver for what --display gives the machine


# `panic=-1` restarts at once, which -no-reboot turns into the emulator's end.
_COMMON = ("console=ttyAMA0", "panic=-1")


# In the order in which they must be loaded. What a flavour has built in is no module.
_BUS_MODULES = {
    "mmio": ("virtio_mmio",),
    "pci": ("virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci"),
}
_DISK_MODULES = ("virtio_blk", "crc16", "mbcache", "jbd2", "ext4")
_SNAPSHOT_MODULES = ("overlay",)
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
        return Kernel(
            rootfs.linux_kernel(package.directory),
            package=package.directory,
            append=(*_COMMON, "quiet"),
            has_display=False,
        )
    image = Path(name)
    return _ours(image, image.with_name("samara.elf"))


def modules(kernel: Kernel, machine: Machine) -> tuple[Path, ...]:
    """What Debian's Linux needs to find the machine's devices."""
    if kernel.package is None:
        return ()
    names = ("virtio_ring", "virtio", *_BUS_MODULES[machine.bus], "virtio_console")
    names += _DISK_MODULES if machine.disks else ()
    names += _SHARE_MODULES if machine.shares else ()
    names += _SNAPSHOT_MODULES if any(share.snapshot for share in machine.shares) else ()
    return rootfs.linux_modules(kernel.package, names)


def _ours(image: Path, elf: Path) -> Kernel:
    if not os.access(image, os.R_OK):
        raise SamaraError(f"no kernel at {image}: run ./samara build")
    return Kernel(image, elf if elf.exists() else None, append=_COMMON,
                  strace="trace=syscalls", deterministic=("deterministic",))  # fmt: skip
