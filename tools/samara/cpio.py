# SPDX-License-Identifier: MIT
"""Writes newc cpio archives, the format of an initramfs: reproducibly (entries sorted, inode
numbers by position; times zero and owners root unless said otherwise), uncompressed, with device
nodes and hard links, and without needing root.
Format: Linux Documentation/driver-api/early-userspace/buffer-format.rst."""

import os
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .errors import SamaraError

_MAX_FILE = 0xFFFFFFFF  # c_filesize is 8 hex digits


@dataclass(frozen=True)
class Owner:
    """What an entry has beside its contents and its mode."""

    uid: int = 0
    gid: int = 0
    mtime: int = 0


@dataclass(frozen=True)
class _Entry:
    mode: int
    data: bytes | Path
    device: tuple[int, int]
    owner: Owner
    same_as: str | None  # another name of that entry's file


class Archive:
    """Entries by path, written in sorted order. Parents are made as they are needed (mode 0755)."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def directory(self, path: str, mode: int = 0o755) -> None:
        self.add(path, stat.S_IFDIR | mode, b"")

    def file(self, path: str, content: bytes | str | Path, mode: int = 0o644) -> None:
        """`content` is the bytes, or the host's file that has them, read when the archive is
        written."""
        data = content.encode() if isinstance(content, str) else content
        self.add(path, stat.S_IFREG | mode, data)

    def symlink(self, path: str, target: str) -> None:
        self.add(path, stat.S_IFLNK | 0o777, os.fsencode(target))

    def device(self, path: str, mode: int, major: int, minor: int) -> None:
        """A character device."""
        self.add(path, stat.S_IFCHR | mode, b"", (major, minor))

    def add(
        self,
        path: str,
        mode: int,
        data: bytes | Path,
        device: tuple[int, int] = (0, 0),
        owner: Owner = Owner(),
        same_as: str | None = None,
    ) -> None:
        """An entry of any kind. `same_as` makes it another name of a file whose path sorts before
        this one."""
        path = path.strip("/")
        parent = os.path.dirname(path)
        if parent and parent not in self._entries:
            self.directory(parent)
        if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode) or same_as is not None:
            data = b""
        self._entries[path] = _Entry(mode, data, device, owner, same_as)

    def write(self, out: BinaryIO) -> None:
        paths = sorted(self._entries, key=os.fsencode)
        links = Counter(self._entries[path].same_as or path for path in paths)
        inodes = {path: number for number, path in enumerate(paths, start=1)}
        for path in paths:
            entry = self._entries[path]
            first = entry.same_as or path
            count = 2 if stat.S_ISDIR(entry.mode) else links[first]
            size = entry.data.stat().st_size if isinstance(entry.data, Path) else len(entry.data)
            if size > _MAX_FILE:
                raise SamaraError(f"{path}: larger than an initramfs can hold (4 GiB)")
            _write_header(out, os.fsencode(path), inodes[first], entry, count, size)
            _write_data(out, entry.data, size)
        _write_header(out, b"TRAILER!!!", 0, _Entry(0, b"", (0, 0), Owner(), None), 1, 0)


def _write_header(
    out: BinaryIO, name: bytes, inode: int, entry: _Entry, links: int, size: int
) -> None:
    # magic ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize
    # check
    owner = entry.owner
    fields = (inode, entry.mode, owner.uid, owner.gid, links, owner.mtime, size, 0, 0)
    fields += (*entry.device, len(name) + 1, 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name + b"\0"
    out.write(header + _padding(len(header)))


def _write_data(out: BinaryIO, data: bytes | Path, size: int) -> None:
    if isinstance(data, bytes):
        out.write(data)
    else:
        left = size
        with data.open("rb") as source:
            while left and (chunk := source.read(min(left, 1 << 20))):
                out.write(chunk)
                left -= len(chunk)
        if left:
            raise SamaraError(f"{data}: shrank while it was read")
    out.write(_padding(size))


def _padding(length: int) -> bytes:
    return b"\0" * (-length % 4)
