# SPDX-License-Identifier: MIT
"""What a disk may hold after a power cut. QEMU records all writes and flushes of a guest
(blklogwrites); any moment of the record is a cut: what was written before the last flush is there,
of each later write nothing, all or some blocks. A killed QEMU alone would lose nothing, for the
host's page cache lives on."""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from samara.disks import Disk

SECTOR = 512
_MAGIC = 0x6A736677736872
_FLUSH, _DISCARD = 1, 4


@dataclass(frozen=True)
class Event:
    """A write in the order in which they were done; or, without bytes, a flush."""

    at: int
    data: bytes

    @property
    def is_flush(self) -> bool:
        return not self.data


def recording(image: Path, log: Path) -> Disk:
    """The image as a disk whose writes go to the log as well. Host flushes tell nothing here."""
    log.write_bytes(b"")
    parts = [f"{part}.driver=raw,{part}.file.driver=file,{part}.file.cache.no-flush=on,"
             f"{part}.file.filename={path}" for part, path in (("file", image), ("log", log))]
    return Disk(image, drive=",driver=blklogwrites," + ",".join(parts))


def events(log: Path) -> list[Event]:
    """The format is that of Linux's dm-log-writes: a block of numbers before each block of data."""
    data = log.read_bytes()
    magic, _, count, sector = struct.unpack_from("<QQQI", data)
    assert (magic, sector) == (_MAGIC, SECTOR), f"{log} is no record of writes"
    found, place = [], SECTOR
    for _ in range(count):
        first, sectors, flags, _ = struct.unpack_from("<QQQQ", data, place)
        place += SECTOR
        if flags & _DISCARD:
            continue  # what was there may stay
        size = sectors * SECTOR
        if size:
            found.append(Event(first * SECTOR, data[place : place + size]))
            place += size
        if flags & _FLUSH:
            found.append(Event(0, b""))
    return found


def cuts(
    start: bytes, record: list[Event], moments: list[int], block: int, chance: random.Random
) -> Iterator[tuple[int, bytes]]:
    """The disk at each of these moments, in their order; a write is torn between blocks only."""
    safe, done = bytearray(start), 0
    for moment in sorted(moments):
        last = max((i for i in range(done, moment) if record[i].is_flush), default=done)
        for event in record[done:last]:
            safe[event.at : event.at + len(event.data)] = event.data
        done = last
        image = bytearray(safe)
        kept = chance.choice([0.0, 0.5, 0.9, 1.0])  # of the blocks that nobody flushed
        for event in record[done:moment]:
            whole = chance.random() < 0.7
            all_of_it = chance.random() < kept
            for at in range(0, len(event.data), block):
                if all_of_it if whole else chance.random() < kept:
                    part = event.data[at : at + block]
                    image[event.at + at : event.at + at + len(part)] = part
        yield moment, bytes(image)
