# SPDX-License-Identifier: MIT
"""A file system in the making: a directory of the host that an ordinary user can write, and beside
it what such a user cannot set there: owners, modes, times, devices. A file without an entry is
root's, with the mode that it has on the host."""

import io
import os
import shutil
import stat
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import SamaraError


@dataclass(frozen=True)
class Attributes:
    mode: int  # permissions alone
    uid: int = 0
    gid: int = 0
    mtime: int | None = None  # None: the time of the whole image


@dataclass(frozen=True)
class Node:
    """One name, as an image is to have it. `mode` has the type; `earlier` is another name of the
    same file that came before."""

    path: str
    mode: int
    uid: int
    gid: int
    mtime: int
    source: Path
    target: str = ""
    device: tuple[int, int] = (0, 0)
    links: int = 1
    earlier: str | None = None


class Tree:
    def __init__(self, top: Path):
        self.top = top
        top.mkdir(parents=True)
        self._attributes: dict[str, Attributes] = {"": Attributes(0o755)}
        self._devices: dict[str, tuple[int, int]] = {}

    def host(self, path: str) -> Path:
        """Where the file lies: links of the tree on the way lead to places in the tree."""
        return self.top / self._resolve(path)

    def directory(self, path: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        self._make_directory(self._resolve(path), Attributes(mode, uid, gid))

    def file(self, path: str, text: str | bytes, mode: int = 0o644, gid: int = 0) -> None:
        resolved = self._resolve(path)
        data = text.encode() if isinstance(text, str) else text
        self._write(resolved, io.BytesIO(data), Attributes(mode, 0, gid))

    def symlink(self, path: str, target: str) -> None:
        resolved = self._resolve(path)
        self._clear(resolved)
        (self.top / resolved).symlink_to(target)
        self._attributes[resolved] = Attributes(0o777)

    def device(self, path: str, mode: int, major: int, minor: int) -> None:
        """A character device. On the host an empty file stands for it."""
        self.file(path, b"", mode)
        self._devices[self._resolve(path)] = (major, minor)

    def copy(self, source: Path, path: str) -> None:
        """A file or directory of the host, as root's."""
        if source.is_symlink():
            self.symlink(path, os.readlink(source))
        elif source.is_dir():
            self.directory(path, stat.S_IMODE(source.stat().st_mode))
            for inside in sorted(source.iterdir()):
                self.copy(inside, f"{path}/{inside.name}")
        elif source.is_file():
            self.file(path, source.read_bytes(), stat.S_IMODE(source.stat().st_mode))
        else:
            raise SamaraError(f"{source}: neither a file, a directory nor a symbolic link")

    def unpack(self, archive: tarfile.TarFile, leave_out=lambda path: False) -> Iterator[str]:
        """Puts the archive's members in place; their paths, as the archive has them."""
        for member in archive:
            path = member.name.removeprefix("./").removeprefix(".").strip("/")
            if leave_out(path):
                continue
            yield path
            self._unpack_member(archive, member, self._resolve(path))

    def nodes(self, time: int) -> Iterator[Node]:
        """Everything in a fixed order, parents first; no time is later than `time`."""
        first: dict[int, str] = {}
        counts: dict[int, int] = {}
        paths = sorted(self._walk(), key=os.fsencode)
        for path in paths:
            inode = (self.top / path).lstat().st_ino
            counts[inode] = counts.get(inode, 0) + 1
        for path in paths:
            node = self._node(path, time)
            if stat.S_ISREG(node.mode):
                inode = node.source.lstat().st_ino
                earlier = first.setdefault(inode, path)
                node = replace(
                    node, links=counts[inode], earlier=None if earlier == path else earlier
                )
            yield node

    def newest(self) -> int:
        return max((a.mtime for a in self._attributes.values() if a.mtime is not None), default=0)

    def _node(self, path: str, time: int) -> Node:
        source = self.top / path
        status = source.lstat()
        mode = status.st_mode
        known = self._attributes.get(path) or Attributes(stat.S_IMODE(mode))
        mtime = time if known.mtime is None else min(known.mtime, time)
        kind = stat.S_IFCHR if path in self._devices else stat.S_IFMT(mode)
        return Node(
            path,
            kind | known.mode,
            known.uid,
            known.gid,
            mtime,
            source,
            target=os.readlink(source) if stat.S_ISLNK(mode) else "",
            device=self._devices.get(path, (0, 0)),
        )

    def _walk(self) -> Iterable[str]:
        for folder, names, files in os.walk(self.top):
            base = os.path.relpath(folder, self.top)
            for name in names + files:
                yield name if base == "." else f"{base}/{name}"

    def _resolve(self, path: str, depth: int = 0) -> str:
        """The place of a name: of its last component itself, of the others where they lead."""
        if depth > 40:
            raise SamaraError(f"{path}: too many symbolic links")
        done: list[str] = []
        parts = [part for part in path.split("/") if part not in ("", ".")]
        for index, part in enumerate(parts):
            if part == "..":
                done = done[:-1]
                continue
            here = self.top.joinpath(*done, part)
            if index + 1 < len(parts) and here.is_symlink():
                target = os.readlink(here)
                base = [] if target.startswith("/") else done
                return self._resolve("/".join([*base, target, *parts[index + 1 :]]), depth + 1)
            done.append(part)
        return "/".join(done)

    def _unpack_member(self, archive, member: tarfile.TarInfo, path: str) -> None:
        attributes = Attributes(member.mode & 0o7777, member.uid, member.gid, int(member.mtime))
        if member.isdir():
            self._make_directory(path, attributes)
        elif member.isreg():
            self._write(path, archive.extractfile(member), attributes)
        elif member.issym():
            self.symlink(path, member.linkname)
            self._attributes[path] = replace(attributes, mode=0o777)
        elif member.islnk():
            first = self._resolve(member.linkname)
            self._clear(path)
            os.link(self.top / first, self.top / path)
            self._attributes[path] = self._attributes[first]
        else:
            raise SamaraError(f"{member.name}: a kind of file that no package should have")

    def _make_directory(self, path: str, attributes: Attributes) -> None:
        here = self.top / path
        if here.is_dir() and here.is_symlink():
            return  # dpkg, too, leaves such a link where it is
        here.mkdir(parents=True, exist_ok=True)
        self._attributes[path] = attributes

    def _write(self, path: str, data, attributes: Attributes) -> None:
        self._clear(path)
        here = self.top / path
        with here.open("wb") as out:
            shutil.copyfileobj(data, out, 1 << 20)
        here.chmod(0o755 if attributes.mode & 0o111 else 0o644)
        self._attributes[path] = attributes

    def _clear(self, path: str) -> None:
        here = self.top / path
        here.parent.mkdir(parents=True, exist_ok=True)
        here.unlink(missing_ok=True)
        self._devices.pop(path, None)
