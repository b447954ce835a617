# SPDX-License-Identifier: MIT
"""Reads the user's apt source lists, one-line (`.list`) and deb822 (`.sources`), and writes the
part that is this Debian release as deb822 for the private apt state, with deb and deb-src. No
mirror is named here: the addresses are the user's own. Formats: sources.list(5)."""

import os
import re
from pathlib import Path

from .errors import SamaraError

# A stanza is a dict of lower-case deb822 field -> value. These fields say what to take; the others
# (Signed-By, Trusted, Check-Valid-Until, …) say how and are carried over as they are.
_CHOOSING = {
    "types",
    "uris",
    "suites",
    "components",
    "enabled",
    "architectures",
    "languages",
    "targets",
    "pdiffs",
    "by-hash",
}


def release_codename(os_release: Path = Path("/etc/os-release")) -> str:
    for line in os_release.read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip().strip('"')
    raise SamaraError("/etc/os-release names no VERSION_CODENAME: is this Debian?")


def read_all(etc: Path = Path("/etc/apt")) -> list[dict[str, str]]:
    """Every enabled stanza of the machine's configuration."""
    stanzas = []
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    for file in files:
        if not file.is_file() or not os.access(file, os.R_OK):
            continue
        text = file.read_text(errors="replace")
        if file.suffix == ".list":
            stanzas += parse_one_line(text)
        elif file.suffix == ".sources":
            stanzas += parse_deb822(text)
    return [
        s for s in stanzas if s.get("enabled", "yes").lower() not in ("no", "false", "0", "off")
    ]


def parse_one_line(text: str) -> list[dict[str, str]]:
    stanzas = []
    for line in text.splitlines():
        line = line.split("#", 1)[0].strip()
        match = re.match(r"(deb|deb-src)\s+(?:\[(.*?)\]\s*)?(\S+)\s+(\S+)\s*(.*)$", line)
        if not match:
            continue
        kind, options, uri, suite, components = match.groups()
        stanza = {"types": kind, "uris": uri, "suites": suite, "components": components}
        for key, value in re.findall(r"([\w-]+)[+-]?=(\S+)", options or ""):
            stanza[
                {"arch": "architectures", "lang": "languages"}.get(key.lower(), key.lower())
            ] = value
        stanzas.append(stanza)
    return stanzas


def parse_deb822(text: str) -> list[dict[str, str]]:
    stanzas = []
    for block in re.split(r"\n[ \t]*\n", text):
        stanza: dict[str, str] = {}
        field = None
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t") and field:
                stanza[field] += "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                field = name.strip().lower()
                stanza[field] = value.strip()
        if "uris" in stanza and "suites" in stanza:
            stanzas.append(stanza)
    return stanzas


def debian_stanzas(stanzas: list[dict[str, str]], codename: str) -> list[dict[str, str]]:
    """Those for the main component of this release; other vendors' archives name other suites."""
    wanted = {codename, f"{codename}-updates", f"{codename}-security"}
    merged: dict[tuple[str, str], dict[str, str]] = {}
    for stanza in stanzas:
        if "main" not in stanza.get("components", "").split():
            continue
        for suite in stanza["suites"].split():
            if suite.rstrip("/").replace("/updates", "-security") not in wanted:
                continue
            for uri in stanza["uris"].split():
                how = {k: v for k, v in stanza.items() if k not in _CHOOSING}
                key = (uri.rstrip("/"), suite)
                merged.setdefault(key, {"uris": uri, "suites": suite, "components": "main", **how})
    if not any(s["suites"] == codename for s in merged.values()):
        raise SamaraError(
            f"apt's configuration has no 'main' of Debian '{codename}': "
            "Samara takes its arm64 packages from there"
        )
    return list(merged.values())


def to_deb822(stanzas: list[dict[str, str]], architecture: str) -> str:
    blocks = []
    for stanza in stanzas:
        fields = {"types": "deb deb-src", "architectures": architecture, **stanza}
        blocks.append("".join(f"{name.title()}: {value}\n" for name, value in fields.items()))
    return "\n".join(blocks)
