# SPDX-License-Identifier: MIT
"""Root file systems as initramfs archives: the default one (Debian's busybox with its applets, our
init, a few files of /etc). To the user's own root our init comes through an overlay in /.samara, so
that the user's /init stays what it is; on Linux the overlay also has the kernel modules of the
machine's devices, which init loads and removes."""

import functools
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from . import paths
from .cpio import Archive
from .errors import SamaraError

OVERLAY_INIT = "/.samara/init"

_ETC = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
    "etc/group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
    "etc/hostname": "samara\n",
    "etc/hosts": "127.0.0.1\tlocalhost samara\n",
    "etc/shells": "/bin/sh\n",
    "etc/os-release": 'NAME="Samara"\nID=samara\nPRETTY_NAME="Samara"\n',
    "etc/profile": "export PS1='\\u@\\h:\\w\\$ '\nexport PAGER=less\n",
}


def write_default(out: BinaryIO) -> None:
    """The default root. Reproducible: its bytes depend on busybox and on our init alone."""
    archive = Archive()
    archive.directory(".")
    for path, mode in (
        ("proc", 0o555),
        ("sys", 0o555),
        ("dev", 0o755),
        ("tmp", 0o1777),
        ("root", 0o700),
        ("mnt", 0o755),
        ("run", 0o755),
        ("var/tmp", 0o1777),
    ):
        archive.directory(path, mode)
    archive.device("dev/console", 0o600, 5, 1)
    archive.device("dev/null", 0o666, 1, 3)
    for path, text in _ETC.items():
        archive.file(path, text)
    busybox = busybox_binary()
    archive.file("bin/busybox", busybox, 0o755)
    for applet in busybox_applets(busybox):
        if applet != "bin/busybox":
            archive.symlink(applet, os.path.relpath("/bin/busybox", "/" + os.path.dirname(applet)))
    archive.file("init", init_binary(), 0o755)
    archive.write(out)


def write_overlay(
    out: BinaryIO, *, init: bool, modules: Sequence[Path] = (), console: bool = False
) -> None:
    archive = Archive()
    if init:
        archive.file(OVERLAY_INIT, init_binary(), 0o755)
    if console:
        archive.device("dev/console", 0o600, 5, 1)
    for number, module in enumerate(modules):
        archive.file(f".samara/modules/{number:02}-{module.name}", module)
    archive.write(out)


def busybox_binary() -> Path:
    return _existing(paths.PACKAGES / "busybox-static/bin/busybox", "busybox-static")


def init_binary() -> Path:
    return _existing(paths.USER / "init.stripped", "our init")


def linux_kernel(package: str = "linux") -> Path:
    boot = paths.PACKAGES / package / "boot"
    found = sorted(boot.glob("vmlinuz-*"))
    return _existing(found[0] if found else boot / "vmlinuz", "the Linux kernel")


@functools.cache
def _module_index(package: str) -> dict[str, Path]:
    folder = paths.PACKAGES / package / "lib/modules"
    return {path.name.removesuffix(".ko"): path for path in folder.rglob("*.ko")}


def linux_modules(package: str, names: Sequence[str]) -> tuple[Path, ...]:
    """Those of `names` that this kernel has as modules."""
    index = _module_index(package)
    return tuple(index[name] for name in names if name in index)


def busybox_applets(busybox: Path) -> list[str]:
    """The paths at which this busybox wants its applets: it says so itself, run by qemu-user."""
    listed = subprocess.run(
        ["qemu-aarch64-static", busybox, "--list-full"], capture_output=True, text=True
    )
    if listed.returncode != 0:
        raise SamaraError(f"cannot list busybox's applets: {listed.stderr.strip()}")
    return sorted(listed.stdout.split())


def _existing(path: Path, what: str) -> Path:
    if not path.exists():
        raise SamaraError(f"{what} is not there ({path}): run ./samara build")
    return path
