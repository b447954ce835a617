# SPDX-License-Identifier: MIT
"""Addresses of a kernel log as functions and lines: `samara symbolize`, and each panic that `run`
shows. A kernel that was slid at boot says by how much (`kaslr: slide 0x…`), or the addresses are as
linked."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import paths
from .errors import SamaraError

_ADDRESS = re.compile(r"\b(?:0x)?(ffff[0-9a-f]{12})\b")
_SLIDE = re.compile(r"\bslide[ =:]+0x([0-9a-f]+)")


def run(arguments) -> int:
    elf = Path(arguments.elf) if arguments.elf else paths.ELF
    if not elf.exists():
        raise SamaraError(f"no kernel with symbols at {elf}: run ./samara build")
    if arguments.input and re.fullmatch(r"(0x)?[0-9a-fA-F]+", arguments.input[0]):
        text = "\n".join(arguments.input).lower()
    elif arguments.input:
        text = "".join(Path(name).read_text(errors="replace") for name in arguments.input)
    else:
        text = sys.stdin.read()
    sys.stdout.write(symbolize_text(text, elf).rstrip("\n") + "\n")
    return 0


def symbolize_text(text: str, elf: Path | None, whole_log: str | None = None) -> str:
    """The text with ` (function file:line)` after each address in the kernel's code. `whole_log`
    says how far the kernel was slid when the text is only a part of it."""
    if elf is None or not shutil.which("llvm-symbolizer-19"):
        return text
    found = _SLIDE.search(whole_log or text)
    slide = int(found[1], 16) if found else 0
    addresses = sorted({match[1] for match in _ADDRESS.finditer(text)})
    names = _lookup(elf, {address: int(address, 16) - slide for address in addresses})

    def describe(match: re.Match) -> str:
        name = names.get(match[1])
        return match[0] if name is None else f"{match[0]} ({name})"

    return _ADDRESS.sub(describe, text)


def _lookup(elf: Path, addresses: dict[str, int]) -> dict[str, str]:
    if not addresses:
        return {}
    command = [
        "llvm-symbolizer-19",
        f"--obj={elf}",
        "--output-style=GNU",
        "--no-inlines",
        "--relativenames",
        "--basenames",
    ]
    done = subprocess.run(
        command,
        input="".join(f"{max(a, 0):#x}\n" for a in addresses.values()),
        text=True,
        capture_output=True,
    )
    lines = done.stdout.splitlines()
    names = {}
    for key, function, place in zip(addresses, lines[0::2], lines[1::2]):
        if function != "??":
            names[key] = function if place.startswith("??") else f"{function} {place}"
    return names
