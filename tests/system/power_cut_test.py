#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ext4 and power cuts: a machine writes, its writes are recorded, and at any moment of the record
Samara mounts what a cut then would have left, and finds all that was made durable before.

    tests/system/power_cut_test.py [-k NAME] [--sweep]"""

import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import BUILD, ROOT, SWEEP, Suite, equal

sys.path.insert(0, str(ROOT / "tests/abi"))

import batch
import disk_images
import power_cut
from many_images import ManyImages

from samara import guest
from samara.disks import Disk

HERE = Path(__file__).resolve().parent
LIMIT = 1800  # seconds: a hang detector
PRESET = os.environ.get("SAMARA_PRESET", "debug")
SIZE = 32 << 20
START = 1 << 20  # of the file system; behind it is a partition for marks
WORKERS = 3

# What is to be cut, and how it is mounted. Without a journal a cut leaves damage, on Linux too.
KINDS = {
    "default": ("", "defaults"),
    "small blocks": ("-b 1024", "commit=1"),
    "ext3": ("-t ext3", "commit=1"),
    "no checksums": ("-O ^metadata_csum,^64bit", "defaults"),
    "inline data": ("-O inline_data -I 256 -b 2048", "journal_checksum"),
}


def program() -> Path:
    directory = BUILD / "test/power_cut"
    return batch.compile_programs([HERE / "guest/file_workload.c"], directory)["file_workload"]


def make(options: str) -> bytes:
    with tempfile.NamedTemporaryFile() as file:
        command = ["/sbin/mkfs.ext4", "-q", "-F", *options.split(), file.name, f"{SIZE >> 10}k"]
        subprocess.run(command, check=True, capture_output=True)
        return Path(file.name).read_bytes()


def boot(script: str, **options) -> str:
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(script)
        file.flush()
        result = guest.run(
            ["sh", "/script"],
            put=[(program(), "/file_workload"), (file.name, "/script")],
            preset=PRESET,
            timeout=LIMIT,
            **options,
        )
    assert result.problem is None, f"{result.problem}\n{result.log[-3000:]}"
    equal(result.stderr, b"")
    return result.stdout.decode(errors="replace")


def run_workload(
    folder: Path, kind: str, steps: int, kernel: str, smp: int
) -> tuple[bytes, list[power_cut.Event]]:
    """The disk as it was before, and all that was written."""
    options, mount = KINDS[kind]
    disk = bytearray(START + SIZE + (2 << 20))
    disk[START : START + SIZE] = make(options)
    first, behind = START // 512, (START + SIZE) // 512
    disk_images.mbr(disk, [(0x83, first, SIZE // 512), (0x83, behind, 2048)])
    image = disk_images.write(folder / "disk", disk)
    log = folder / "log"
    said = boot(
        f"mkdir -p /mnt; mount -t ext4 -o {mount} /dev/vda1 /mnt && "
        f"/file_workload run /mnt /dev/vda2 {WORKERS} {steps} && umount /mnt",
        disks=[power_cut.recording(image, log)],
        kernel=kernel,
        smp=smp,
    )
    equal(said, "0 workers failed\n")
    record = power_cut.events(log)
    log.unlink()
    return bytes(disk), record


def steps_done(disk: bytes) -> list[str]:
    """What each worker had done at the end of the step that it marked last."""
    done = ["-"] * WORKERS
    for worker in range(WORKERS):
        sector = disk[START + SIZE + worker * 512 :][:512]
        if match := re.match(rb"worker (\d+) has done (\d+)\n", sector):
            equal(int(match[1]), worker)
            done[worker] = match[2].decode()
    return done


def check_cuts(kind: str, count: int, steps: int, writer="samara", reader="samara", smp=1) -> None:
    chance = random.Random(f"{kind} {writer} {reader}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start, record = run_workload(folder, kind, steps, writer, smp)
        first = next(i for i, event in enumerate(record) if event.at >= START + SIZE)
        moments = [chance.randrange(first, len(record) + 1) for _ in range(count)]
        block = int((re.search(r"-b (\d+)", KINDS[kind][0]) or [0, 4096])[1])
        images = ManyImages(folder, count, SIZE)
        script = "mkdir -p /mnt\n"
        check = "check-delayed" if writer == "linux" else "check"
        marks = bytearray(start)  # of every moment, whatever the disk has kept of them
        done = 0
        for number, (moment, disk) in enumerate(
            power_cut.cuts(start, record, moments, block, chance)
        ):
            for event in record[done:moment]:
                marks[event.at : event.at + len(event.data)] = event.data
            done = moment
            images.put(number, disk[START : START + SIZE])
            script += (
                f"echo cut {number} at {moment}; mount -t ext4 {images.device(number)} /mnt &&"
                f" /file_workload {check} /mnt {' '.join(steps_done(marks))}; umount /mnt\n"
            )
        said = boot(script, disks=images.disks(), kernel=reader)
        wrong = [part for part in re.split("^(?=cut )", said, flags=re.M)[1:]
                 if not part.endswith("\n0 problems\n")]  # fmt: skip
        for number in range(count):
            if problem := images.problem(number):
                wrong.append(f"cut {number}: {problem}")
        equal(said.count("cut "), count)
        print(f"# {kind}, from {writer} to {reader}: {count} cuts of {len(record)} writes, "
              f"{len(wrong)} wrong", flush=True)  # fmt: skip
        assert not wrong, f"{len(wrong)} of {count}, {kind}, {len(record)} events\n" + "\n".join(
            wrong[:10]
        )


def test_every_synced_byte_is_there():
    if SWEEP:
        for kind in KINDS:
            check_cuts(kind, 40, 150, smp=4)
            # The one's journal is replayed by the other.
            check_cuts(kind, 10, 100, reader="linux", smp=4)
            check_cuts(kind, 10, 100, writer="linux")
    else:
        check_cuts("default", 10, 60, smp=4)


if __name__ == "__main__":
    sys.exit(Suite("power_cut", globals()).main())
