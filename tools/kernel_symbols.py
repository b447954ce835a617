#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of function names that the kernel prints backtraces with (kernel/boot/symbols.cc), from
`nm`.

Usage: kernel_symbols.py NM ELF OUTPUT SIZE

Format, little-endian: count, 0, then per function (offset from the image's start, offset of its
name in the table), sorted; then the NUL-terminated names. Padded to SIZE, which the linker script
sets aside; names that do not fit are left out, the addresses' neighbours speak for them."""

import re
import struct
import subprocess
import sys

IMAGE_BASE = 0xFFFFFFFF80000000
_TEMPLATE_ARGUMENTS = re.compile(r"<[^<>]*>")


def short_name(name: str) -> str:
    """`kernel::Mutex<(…)1>::lock(unsigned)` as `kernel::Mutex::lock`."""
    name = name.replace("(anonymous namespace)::", "").replace("operator<", "operator less")
    while (shorter := _TEMPLATE_ARGUMENTS.sub("", name)) != name:
        name = shorter
    return name.split("(")[0][:60]


def main() -> int:
    nm, elf, output, size = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4], 0)
    listed = subprocess.run(
        [nm, "-C", "-n", "--defined-only", elf], check=True, capture_output=True, text=True
    )
    functions = []
    for line in listed.stdout.splitlines():
        address, kind, name = line.split(" ", 2)
        if kind in "tTwW" and int(address, 16) >= IMAGE_BASE and not name.startswith("$"):
            functions.append((int(address, 16) - IMAGE_BASE, short_name(name).encode()))
    while True:
        names = b""
        entries = []
        places: dict[bytes, int] = {}
        first = 8 + 8 * len(functions)
        for offset, name in functions:
            if name not in places:
                places[name] = first + len(names)
                names += name + b"\0"
            entries.append(struct.pack("<II", offset, places[name]))
        table = struct.pack("<II", len(functions), 0) + b"".join(entries) + names
        if len(table) <= size:
            break
        functions = functions[::2]
    with open(output, "wb") as file:
        file.write(table.ljust(size, b"\0"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
