# SPDX-License-Identifier: MIT
"""/etc/pam.d/common-*: the profiles of the packages' modules, put into the templates of
libpam-runtime as pam-auth-update(8) does."""

import re
from dataclasses import dataclass

from .tree import Tree

_TEMPLATES = "usr/share/pam"
_PROFILES = "usr/share/pam-configs"
# What the templates call the blocks of each kind.
_KINDS = {
    "auth": "auth",
    "account": "account",
    "session": "session",
    "session-noninteractive": "session_nonint",
    "password": "password",
}


@dataclass(frozen=True)
class _Part:
    """What one profile has for one kind: whether its modules decide, and their lines."""

    primary: bool
    lines: list[str]
    first_lines: list[str]  # when no module of the block comes before

    def chosen(self, first: bool) -> list[str]:
        return self.first_lines if first and self.first_lines else self.lines


def configure(tree: Tree) -> None:
    folder = tree.host(_PROFILES)
    if not folder.is_dir():
        return
    profiles = [_fields(path.read_text()) for path in sorted(folder.iterdir())]
    wanted = [fields for fields in profiles if fields.get("Default") == ["yes"]]
    wanted.sort(key=lambda fields: -int(fields["Priority"][0]))
    for kind, block in _KINDS.items():
        text = tree.host(f"{_TEMPLATES}/common-{kind}").read_text()
        parts = [part for fields in wanted if (part := _part(fields, kind))]
        for place, primary in (("primary", True), ("additional", False)):
            chosen = [part for part in parts if part.primary is primary]
            lines = _lines(kind.partition("-")[0], chosen, primary)
            text = text.replace(f"${block}_{place}\n", lines)
        tree.file(f"etc/pam.d/common-{kind}", text)


def _fields(text: str) -> dict[str, list[str]]:
    """`Name: value`, and the indented lines below it."""
    fields: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line[:1].isspace():
            fields[name].append(line.strip())
        elif ":" in line:
            name, _, value = line.partition(":")
            fields[name] = [value.strip()] if value.strip() else []
    return fields


def _part(fields: dict[str, list[str]], kind: str) -> _Part | None:
    if kind == "session-noninteractive":
        if fields.get("Session-Interactive-Only") == ["yes"]:
            return None
        kind = "session"
    name = kind.capitalize()
    if name not in fields:
        return None
    primary = fields.get(f"{name}-Type") == ["Primary"]
    return _Part(primary, fields[name], fields.get(f"{name}-Initial", []))


def _lines(facility: str, parts: list[_Part], primary: bool) -> str:
    """`end` is a jump over the modules behind, and over the pam_deny that follows a primary block,
    in which something must make that jump."""
    modules = [line for at, part in enumerate(parts) for line in part.chosen(first=at == 0)]
    if primary and not modules:
        modules = ["[default=end]\t\t\tpam_permit.so"]
    lines = ""
    for at, line in enumerate(modules):
        line = re.sub(r"=end\b", f"={len(modules) - at}", line)
        lines += f"{facility}\t{line}\n"
    return lines
