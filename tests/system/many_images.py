# SPDX-License-Identifier: MIT
"""Many small file systems on few disks, one in each partition: a boot looks at all of them."""

import mmap
import os
import subprocess
import uuid
from pathlib import Path

import disk_images

from samara.disks import Disk

_ALIGNMENT = 1 << 20
_PARTITIONS = 100  # of a disk


class ManyImages:
    """All of one size. Each is a name of a device in the guest, and a place in a file outside."""

    def __init__(self, folder: Path, count: int, size: int):
        self._size = size
        self._step = -(-size // _ALIGNMENT) * _ALIGNMENT
        self._files = []
        for first in range(0, count, _PARTITIONS):
            file = folder / f"many{len(self._files)}"
            self._partition(file, min(_PARTITIONS, count - first))
            self._files.append(file)

    def _partition(self, file: Path, count: int) -> None:
        def entry(number: int):
            first = self._offset(number) // disk_images.SECTOR
            last = first + self._step // disk_images.SECTOR - 1
            return first, last, "", str(uuid.UUID(int=number + 1))

        with file.open("w+b") as out:
            out.truncate(self._offset(count) + _ALIGNMENT)
            with mmap.mmap(out.fileno(), 0) as image:
                disk_images.gpt(image, [entry(number) for number in range(count)])

    def _offset(self, number: int) -> int:
        return _ALIGNMENT + number % _PARTITIONS * self._step

    def disks(self) -> list[Disk]:
        """No machine dies with them: what the guest flushes need not reach the host's disk."""
        drive = ",driver=raw,file.driver=file,file.cache.no-flush=on,file.filename="
        return [Disk(file, drive=f"{drive}{file}") for file in self._files]

    def device(self, number: int) -> str:
        letter = chr(ord("a") + number // _PARTITIONS)
        return f"/dev/vd{letter}{number % _PARTITIONS + 1}"

    def put(self, number: int, image: bytes) -> None:
        """Blocks of zeros stay holes of the file."""
        with self._files[number // _PARTITIONS].open("r+b") as file:
            for at in range(0, self._size, 65536):
                part = image[at : at + 65536]
                if part != bytes(len(part)):
                    os.pwrite(file.fileno(), part, self._offset(number) + at)

    def get(self, number: int) -> bytes:
        with self._files[number // _PARTITIONS].open("rb") as file:
            return os.pread(file.fileno(), self._size, self._offset(number))

    def problem(self, number: int) -> str | None:
        """What e2fsck has to say about it, when it does."""
        place = f"{self._files[number // _PARTITIONS]}?offset={self._offset(number)}"
        done = subprocess.run(["/sbin/e2fsck", "-fn", place], capture_output=True, text=True)
        if done.returncode == 0 and "recovering journal" not in done.stdout:
            return None
        return done.stdout + done.stderr
