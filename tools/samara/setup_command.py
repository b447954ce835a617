# SPDX-License-Identifier: MIT
"""`samara setup`: everything the other commands need, fetched once. Three steps, each idempotent
and each saying what it does: Debian packages of the build machine, library sources into build/deps,
arm64 packages into build/packages. Other commands call `ensure()` when something is missing."""

import os
import shutil
import subprocess
from pathlib import Path

from . import apt, packages, paths, ui
from .errors import SamaraError
from .locks import one_at_a_time


def run(_arguments) -> int:
    did_something = ensure()
    ui.say("setup complete" if did_something else "everything is there already")
    return 0


def ensure() -> bool:
    """Brings the machine to the wanted state; True when something had to be done."""
    missing = missing_host_packages()
    stale = is_stale()
    if not missing and not stale:
        return False
    with one_at_a_time(paths.BUILD / ".setup.lock", "setup"):
        missing = missing_host_packages()
        if missing:
            install_host_packages(missing)
        private = apt.PrivateApt()
        for source in packages.SOURCES:
            apt.fetch_source(private, source)
        for binary in packages.BINARIES:
            apt.fetch_binary(private, binary)
    return True


def ensure_package(binary: packages.Binary) -> None:
    """One arm64 package that not everybody needs."""
    pin = f"{binary.package}={binary.version}"
    if not apt.is_current(paths.PACKAGES / binary.directory, pin):
        with one_at_a_time(paths.BUILD / ".setup.lock", "setup"):
            apt.fetch_binary(apt.PrivateApt(), binary)


def ensure_source(package: str, version: str) -> Path:
    """Where the sources of a Debian package are; an empty version is the newest."""
    private = apt.PrivateApt()
    if not version:
        private.update()
        version = apt.newest_source(private, package)
    source = packages.Source(f"source-{package}", package, version)
    if not apt.is_current(paths.DEPS / source.directory, f"{package}={version}"):
        with one_at_a_time(paths.BUILD / ".setup.lock", "setup"):
            apt.fetch_source(private, source)
    return paths.DEPS / source.directory


def is_stale() -> bool:
    wanted = [(paths.DEPS / s.directory, f"{s.package}={s.version}") for s in packages.SOURCES]
    wanted += [
        (paths.PACKAGES / b.directory, f"{b.package}={b.version}") for b in packages.BINARIES
    ]
    return not all(apt.is_current(directory, pin) for directory, pin in wanted)


def missing_host_packages() -> list[str]:
    wanted = [name for group in packages.HOST_PACKAGES.values() for name in group]
    if not shutil.which("dpkg-query"):
        raise SamaraError("this machine has no dpkg: Samara is set up on Debian 12 or later")
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *wanted],
        capture_output=True,
        text=True,
    ).stdout
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in installed]


def install_host_packages(missing: list[str]) -> None:
    """Installs with apt-get, as root or by sudo: the one step that changes the user's system."""
    ui.say("installing Debian packages: " + " ".join(missing))
    prefix: list[str] = []
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            raise SamaraError(
                "root is needed to install packages; run as root:\n"
                "  apt-get install --no-install-recommends " + " ".join(missing)
            )
        prefix = ["sudo", "--"]
    quiet = [] if not ui.quiet else ["-qq"]
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]

    # Our own stdout is the program's: what apt says goes to stderr.
    def apt_get(*arguments: str) -> int:
        return subprocess.run(
            [*prefix, *environment, "apt-get", *quiet, *arguments],
            stdout=subprocess.DEVNULL if ui.quiet else 2,
        ).returncode

    if apt_get("update") != 0:
        ui.warn("apt-get update failed; trying with the lists there are")
    if apt_get("install", "-y", "--no-install-recommends", *missing) != 0:
        raise SamaraError("apt-get could not install: " + " ".join(missing))

