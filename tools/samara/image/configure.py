# SPDX-License-Identifier: MIT
"""What Debian's maintainer scripts and installer would have done and programs need: accounts, the
dynamic linker's cache, alternatives, certificates, a few files of /etc, what a login and a boot
take. Scripts are read (for their calls of update-alternatives), never run; docs/design/command.md
lists the steps."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from .. import ui
from ..errors import SamaraError
from . import pam, sysvinit
from .tree import Tree

_SHADOW_GROUP = 42
_UTMP_GROUP = 43
_MAIL_GROUP = 8

# What base-files, libc-bin and debianutils copy from their own files where nothing is yet.
_DEFAULTS = {
    "etc/profile": "usr/share/base-files/profile",
    "etc/motd": "usr/share/base-files/motd",
    "root/.profile": "usr/share/base-files/dot.profile",
    "root/.bashrc": "usr/share/base-files/dot.bashrc",
    "etc/nsswitch.conf": "usr/share/libc-bin/nsswitch.conf",
    "etc/passwd": "usr/share/base-passwd/passwd.master",
    "etc/group": "usr/share/base-passwd/group.master",
}

# Alternatives whose script computes the names.
_COMPUTED_ALTERNATIVES = [["/usr/bin/w", "w", "/usr/bin/w.procps", "50"]]


def before_unpacking(tree: Tree) -> None:
    """Debian 12's layout: what packages put into /bin lies in /usr/bin."""
    for name in ("bin", "sbin", "lib"):
        tree.directory(f"usr/{name}")
        tree.symlink(name, f"usr/{name}")


def after_unpacking(tree: Tree, scripts: dict[str, str], time: int) -> None:
    _directories(tree)
    for path, source in _DEFAULTS.items():
        if tree.host(source).is_file() and not tree.host(path).exists():
            tree.file(path, tree.host(source).read_bytes())
    _accounts(tree, time)
    _system_files(tree)
    _alternatives(tree, scripts)
    _certificates(tree)
    pam.configure(tree)
    sysvinit.configure(tree)
    _linker_cache(tree)


def _directories(tree: Tree) -> None:
    for path in ("mnt", "srv", "opt", "etc/opt", "var/opt", "media"):
        if not tree.host(path).exists():
            tree.directory(path)
    tree.directory("var/mail", 0o2775, gid=_MAIL_GROUP)
    tree.symlink("var/spool/mail", "../mail")
    tree.directory("run/lock", 0o1777)
    for path, target in (("var/run", "/run"), ("var/lock", "/run/lock")):
        place = tree.host(path)
        if place.is_dir() and not place.is_symlink():
            shutil.copytree(place, tree.host(target), symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(place)
        tree.symlink(path, target)
    for name in ("", "/bin", "/etc", "/games", "/include", "/lib", "/sbin", "/share", "/src"):
        tree.directory(f"usr/local{name}", 0o755)
    for name, mode in (("wtmp", 0o664), ("btmp", 0o660), ("lastlog", 0o664)):
        tree.file(f"var/log/{name}", b"", mode, gid=_UTMP_GROUP)


def _accounts(tree: Tree, time: int) -> None:
    """The shadow files, as pwconv and grpconv make them. root's password is empty, nobody else can
    log in."""
    for kind, tail in (("passwd", f"{time // 86400}:0:99999:7:::"), ("group", "")):
        lines, hidden = [], []
        for line in tree.host(f"etc/{kind}").read_text().splitlines():
            fields = line.split(":")
            password = "" if (kind, fields[0]) == ("passwd", "root") else "*"
            rest = tail if kind == "passwd" else f":{fields[3]}"
            hidden.append(f"{fields[0]}:{password}:{rest}")
            fields[1] = "x"
            lines.append(":".join(fields))
        tree.file(f"etc/{kind}", "\n".join(lines) + "\n")
        name = "shadow" if kind == "passwd" else "gshadow"
        tree.file(f"etc/{name}", "\n".join(hidden) + "\n", 0o640, gid=_SHADOW_GROUP)


def _system_files(tree: Tree) -> None:
    for path, text in (
        ("etc/hostname", "samara\n"),
        ("etc/hosts", "127.0.0.1\tlocalhost samara\n::1\tlocalhost ip6-localhost\n"),
        ("etc/fstab", "# none but the root, which is mounted already\n"),
        ("etc/machine-id", ""),
        ("etc/resolv.conf", ""),
    ):
        if not tree.host(path).exists():
            tree.file(path, text)
    shells = ["sh", "bash", "rbash", "dash"]
    known = [f"{top}/{name}" for name in shells for top in ("/bin", "/usr/bin")]
    tree.file(
        "etc/shells",
        "# /etc/shells: valid login shells\n"
        + "".join(f"{path}\n" for path in known if tree.host(path).exists()),
    )
    if tree.host("etc/dpkg/origins/debian").exists():
        tree.symlink("etc/dpkg/origins/default", "debian")
    # What programs and an init want to be there before /dev is mounted.
    tree.device("dev/console", 0o600, 5, 1)
    tree.device("dev/null", 0o666, 1, 3)


def _alternatives(tree: Tree, scripts: dict[str, str]) -> None:
    tree.directory("etc/alternatives")
    for package, script in scripts.items():
        for arguments in installed_alternatives(script):
            _install_alternative(tree, package, arguments)
    for arguments in _COMPUTED_ALTERNATIVES:
        _install_alternative(tree, arguments[1], arguments)


def installed_alternatives(script: str) -> list[list[str]]:
    """The arguments of `update-alternatives --install` in a script, where they are literal."""
    found = []
    for line in script.replace("\\\n", " ").splitlines():
        match = re.match(r"\s*update-alternatives\b.*?--install\s+(.*)$", line)
        if not match:
            continue
        words = re.split(r"\s*(?:\|\||&&|;|>)", match[1])[0]
        if not re.search(r"[$`(]", words):
            found.append(shlex.split(words, comments=True))
    return found


def _install_alternative(tree: Tree, package: str, arguments: list[str]) -> None:
    if not tree.host(arguments[2]).exists():
        return  # manual pages that were left out, among others
    result = subprocess.run(
        ["update-alternatives", "--quiet", "--root", tree.top, "--log", "/dev/null", "--install",
         *arguments],
        capture_output=True, text=True, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    if result.returncode != 0:
        ui.warn(f"{package}: the alternative {arguments[1]} fails: {result.stderr.strip()}")


def _linker_cache(tree: Tree) -> None:
    program = tree.host("sbin/ldconfig")
    result = subprocess.run(
        ["qemu-aarch64-static", program, "-i", "-X", "-r", tree.top],
        capture_output=True,
        text=True,
    )
    if result.returncode != 0:
        raise SamaraError(f"ldconfig fails: {result.stderr.strip()}")
    shutil.rmtree(tree.host("var/cache/ldconfig"), ignore_errors=True)
    tree.directory("var/cache/ldconfig", 0o700)


def _certificates(tree: Tree) -> None:
    """As update-ca-certificates: a link for each certificate, one under its subject's hash, and all
    of them in one file."""
    store = tree.host("usr/share/ca-certificates")
    if not store.is_dir():
        return
    certificates = sorted(store.rglob("*.crt"), key=lambda path: path.name)
    names = [path.relative_to(store).as_posix() for path in certificates]
    tree.file("etc/ca-certificates.conf", "".join(f"{name}\n" for name in names))
    tree.directory("etc/ssl/certs")
    hashed: dict[str, int] = {}
    for path, name in zip(certificates, names):
        link = Path(name).name.removesuffix(".crt").replace(" ", "_") + ".pem"
        tree.symlink(f"etc/ssl/certs/{link}", f"/usr/share/ca-certificates/{name}")
        subject = _subject_hash(tree, path)
        number = hashed[subject] = hashed.get(subject, -1) + 1
        tree.symlink(f"etc/ssl/certs/{subject}.{number}", link)
    bundle = b"".join(path.read_bytes().rstrip() + b"\n" for path in certificates)
    tree.file("etc/ssl/certs/ca-certificates.crt", bundle)


def _subject_hash(tree: Tree, certificate: Path) -> str:
    """By the openssl of the tree, which ca-certificates depends on."""
    result = subprocess.run(
        ["qemu-aarch64-static", "-L", tree.top, tree.host("usr/bin/openssl"), "x509", "-noout",
         "-subject_hash", "-in", certificate],
        capture_output=True, text=True,
    )  # fmt: skip
    if result.returncode != 0:
        raise SamaraError(f"{certificate.name}: no certificate: {result.stderr.strip()}")
    return result.stdout.strip()
