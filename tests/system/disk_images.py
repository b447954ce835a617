# SPDX-License-Identifier: MIT
"""Disk images with partition tables, made byte by byte."""

import mmap
import struct
import uuid
import zlib
from pathlib import Path

SECTOR = 512
Image = bytearray | mmap.mmap
_LINUX = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")


def mbr(image: Image, entries: list[tuple[int, int, int]], signature: int = 0) -> None:
    """Each entry (type, start, sectors), positions in sectors. A start in an extended partition's
    chain counts from where its record is: see extended()."""
    _record(image, 0, entries)
    struct.pack_into("<I", image, 440, signature)


def extended(image: Image, start: int, logical: list[tuple[int, int]]) -> None:
    """The chain at `start`: one record for each (start, sectors), one sector in front of it."""
    for number, (first, sectors) in enumerate(logical):
        here = first - 1 if number else start
        entries = [(0x83, first - here, sectors)]
        if number + 1 < len(logical):
            following = logical[number + 1]
            entries.append((5, following[0] - 1 - start, following[1] + 1))
        _record(image, here, entries)


def _record(image: Image, sector: int, entries: list[tuple[int, int, int]]) -> None:
    at = sector * SECTOR
    for number, (kind, start, sectors) in enumerate(entries):
        struct.pack_into(
            "<B3xB3xII", image, at + 446 + 16 * number, 0, kind, start, sectors
        )
    image[at + 510 : at + 512] = b"\x55\xaa"


def gpt(image: Image, entries: list[tuple[int, int, str, str]], block: int = SECTOR) -> None:
    """Each entry (first block, last block, name, UUID)."""
    blocks = len(image) // block
    table = bytearray(128 * 128)
    for number, (first, last, name, identity) in enumerate(entries):
        entry = _LINUX.bytes_le + uuid.UUID(identity).bytes_le
        entry += struct.pack("<QQQ", first, last, 0) + name.encode("utf-16-le").ljust(72, b"\0")
        table[128 * number : 128 * number + 128] = entry
    size = len(table) // block
    for here, other, place in ((1, blocks - 1, 2), (blocks - 1, 1, blocks - 1 - size)):
        header = _gpt_header(here, other, place, 2 + size, blocks - 2 - size, zlib.crc32(table))
        image[here * block : here * block + len(header)] = header
        image[place * block : place * block + len(table)] = table
    mbr(image, [(0xEE, 1, min(blocks - 1, 0xFFFFFFFF))])


def _gpt_header(here: int, other: int, table: int, first: int, last: int, checksum: int) -> bytes:
    def pack(own: int) -> bytes:
        return (
            b"EFI PART"
            + struct.pack("<IIIIQQQQ", 0x10000, 92, own, 0, here, other, first, last)
            + uuid.UUID("11111111-2222-3333-4444-555555555555").bytes_le
            + struct.pack("<QIII", table, 128, 128, checksum)
        )

    return pack(zlib.crc32(pack(0)))


def write(path: Path, image: bytearray) -> Path:
    path.write_bytes(image)
    return path
