# SPDX-License-Identifier: MIT
"""A private apt state under build/apt that resolves and downloads arm64 packages and source
archives without changing the user's system, and without root. It inherits the user's apt
configuration (proxies, keys) and verifies signatures and hashes as apt does. Packages are unpacked
with dpkg-deb -x: no maintainer script and no foreign code ever runs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from . import apt_sources, paths, ui
from .errors import SamaraError
from .packages import Binary, Embedded, Source

ARCHITECTURE = "arm64"


class PrivateApt:
    """The state directory; `update()` is done at most once, and only when something is to be
    fetched."""

    def __init__(self, directory: Path = paths.APT):
        self.directory = directory
        self.config = directory / "apt.conf"
        self._updated = False

    def prepare(self) -> None:
        d = self.directory
        for sub in (
            "state/lists/partial",
            "cache/archives/partial",
            "etc/sources.list.d",
            "etc/empty",
            "download",
        ):
            (d / sub).mkdir(parents=True, exist_ok=True)
        (d / "state/status").touch()
        codename = apt_sources.release_codename()
        stanzas = apt_sources.debian_stanzas(apt_sources.read_all(), codename)
        (d / "etc/sources.list.d/samara.sources").write_text(
            apt_sources.to_deb822(stanzas, ARCHITECTURE)
        )
        self.config.write_text(
            # The machine's hooks belong to the machine's package database, not to ours.
            "#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n"
            "#clear DPkg::Post-Invoke;\n#clear APT::Architectures;\n"
            f'Dir::State "{d}/state";\nDir::State::status "{d}/state/status";\n'
            f'Dir::Cache "{d}/cache";\nDir::Etc::sourcelist "/dev/null";\n'
            f'Dir::Etc::sourceparts "{d}/etc/sources.list.d";\n'
            # The user's pins and preferences are about the user's system.
            f'Dir::Etc::preferences "/dev/null";\nDir::Etc::preferencesparts "{d}/etc/empty";\n'
            f'APT::Architecture "{ARCHITECTURE}";\nAPT::Architectures {{ "{ARCHITECTURE}"; }};\n'
            # Root would otherwise download as _apt, who may not write below a home directory.
            'APT::Sandbox::User "";\nAcquire::Languages "none";\nAPT::Get::Assume-Yes "true";\n'
            'Acquire::Retries "3";\n'
        )

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess:
        tool, *rest = command
        return subprocess.run(
            [tool, "-c", str(self.config), *rest],
            cwd=cwd,
            text=True,
            capture_output=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )

    def update(self) -> None:
        if self._updated:
            return
        self.prepare()
        ui.say("reading Debian's arm64 package lists")
        result = self.run("apt-get", "update")
        if result.returncode != 0:
            raise SamaraError(f"apt-get update failed:\n{_tail(result.stderr)}")
        self._updated = True

    def candidate(self, package: str) -> str | None:
        """The newest version of a binary package that is on offer, or None."""
        shown = self.run("apt-cache", "show", "--no-all-versions", package).stdout
        match = re.search(r"^Version: (\S+)$", shown, re.MULTILINE)
        return match.group(1) if match else None

    def binary_versions(self, package: str) -> list[str]:
        return re.findall(
            r"^Version: (\S+)$", self.run("apt-cache", "show", package).stdout, re.MULTILINE
        )

    def source_versions(self, package: str) -> list[str]:
        shown = self.run("apt-cache", "showsrc", "--only-source", package).stdout
        return re.findall(r"^Version: (\S+)$", shown, re.MULTILINE)

    def depends(self, package: str) -> list[str]:
        return re.findall(
            r"^\s*Depends: (\S+)$", self.run("apt-cache", "depends", package).stdout, re.MULTILINE
        )


def _tail(text: str, lines: int = 15) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def _stamp(directory: Path) -> Path:
    return directory.with_name("." + directory.name + ".version")


def installed_version(directory: Path) -> str | None:
    """The `package=version` that was unpacked to this directory, whole; None when there is none."""
    try:
        return _stamp(directory).read_text().strip() if directory.is_dir() else None
    except FileNotFoundError:
        return None


def is_current(directory: Path, pin: str) -> bool:
    """Whether the pinned version is there, or the one that replaced it when the pin was gone."""
    stamp = installed_version(directory)
    return stamp is not None and pin in stamp.split()


def _publish(unpacked: Path, directory: Path, *stamp: str) -> None:
    """Puts a complete tree in place; an interrupted setup leaves either the old one or none."""
    _stamp(directory).unlink(missing_ok=True)
    if directory.exists():
        shutil.rmtree(directory)
    unpacked.rename(directory)
    _stamp(directory).write_text(" ".join(dict.fromkeys(stamp)) + "\n")


def fetch_source(apt: PrivateApt, source: Source) -> None:
    """Downloads, verifies and unpacks one source package to build/deps/<directory>."""
    directory = paths.DEPS / source.directory
    pin = f"{source.package}={source.version}"
    if is_current(directory, pin):
        return
    apt.update()
    work = _scratch(apt, source.directory)
    paths.DEPS.mkdir(parents=True, exist_ok=True)
    try:
        tree, got = _unpack_source(apt, source.package, source.version, work)
    except SamaraError as failure:
        if source.fallback is None:
            raise
        ui.warn(f"{failure}\nTaking the same code from {source.fallback.package} instead.")
        tree, got = _unpack_embedded(apt, source.fallback, work)
    _publish(tree, directory, got, pin)
    shutil.rmtree(work)


def newest_source(apt: PrivateApt, package: str) -> str:
    offered = apt.source_versions(package)
    if not offered:
        raise SamaraError(f"Debian offers no source package '{package}'")
    return _newest(offered)


def _unpack_source(apt: PrivateApt, package: str, pinned: str, work: Path) -> tuple[Path, str]:
    """The unpacked tree, and what it is: the pinned version, or the newest when that is gone."""
    newest = newest_source(apt, package)
    version = pinned if pinned in apt.source_versions(package) else newest
    if version != pinned:
        ui.warn(f"the pinned {package} {pinned} is gone; using {version}")
    ui.say(f"fetching the sources of {package} {version}")
    result = apt.run("apt-get", "source", "--only-source", f"{package}={version}", cwd=work)
    trees = [p for p in work.iterdir() if p.is_dir()]
    if result.returncode != 0 or len(trees) != 1:
        errors = [line for line in result.stderr.splitlines() if line.startswith("E:")]
        raise SamaraError(f"cannot fetch the sources of {package} {version}:\n" + "\n".join(errors))
    return trees[0], f"{package}={version}"


def _unpack_embedded(apt: PrivateApt, embedded: Embedded, work: Path) -> tuple[Path, str]:
    carrier, got = _unpack_source(apt, embedded.package, embedded.version, work)
    tree = work / "embedded"
    for theirs, ours in embedded.folders:
        shutil.copytree(carrier / theirs, tree / ours, dirs_exist_ok=True)
    return tree, got


def fetch_binary(apt: PrivateApt, binary: Binary) -> None:
    """Downloads, verifies and unpacks one arm64 package to build/packages/<directory>."""
    directory = paths.PACKAGES / binary.directory
    pin = f"{binary.package}={binary.version}"
    if is_current(directory, pin):
        return
    apt.update()
    package, version = _choose_binary(apt, binary)
    if (package, version) != (binary.package, binary.version):
        ui.warn(f"the pinned {binary.package} {binary.version} is gone; using {package} {version}")
    ui.say(f"fetching {package} {version} (arm64)")
    work = _scratch(apt, binary.directory)
    result = apt.run("apt-get", "download", f"{package}={version}", cwd=work)
    archives = list(work.glob("*.deb"))
    if result.returncode != 0 or len(archives) != 1:
        raise SamaraError(f"cannot fetch {package} {version}:\n{_tail(result.stderr)}")
    tree = work / "tree"
    subprocess.run(["dpkg-deb", "-x", archives[0], tree], check=True)
    paths.PACKAGES.mkdir(parents=True, exist_ok=True)
    _publish(tree, directory, f"{package}={version}", pin)
    shutil.rmtree(work)


def _choose_binary(apt: PrivateApt, binary: Binary) -> tuple[str, str]:
    if binary.version in apt.binary_versions(binary.package):
        return binary.package, binary.version
    name = binary.package
    if binary.via:
        name = next(iter(apt.depends(binary.via)), binary.package)
    version = apt.candidate(name)
    if version is None:
        raise SamaraError(f"Debian offers no arm64 package '{name}'")
    return name, version


def _newest(versions: list[str]) -> str:
    newest = versions[0]
    for version in versions[1:]:
        if subprocess.run(["dpkg", "--compare-versions", version, "gt", newest]).returncode == 0:
            newest = version
    return newest


def _scratch(apt: PrivateApt, name: str) -> Path:
    work = apt.directory / "download" / f"{name}-{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    return work
