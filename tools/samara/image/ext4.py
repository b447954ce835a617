# SPDX-License-Identifier: MIT
"""A tree as an ext4 image: mke2fs makes an empty file system and debugfs fills it, so that owners,
modes, devices and times are what they should be without root rights. Same tree, same bytes: the
identifiers are fixed, the time is the image's, the files come in the tree's order."""

import os
import stat
import subprocess
import uuid
from pathlib import Path

from .. import ui
from ..errors import SamaraError
from .tree import Node, Tree

_BLOCK = 4096
_INODE = 256
_MiB = 1 << 20


def write(tree: Tree, out: Path, time: int, size: int | None, identity: str) -> None:
    """`identity` is what the file system's identifiers are made from; without a size there is room
    for about as much again as half of what is in it."""
    nodes = list(tree.nodes(time))
    needed, inodes = _needs(nodes)
    if size is None:
        size = -(-(needed * 3 // 2 + 64 * _MiB) // _MiB) * _MiB
    elif size < needed:
        raise SamaraError(f"--size: the files alone take {-(-needed // _MiB)}M")
    environment = {
        **os.environ,
        "E2FSPROGS_FAKE_TIME": str(time),
        "MKE2FS_SYNC": "0",
        "DEBUGFS_PAGER": "__none__",
    }
    with out.open("wb") as file:
        file.truncate(size)
    _mke2fs(out, environment, inodes=max(2 * inodes, size // 16384), identity=identity)
    _fill(out, environment, nodes, time)


def _needs(nodes: list[Node]) -> tuple[int, int]:
    """Bytes, with all that the file system needs for itself, and inodes."""
    total = inodes = 0
    for node in nodes:
        if node.earlier is None:
            inodes += 1
            held = node.source.lstat().st_size if stat.S_ISREG(node.mode) else 1
            total += -(-held // _BLOCK) * _BLOCK + 2 * _INODE
    return total + total // 32 + 16 * _MiB, inodes


def _mke2fs(out: Path, environment, inodes: int, identity: str) -> None:
    space = uuid.UUID("5a5b7fb2-5c4e-4d0b-9d0c-2b1a1b3c6f10")
    identifier = uuid.uuid5(space, "file system " + identity)
    seed = uuid.uuid5(space, "directory hash " + identity)
    result = subprocess.run(
        ["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-b", str(_BLOCK), "-I", str(_INODE),
         "-N", str(inodes), "-m", "1", "-L", "samara", "-U", str(identifier), "-E",
         f"hash_seed={seed},root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,nodiscard", out],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    if result.returncode != 0:
        raise SamaraError(f"mke2fs fails: {result.stderr.strip()}")


def _fill(out: Path, environment, nodes: list[Node], time: int) -> None:
    # Not each of debugfs's commands takes a path: all are given a name in the current directory.
    commands = [f"set_inode_field / mtime @{time}"]
    folder = ""
    for node in nodes:
        parent, _, name = node.path.rpartition("/")
        if parent != folder:
            commands.append(f"cd {_quoted('/' + parent)}")
            folder = parent
        commands += _commands(node, _quoted(name))
    ui.say(f"writing {len(nodes)} files")
    result = subprocess.run(
        ["/sbin/debugfs", "-w", "-f", "-", out],
        input="".join(f"{command}\n" for command in commands).encode(errors="surrogateescape"),
        capture_output=True,
        env=environment,
    )
    # It goes on after an error, and ends with 0 all the same.
    said = result.stderr.decode(errors="replace").splitlines()
    problems = [line for line in said if line and not line.startswith("debugfs 1.")]
    if result.returncode != 0 or problems:
        raise SamaraError("debugfs fails:\n" + "\n".join(problems[:10]))


def _commands(node: Node, name: str) -> list[str]:
    if node.earlier is not None:
        # The count of links is set with the first name.
        return [f"ln {_quoted('/' + node.earlier)} {name}"]
    kind = stat.S_IFMT(node.mode)
    if kind == stat.S_IFDIR:
        made = f"mkdir {name}"
    elif kind == stat.S_IFLNK:
        made = f"symlink {name} {_quoted(node.target)}"
    elif kind == stat.S_IFCHR:
        made = f"mknod {name} c {node.device[0]} {node.device[1]}"
    else:
        made = f"write {_quoted(str(node.source))} {name}"
    fields = {"mode": f"0{node.mode:o}", "mtime": f"@{node.mtime}"}
    if node.uid:
        fields["uid"] = str(node.uid)
    if node.gid:
        fields["gid"] = str(node.gid)
    if node.links > 1:
        fields["links_count"] = str(node.links)
    return [made, *(f"set_inode_field {name} {field} {value}" for field, value in fields.items())]


def _quoted(text: str) -> str:
    if "\n" in text:
        raise SamaraError(f"{text!r}: a name that debugfs cannot take")
    return '"' + text.replace('"', '""') + '"'
