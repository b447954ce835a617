# SPDX-License-Identifier: MIT
"""Which packages a root consists of, and their archives: apt resolves and downloads them, in the
order in which it would install them, from an empty system and without recommended packages."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

from .. import ui
from ..apt import PrivateApt
from ..errors import SamaraError

# What every root has, so that it is a Debian system at all: the directories, the accounts, the C
# library's tools, /bin/sh, the terminals' descriptions. Debian's "essential" packages are many
# more; they come when something depends on them or when they are asked for.
BASE = ["base-files", "base-passwd", "dash", "libc-bin", "ncurses-base", "usr-is-merged"]

_LISTS_LIFETIME_S = 24 * 3600


@dataclass(frozen=True)
class Deb:
    """One package of the solution."""

    name: str
    version: str
    architecture: str
    archive: Path

    def __str__(self) -> str:
        return f"{self.name}={self.version}"


def resolve(apt: PrivateApt, wanted: list[str]) -> list[Deb]:
    """The packages that `wanted` (names, or NAME=VERSION) needs. Nothing is downloaded but, when
    they are missing or older than a day, the package lists."""
    _refresh_lists(apt)
    answer = apt.run(*_install(wanted), "--simulate")
    if answer.returncode != 0:
        raise SamaraError(_explanation(answer.stderr + answer.stdout, wanted))
    steps = re.findall(r"^Inst (\S+) \((\S+) .*\[(\S+)\]\)", answer.stdout, re.MULTILINE)
    return [_deb(apt, name, version, architecture) for name, version, architecture in steps]


def download(apt: PrivateApt, wanted: list[str], debs: list[Deb]) -> None:
    if missing := [deb for deb in debs if not deb.archive.exists()]:
        ui.say(f"fetching {len(missing)} packages (arm64)")
        result = apt.run(*_install(wanted), "--download-only")
        if result.returncode != 0 or not all(deb.archive.exists() for deb in debs):
            raise SamaraError(_explanation(result.stderr, wanted))


def _install(wanted: list[str]) -> list[str]:
    return ["apt-get", "install", "--no-install-recommends", *BASE, *wanted]


def _refresh_lists(apt: PrivateApt) -> None:
    lists = apt.directory / "state/lists"
    have = list(lists.glob("*_Packages*"))
    if have and time.time() - lists.stat().st_mtime < _LISTS_LIFETIME_S:
        apt.prepare()
        return
    try:
        apt.update()
    except SamaraError as failure:
        if not have:
            raise
        ui.warn(f"{failure}\nGoing on with the package lists of an earlier day.")
    lists.touch()


def _deb(apt: PrivateApt, name: str, version: str, architecture: str) -> Deb:
    # apt's name for it: the epoch's colon is %3a, and nothing else is written in another way.
    file = f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
    return Deb(name, version, architecture, apt.directory / "cache/archives" / file)


def _explanation(output: str, wanted: list[str]) -> str:
    errors = [line[3:] for line in output.splitlines() if line.startswith("E: ")]
    unknown = [e.split()[-1] for e in errors if e.startswith("Unable to locate package")]
    if unknown:
        return f"Debian has no arm64 package called {', '.join(unknown)}"
    reasons = re.findall(r"^ (\S+ : (?:Depends|Conflicts|Breaks|PreDepends): .*)$", output, re.M)
    text = "\n".join([*reasons, *errors]) or output.strip()
    return f"cannot bring together {', '.join(wanted)}:\n{text}"
