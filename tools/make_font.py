#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns a console font (PSF 1 or 2, gzip-compressed or not) with its Unicode table into the source
that defines the kernel's console_font (kernel/display/font.h).

Usage: make_font.py FONT.psf.gz OUTPUT.cc"""

import gzip
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

_PSF1_512_GLYPHS, _PSF1_UNICODE = 1, 2


@dataclass
class Font:
    width: int
    height: int
    glyphs: list[bytes]
    codes: dict[int, int]  # Unicode character -> glyph

    def glyph(self, character: str) -> bytes:
        """What the kernel shows for it: U+FFFD's picture when it has none."""
        return self.glyphs[self.codes.get(ord(character), self.codes.get(0xFFFD))]


def read(path: Path) -> Font:
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:2] == b"\x36\x04":
        return _read_psf1(data)
    if data[:4] == b"\x72\xb5\x4a\x86":
        return _read_psf2(data)
    raise ValueError(f"{path} is no PSF font")


def _split(data: bytes, start: int, count: int, size: int) -> tuple[list[bytes], bytes]:
    end = start + count * size
    return [data[at : at + size] for at in range(start, end, size)], data[end:]


def _read_psf1(data: bytes) -> Font:
    mode, height = data[2], data[3]
    if not mode & _PSF1_UNICODE:
        raise ValueError("the font has no Unicode table")
    glyphs, table = _split(data, 4, 512 if mode & _PSF1_512_GLYPHS else 256, height)
    codes: dict[int, int] = {}
    glyph, sequence = 0, False
    for (unit,) in struct.iter_unpack("<H", table[: len(table) // 2 * 2]):
        if unit == 0xFFFF:
            glyph, sequence = glyph + 1, False
        elif unit == 0xFFFE:  # combining sequences follow
            sequence = True
        elif not sequence:
            codes.setdefault(unit, glyph)
    return Font(8, height, glyphs, codes)


def _read_psf2(data: bytes) -> Font:
    header, flags, count, size, height, width = struct.unpack_from("<6I", data, 8)
    if not flags & 1:
        raise ValueError("the font has no Unicode table")
    glyphs, table = _split(data, header, count, size)
    codes: dict[int, int] = {}
    for glyph, entry in enumerate(table.split(b"\xff")[:count]):
        for character in entry.split(b"\xfe")[0].decode():
            codes.setdefault(ord(character), glyph)
    return Font(width, height, glyphs, codes)


def source(font: Font, name: str) -> str:
    data = b"".join(font.glyphs)
    codes = sorted((c, g) for c, g in font.codes.items() if c < 0x10000)
    bits = "".join(f"{byte}," for byte in data)
    mappings = "".join(f"{{{code},{glyph}}}," for code, glyph in codes)
    return (
        f"// Made from {name} by tools/make_font.py.\n"
        '#include "display/font.h"\n'
        "namespace kernel::display {\nnamespace {\n"
        f"constexpr uint8_t kBits[] = {{{bits}}};\n"
        f"constexpr Font::Mapping kMappings[] = {{{mappings}}};\n"
        "}  // namespace\n"
        f"constinit const Font console_font{{{font.width}, {font.height}, kBits, kMappings}};\n"
        "}  // namespace kernel::display\n"
    )


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(source(read(Path(sys.argv[1])), Path(sys.argv[1]).name))
