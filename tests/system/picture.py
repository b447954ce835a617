# SPDX-License-Identifier: MIT
"""Pictures of the machine's display: PNG files as pixels, and what a text console would show. The
font is read from the package that the kernel's comes from."""

import struct
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from harness import BUILD, ROOT

sys.path.insert(0, str(ROOT / "tools"))

import make_font

FONT = make_font.read(
    BUILD / "packages/console-fonts/usr/share/consolefonts/Uni2-Terminus16.psf.gz"
)
COLOURS = [bytes.fromhex(value) for value in
           ("000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa "
            "555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff").split()]


@dataclass
class Picture:
    width: int
    height: int
    rows: list[bytes]  # three bytes a pixel


def read_png(path: Path) -> Picture:
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:8]
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
            assert (depth, colour, interlace) == (8, 2, 0), "not 8-bit RGB"
        elif kind == b"IDAT":
            packed += body
        at += size + 12
    raw, stride = zlib.decompress(packed), width * 3
    rows, above = [], bytes(stride)
    for y in range(height):
        start = y * (stride + 1)
        above = _unfilter(raw[start], raw[start + 1 : start + 1 + stride], above)
        rows.append(above)
    return Picture(width, height, rows)


def _unfilter(kind: int, line: bytes, above: bytes) -> bytes:
    if kind == 0 or (kind == 2 and not any(above)):
        return line
    out = bytearray(line)
    for i in range(len(out)):
        left = out[i - 3] if i >= 3 else 0
        corner = above[i - 3] if i >= 3 else 0
        match kind:
            case 1:
                out[i] = out[i] + left & 255
            case 2:
                out[i] = out[i] + above[i] & 255
            case 3:
                out[i] = out[i] + (left + above[i]) // 2 & 255
            case 4:
                out[i] = out[i] + _paeth(left, above[i], corner) & 255
    return bytes(out)


def _paeth(left: int, above: int, corner: int) -> int:
    estimate = left + above - corner
    return min((left, above, corner), key=lambda value: abs(estimate - value))


@dataclass
class Cell:
    character: str = " "
    foreground: int = 7
    background: int = 0
    underline: bool = False
    cursor: bool = False


@dataclass
class Screen:
    """What is to be seen: cells by (row, column), all others blank."""

    width: int = 1280
    height: int = 800
    scale: int = 1
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)

    def text(self, row: int, column: int, text: str, **looks) -> None:
        for i, character in enumerate(text):
            self.cells[row, column + i] = Cell(character, **looks)

    def cursor(self, row: int, column: int) -> None:
        self.cells.setdefault((row, column), Cell()).cursor = True

    def picture(self) -> Picture:
        columns = self.width // (FONT.width * self.scale)
        rows = self.height // (FONT.height * self.scale)
        lines = []
        for row in range(rows):
            cells = [self.cells.get((row, column), Cell()) for column in range(columns)]
            for y in range(FONT.height):
                line = b"".join(_line_of(cell, y, self.scale) for cell in cells)
                lines += [line.ljust(self.width * 3, b"\0")] * self.scale
        lines += [bytes(self.width * 3)] * (self.height - len(lines))
        return Picture(self.width, self.height, lines)


def _line_of(cell: Cell, y: int, scale: int) -> bytes:
    front, back = COLOURS[cell.foreground], COLOURS[cell.background]
    bits = FONT.glyph(cell.character)[y]
    if cell.underline and y == FONT.height - 1 or cell.cursor and y >= FONT.height - 2:
        bits = 0xFF
    return b"".join((front if bits & 0x80 >> x else back) * scale for x in range(FONT.width))


def same(actual: Picture, expected: Picture) -> None:
    """Fails with the first place that differs."""
    sizes = (actual.width, actual.height), (expected.width, expected.height)
    assert sizes[0] == sizes[1], f"the picture is {sizes[0]}, not {sizes[1]}"
    for y, (a, b) in enumerate(zip(actual.rows, expected.rows)):
        if a != b:
            x = next(x for x in range(actual.width) if a[3 * x : 3 * x + 3] != b[3 * x : 3 * x + 3])
            row, column = y // FONT.height, x // FONT.width
            raise AssertionError(
                f"pixel {x},{y} (row {row}, column {column}) is {a[3 * x : 3 * x + 3].hex()}, "
                f"not {b[3 * x : 3 * x + 3].hex()}; the screen says:\n" + "\n".join(words(actual))
            )


def words(picture: Picture) -> list[str]:
    """The text on the screen, row by row: grey on black, and what else there is as '?'."""
    names = {_shape(_line_of(Cell(c), y, 1) for y in range(FONT.height)): c
             for c in map(chr, range(126, 31, -1))}
    rows = []
    for top in range(0, picture.height - FONT.height + 1, FONT.height):
        text = ""
        for left in range(0, picture.width - FONT.width + 1, FONT.width):
            lines = picture.rows[top : top + FONT.height]
            text += names.get(_shape(l[3 * left : 3 * (left + FONT.width)] for l in lines), "?")
        rows.append(text.rstrip())
    return rows


def _shape(lines) -> bytes:
    return b"".join(lines)
