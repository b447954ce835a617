# SPDX-License-Identifier: MIT
"""Disk images of a run: what is on them, and how they become the machine's disks, in their order:
/dev/vda, /dev/vdb…"""

from dataclasses import dataclass
from pathlib import Path

from .errors import SamaraError

_EXT_MAGIC_AT = 1024 + 56
_EXT_MAGIC = b"\x53\xef"


@dataclass(frozen=True)
class Disk:
    file: Path
    snapshot: bool = False  # what the guest writes is forgotten
    read_only: bool = False
    properties: str = ""  # of the device, as QEMU has them: serial=X,num-queues=2
    drive: str = ""  # of what is behind it, instead of the file


def file_system(image: Path) -> str | None:
    """The type that mount(2) takes for what is on the whole of the image, or None."""
    with image.open("rb") as file:
        file.seek(_EXT_MAGIC_AT)
        if file.read(2) == _EXT_MAGIC:
            return "ext4"  # which is ext2 and ext3, too
    return None


def is_file_system(path: Path) -> bool:
    return path.is_file() and file_system(path) is not None


def check(disk: Disk) -> None:
    if not disk.drive and not disk.file.exists():
        raise SamaraError(f"--disk {disk.file}: no such file")


def arguments(disks: list[Disk], bus: str) -> list[str]:
    line = []
    for number, disk in enumerate(disks):
        check(disk)
        # Written through to the file when the guest flushes, and not before: as a disk's cache.
        options = f"if=none,id=disk{number},cache=writeback"
        name = str(disk.file).replace(",", ",,")
        options += disk.drive or f",format=raw,discard=unmap,file={name}"
        if disk.read_only:
            options += ",readonly=on"
        if disk.snapshot:
            options += ",snapshot=on"
        # Kernels look at the slots from the first one on, QEMU fills them from the last one on.
        place = "pci" if bus == "pci" else f"device,bus=virtio-mmio-bus.{number}"
        device = f"virtio-blk-{place},drive=disk{number}"
        line += ["-drive", options, "-device", device + (disk.properties and "," + disk.properties)]
    return line
