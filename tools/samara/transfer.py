# SPDX-License-Identifier: MIT
"""--put and --get on the host's side: what to send, and where what arrives goes. No sockets here:
the session moves the bytes. A guest is not believed: paths it sends stay below the wanted one, and
symbolic links are made last, so that no file can be written through one."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import SamaraError
from .protocol import Entry


@dataclass
class Copy:
    """One --put HOST:GUEST or --get GUEST:HOST."""

    source: str
    target: str
    mtime_ns: int | None = None  # of what is put; None: as the host has it


def parse(text: str, option: str) -> Copy:
    source, colon, target = text.partition(":")
    if not (source and colon and target):
        raise SamaraError(f"{option} {text}: expected SOURCE:TARGET")
    return Copy(source, target)


def put_plan(copy: Copy) -> list[tuple[Entry, Path | None]]:
    """The objects to send, each with the host's file that has its bytes."""
    source = Path(copy.source)
    target = copy.target + source.name if copy.target.endswith("/") else copy.target
    if not target.startswith("/"):
        raise SamaraError(f"--put {copy.source}:{copy.target}: the guest's path must be absolute")
    if not source.exists():
        raise SamaraError(f"--put: {source}: no such file or directory")
    plan = [_put_entry(source.resolve(), target, copy.mtime_ns)]
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            plan.append(_put_entry(path, f"{target}/{path.relative_to(source)}", copy.mtime_ns))
    return plan


def _put_entry(path: Path, target: str, mtime_ns: int | None) -> tuple[Entry, Path | None]:
    status = path.lstat()
    time = status.st_mtime_ns if mtime_ns is None else mtime_ns
    if stat.S_ISLNK(status.st_mode):
        return Entry(target, status.st_mode, target=os.readlink(path)), None
    if stat.S_ISDIR(status.st_mode):
        return Entry(target, status.st_mode), None
    if not stat.S_ISREG(status.st_mode):
        raise SamaraError(f"--put: {path}: not a file, a directory or a symbolic link")
    return Entry(target, status.st_mode, status.st_size, time), path


def read_pieces(plan: list[tuple[Entry, Path | None]], size: int = 1 << 20) -> Iterator[bytes]:
    """All the bytes of a plan's files, in order, each file exactly as long as announced."""
    for entry, path in plan:
        if path is None:
            continue
        left = entry.size
        with path.open("rb") as file:
            while left:
                piece = file.read(min(left, size))
                if not piece:
                    raise SamaraError(f"--put: {path}: shrank while it was sent")
                left -= len(piece)
                yield piece


class Receiver:
    """Takes the entries of one --get in order, and the bytes of its files."""

    def __init__(self, copy: Copy):
        target = Path(copy.target)
        if copy.target.endswith("/") or target.is_dir():
            target = target / os.path.basename(copy.source.rstrip("/"))
        self._target = target
        self._links: list[tuple[Path, str]] = []
        self._folders: list[tuple[Path, int]] = []
        self._file = None
        self._left = 0
        self._entry: Entry | None = None
        self.errors: list[str] = []

    def begin(self, entry: Entry) -> None:
        """The next object; for a file `wanted` then says how many bytes belong to it."""
        self._entry = entry
        self._left = entry.size if stat.S_ISREG(entry.mode) else 0
        try:
            path = self._host_path(entry.path)
            if stat.S_ISDIR(entry.mode):
                path.mkdir(parents=True, exist_ok=True)
                self._folders.append((path, entry.mode & 0o7777))
            elif stat.S_ISLNK(entry.mode):
                self._links.append((path, entry.target))
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file = path.open("wb")
        except OSError as failure:
            self.errors.append(f"--get: {failure}")
        if self._left == 0:
            self._end_file()

    @property
    def wanted(self) -> int:
        return self._left

    def take(self, data: bytes) -> None:
        if self._file is not None:
            try:
                self._file.write(data)
            except OSError as failure:
                self.errors.append(f"--get: {self._file.name}: {failure.strerror}")
                self._file = None
        self._left -= len(data)
        if self._left == 0:
            self._end_file()

    def _end_file(self) -> None:
        if self._file is None:
            return
        with self._file as file:
            os.fchmod(file.fileno(), self._entry.mode & 0o777)
        os.utime(file.name, ns=(self._entry.mtime_ns, self._entry.mtime_ns))
        self._file = None

    def finish(self) -> None:
        for path, target in self._links:
            try:
                path.unlink(missing_ok=True)
                path.symlink_to(target)
            except OSError as failure:
                self.errors.append(f"--get: {failure}")
        for path, mode in reversed(self._folders):
            path.chmod(mode & 0o777)

    def _host_path(self, relative: str) -> Path:
        parts = [part for part in relative.split("/") if part]
        if ".." in parts:
            raise OSError(f"the guest sent the path {relative!r}")
        return self._target.joinpath(*parts)
