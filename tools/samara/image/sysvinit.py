# SPDX-License-Identifier: MIT
"""What makes Debian's sysvinit boot: the order of its scripts, by the root's own insserv, and an
inittab with a getty where the console of `samara run --init` is, as Debian's installer writes for a
machine with a serial console."""

import re
import subprocess
from pathlib import Path

from ..errors import SamaraError
from .tree import Tree

_TEMPLATE = "usr/share/sysvinit/inittab"
_GETTY = "T0:2345:respawn:/sbin/getty -L ttyAMA0 115200 vt220\n"
_VIRTUAL_CONSOLE = re.compile(r"^(?=\d+:\d+:respawn:/sbin/getty\b.* tty\d+$)", re.MULTILINE)
_HEADER = "### BEGIN INIT INFO"


def configure(tree: Tree) -> None:
    if tree.host(_TEMPLATE).is_file() and not tree.host("etc/inittab").exists():
        text = tree.host(_TEMPLATE).read_text()
        tree.file("etc/inittab", _VIRTUAL_CONSOLE.sub("#", text) + _GETTY)
    if tree.host("sbin/insserv").is_file():
        _enable_scripts(tree)


def _enable_scripts(tree: Tree) -> None:
    """Each script at the runlevels that its header names, as `update-rc.d NAME defaults`."""
    folder = tree.host("etc/init.d")
    names = sorted(path.name for path in folder.iterdir() if _is_script(path))
    result = subprocess.run(
        ["qemu-aarch64-static", "-L", tree.top, tree.host("sbin/insserv"), "--default",
         "--config", tree.host("etc/insserv.conf"), "--path", folder, "--insserv-dir", folder,
         "--override", tree.host("etc/insserv/overrides"), *names],
        capture_output=True, text=True,
    )  # fmt: skip
    if result.returncode != 0:
        raise SamaraError(f"insserv fails: {result.stderr.strip()}")


def _is_script(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and _HEADER in path.read_text(errors="replace")
