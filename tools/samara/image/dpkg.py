# SPDX-License-Identifier: MIT
"""Unpacks packages into a tree as dpkg does, and keeps dpkg's books (/var/lib/dpkg/status and
info/), so that `dpkg -l`, `-L`, `-S` and `-V` answer in the guest. No maintainer script runs."""

import hashlib
import re
import subprocess
import tarfile

from .. import ui
from ..errors import SamaraError
from .resolve import Deb
from .tree import Tree

_INFO = "var/lib/dpkg/info"


class Database:
    """The packages in the tree so far."""

    def __init__(self, tree: Tree):
        self._tree = tree
        self._status: list[str] = []
        self.scripts: dict[str, str] = {}  # what follows unpacking, by package

    def unpack(self, debs: list[Deb], leave_out) -> None:
        with ui.Progress("unpacking packages", len(debs)) as progress:
            for deb in debs:
                self._unpack_one(deb, leave_out)
                progress.advance(label=f"unpacking {deb.name}")

    def write(self) -> None:
        for path in ("alternatives", "info", "parts", "triggers", "updates"):
            self._tree.directory(f"var/lib/dpkg/{path}")
        for name in ("available", "diversions", "statoverride"):
            self._tree.file(f"var/lib/dpkg/{name}", "")
        self._tree.file(f"{_INFO}/format", "1\n")
        self._tree.file("var/lib/dpkg/status", "\n".join(self._status))

    def _unpack_one(self, deb: Deb, leave_out) -> None:
        files = _members(deb)
        control = files.pop("control").decode()
        same = re.search(r"^Multi-Arch: same$", control, re.MULTILINE)
        name = f"{deb.name}:{deb.architecture}" if same else deb.name
        for kind, data in files.items():
            mode = 0o755 if kind.endswith(("inst", "rm")) or kind == "config" else 0o644
            self._tree.file(f"{_INFO}/{name}.{kind}", data, mode)
        if "postinst" in files:
            self.scripts[deb.name] = files["postinst"].decode(errors="replace")
        with _reading(deb, "--fsys-tarfile") as archive:
            paths = list(self._tree.unpack(archive, leave_out))
        listed = "".join(f"/{path or '.'}\n" for path in paths)
        self._tree.file(f"{_INFO}/{name}.list", listed)
        self._status.append(_status(control, files, self._tree))


def _status(control: str, files: dict[str, bytes], tree: Tree) -> str:
    head, rest = control.split("\n", 1)
    text = f"{head}\nStatus: install ok installed\n{rest.rstrip()}\n"
    if conffiles := files.get("conffiles", b"").decode().split():
        sums = [f" {path} {_md5(tree, path)}\n" for path in conffiles if path.startswith("/")]
        text += "Conffiles:\n" + "".join(sums)
    return text


def _md5(tree: Tree, path: str) -> str:
    place = tree.host(path)
    return hashlib.md5(place.read_bytes()).hexdigest() if place.is_file() else "newconffile"


def _members(deb: Deb) -> dict[str, bytes]:
    """The files of the package's control part."""
    with _reading(deb, "--ctrl-tarfile") as archive:
        return {
            member.name.removeprefix("./"): archive.extractfile(member).read()
            for member in archive
            if member.isreg()
        }


class _reading:
    """One of the two archives in a package, as dpkg-deb unpacks it."""

    def __init__(self, deb: Deb, part: str):
        self._deb = deb
        self._process = subprocess.Popen(
            ["dpkg-deb", part, deb.archive], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def __enter__(self) -> tarfile.TarFile:
        try:
            return tarfile.open(fileobj=self._process.stdout, mode="r|")
        except tarfile.TarError as failure:
            raise SamaraError(f"{self._deb.archive}: {failure}") from failure

    def __exit__(self, kind, *_) -> None:
        while kind is None and self._process.stdout.read(1 << 16):
            pass  # the padding at the end
        self._process.stdout.close()
        said = self._process.stderr.read().decode(errors="replace").strip()
        self._process.stderr.close()
        if self._process.wait() != 0 and kind is None:
            raise SamaraError(f"{self._deb.archive} cannot be unpacked: {said}")
