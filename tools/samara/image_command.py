# SPDX-License-Identifier: MIT
"""`samara image`: a root file system from Debian's arm64 packages. What has been built is kept in
build/images under a name made from everything that it depends on, so the same wish is a copy."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

from . import paths, setup_command, ui
from .apt import PrivateApt
from .cpio import Archive, Owner
from .errors import SamaraError
from .image import configure, ext4, resolve
from .image.dpkg import Database
from .image.tree import Tree
from .locks import one_at_a_time

# To be raised when the same packages come to give other files.
_FORMAT = "3"
_LIFETIME_S = 30 * 24 * 3600

# What --without-docs leaves out; dpkg's own status still lists it, as with its path-exclude.
_DOCUMENTS = re.compile(r"usr/share/(man|info|doc|doc-base|locale|lintian|groff|bug)/.+")
_LICENCE = re.compile(r"usr/share/doc/[^/]+(/copyright)?")


def run(arguments) -> int:
    output = Path(arguments.output)
    names = [name for text in arguments.packages for name in text.split(",") if name]
    if not names:
        raise SamaraError("--packages: name at least one package")
    if output.is_dir() or not output.parent.is_dir():
        raise SamaraError(f"-o {output}: not the name of a file in an existing directory")
    built = build(
        names,
        kind="cpio" if output.suffix == ".cpio" else "ext4",
        size=_size(arguments.size),
        include=[_included(text) for text in arguments.include],
        documents=not arguments.without_docs,
    )
    _copy(built, output)
    ui.say(f"wrote {output} ({output.stat().st_size >> 20} MiB)")
    return 0


def build(
    names: Sequence[str],
    *,
    kind: str,
    size: int | None = None,
    include: Sequence[tuple[Path, str]] = (),
    documents: bool = True,
) -> Path:
    """The image in the cache; built first when it is not there."""
    for name in names:
        if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+(=\S+)?", name):
            raise SamaraError(f"'{name}' is not the name of a Debian package")
    if kind == "cpio" and size is not None:
        raise SamaraError("--size is for ext4: a cpio archive has the size of its contents")
    setup_command.ensure()
    paths.IMAGES.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(paths.IMAGES / ".lock", "image"):
        apt = PrivateApt()
        apt.prepare()
        debs = resolve.resolve(apt, list(names))
        key = _key(debs, kind, size, include, documents)
        built = paths.IMAGES / f"{key}.{kind}"
        if built.exists():
            os.utime(built)
            return built
        _forget_old()
        resolve.download(apt, list(names), debs)
        with _scratch() as work:
            tree, newest = _tree(work / "root", debs, include, documents)
            unfinished = work / "image"
            if kind == "cpio":
                _write_cpio(tree, unfinished, newest)
            else:
                ext4.write(tree, unfinished, newest, size, identity=key)
            os.replace(unfinished, built)
    return built


def _forget_old() -> None:
    """Images that nobody has asked for in a month."""
    for image in [*paths.IMAGES.glob("*.ext4"), *paths.IMAGES.glob("*.cpio")]:
        if time.time() - image.stat().st_mtime > _LIFETIME_S:
            image.unlink()


def _tree(top: Path, debs: list[resolve.Deb], include, documents: bool) -> tuple[Tree, int]:
    tree = Tree(top)
    configure.before_unpacking(tree)
    database = Database(tree)
    database.unpack(debs, (lambda path: False) if documents else _is_document)
    newest = _time(tree)
    configure.after_unpacking(tree, database.scripts, newest)
    database.write()
    for source, path in include:
        tree.copy(source, path)
    return tree, newest


def _time(tree: Tree) -> int:
    """The image's: that of its newest file, unless SOURCE_DATE_EPOCH says another."""
    wanted = os.environ.get("SOURCE_DATE_EPOCH", "")
    if wanted and not wanted.isdecimal():
        raise SamaraError(f"SOURCE_DATE_EPOCH={wanted}: not a number of seconds")
    return int(wanted) if wanted else tree.newest()


def _is_document(path: str) -> bool:
    return bool(_DOCUMENTS.fullmatch(path)) and not _LICENCE.fullmatch(path)


def _write_cpio(tree: Tree, out: Path, time: int) -> None:
    archive = Archive()
    archive.directory(".")
    for node in tree.nodes(time):
        owner = Owner(node.uid, node.gid, node.mtime)
        content = node.target.encode() if node.target else node.source
        archive.add(node.path, node.mode, content, node.device, owner, node.earlier)
    with out.open("wb") as file:
        archive.write(file)


def _key(debs, kind: str, size, include, documents: bool) -> str:
    total = hashlib.sha256()
    for part in (
        _FORMAT,
        *map(str, debs),
        kind,
        size,
        documents,
        os.environ.get("SOURCE_DATE_EPOCH", ""),
        *(entry for source, path in include for entry in _fingerprint(source, path)),
    ):
        total.update(f"{part}\0".encode(errors="surrogateescape"))
    return total.hexdigest()[:24]


def _fingerprint(source: Path, path: str):
    """Everything that matters of a file or directory of the host."""
    yield path
    for place in [source, *(sorted(source.rglob("*")) if source.is_dir() else [])]:
        yield place.relative_to(source.parent)
        if place.is_symlink():
            yield os.readlink(place)
        else:
            yield place.stat().st_mode
            if place.is_file():
                yield hashlib.sha256(place.read_bytes()).hexdigest()


def _included(text: str) -> tuple[Path, str]:
    source, colon, path = text.rpartition(":")
    if not colon or not path.startswith("/"):
        raise SamaraError(f"--include {text}: expected HOST:/GUEST")
    if not os.path.lexists(source):
        raise SamaraError(f"--include {text}: there is no {source}")
    return Path(source).absolute(), path


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)([kKmMgG])", text)
    if not match:
        raise SamaraError(f"--size {text}: a number with K, M or G, such as 512M")
    return int(match[1]) << {"k": 10, "m": 20, "g": 30}[match[2].lower()] & ~4095


def _copy(built: Path, output: Path) -> None:
    """Whole or not at all; holes stay holes."""
    unfinished = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        subprocess.run(["cp", "--sparse=always", built, unfinished], check=True)
        os.replace(unfinished, output)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _scratch():
    """A directory that is gone afterwards; what a killed command left goes first."""
    for old in paths.IMAGES.glob("work-*"):
        shutil.rmtree(old, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix="work-", dir=paths.IMAGES))
    mask = os.umask(0o022)
    try:
        yield work
    finally:
        os.umask(mask)
        shutil.rmtree(work, ignore_errors=True)

