#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ext4 images with flipped bits: whatever the calls on them say, no kernel panics, hangs or loses
count of its locks (the debug kernel watches), and every image that was mounted goes away again.

    tests/system/damage_test.py [--sweep]"""

import os
import random
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from harness import BUILD, ROOT, SWEEP, Suite, equal

sys.path.insert(0, str(ROOT / "tests/abi"))

import batch
from many_images import ManyImages

from samara import guest

HERE = Path(__file__).resolve().parent
LIMIT = 3600  # seconds: a hang detector
PRESET = os.environ.get("SAMARA_PRESET", "debug")
SIZE = 8 << 20
COUNT = 1000 if SWEEP else 24

# Without checksums the bits get further.
KINDS = [
    "-b 4096",
    "-b 1024 -O ^metadata_csum",
    "-t ext3",
    "-b 4096 -O ^metadata_csum,^has_journal",
    "-b 4096 -O ^metadata_csum,inline_data -I 512",
    "-b 1024 -O ^metadata_csum,^extent,^64bit",
]


def fill(top: Path) -> None:
    """Something of each kind: a directory with an index, many extents, attributes, links."""
    (top / "crowd").mkdir()
    for number in range(60):
        (top / "crowd" / f"{number:0200}").write_bytes(b"%d" % number)
    with (top / "scattered").open("wb") as file:
        for number in range(40):
            file.seek(number * 3 * 8192)
            file.write(b"piece")
    deep = top / "one/two/three"
    deep.mkdir(parents=True)
    (deep / "small").write_bytes(b"small")
    (deep / "large").write_bytes((b"x" + bytes(4095)) * 15)
    (deep / "link").symlink_to("../two")
    (deep / "long").symlink_to("x" * 300)
    (deep / "second").hardlink_to(deep / "small")
    for name, size in (("small", 100), ("large", 600)):
        os.setxattr(deep / name, "user.sample", b"v" * size)


def make(options: str) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        tree, image = Path(name, "tree"), Path(name, "image")
        tree.mkdir()
        fill(tree)
        command = ["/sbin/mkfs.ext4", "-q", "-F", "-d", tree, *options.split(), image]
        subprocess.run([*command, f"{SIZE >> 10}k"], check=True, capture_output=True)
        # Gives directories their index; "changed" is its good end.
        done = subprocess.run(["/sbin/e2fsck", "-fyD", image], capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stdout
        return image.read_bytes()


def with_something_to_replay(image: bytes) -> bytes:
    """A transaction in the journal that writes the root directory's inode table over itself."""
    with tempfile.TemporaryDirectory() as name:
        file, block = Path(name, "image"), Path(name, "block")
        file.write_bytes(image)
        shown = subprocess.run(["/sbin/dumpe2fs", file], capture_output=True, text=True).stdout
        size = int(re.search(r"Block size: +(\d+)", shown)[1])
        place = int(re.search(r"Inode table at (\d+)", shown)[1])
        block.write_bytes(image[place * size : (place + 1) * size])
        subprocess.run(["/sbin/debugfs", "-w", "-f", "-", file], capture_output=True, check=True,
                       input=f"jo\njw -b {place} {block}\njc\n".encode())  # fmt: skip
        return file.read_bytes()


@cache
def used_sectors(image: bytes) -> list[int]:
    return [at for at in range(0, len(image), 512) if image[at : at + 512] != bytes(512)]


def flip(image: bytes, chance: random.Random) -> bytes:
    """One to eight bits, in sectors that are not empty."""
    damaged = bytearray(image)
    used = used_sectors(image)
    for _ in range(chance.randint(1, 8)):
        at = chance.choice(used) + chance.randrange(512)
        damaged[at] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def test_flipped_bits():
    whole = []
    for options in KINDS:
        whole.append(make(options))
        if "^has_journal" not in options:
            whole.append(with_something_to_replay(whole[-1]))
    program = batch.compile_programs([HERE / "guest/use_tree.c"], BUILD / "test/damage")["use_tree"]
    with tempfile.TemporaryDirectory() as name:
        images = ManyImages(Path(name), COUNT, SIZE)
        script = ["mkdir -p /mnt"]
        for number in range(COUNT):
            images.put(number, flip(whole[number % len(whole)], random.Random(number)))
            # Most say errors=continue nowhere: at times they do, so that more is done.
            options = "errors=continue" if number % 3 else "defaults"
            script.append(
                f"echo image {number}; mount -t ext4 -o {options} {images.device(number)} /mnt "
                f"2>/dev/null && {{ /use_tree /mnt; umount /mnt; }}"
            )
        list_of_all = Path(name, "script")
        list_of_all.write_text("\n".join([*script, "grep -c /mnt /proc/mounts", ""]))
        result = guest.run(
            ["sh", "/script"],
            put=[(program, "/use_tree"), (list_of_all, "/script")],
            preset=PRESET,
            smp=2,
            timeout=LIMIT,
            disks=images.disks(),
        )
        said = result.stdout.decode(errors="replace").splitlines()
        last = [line for line in said if line.startswith("image ")][-1]
        assert result.problem is None, f"{last}: {result.problem}\n{result.log[-4000:]}"
        equal((last, said[-1], result.stderr), (f"image {COUNT - 1}", "0", b""))
        mounted = sum(line.endswith("did not") for line in said)
        print(f"# {mounted} of {COUNT} were mounted", flush=True)
        assert mounted > COUNT // 3, f"only {mounted} of {COUNT} were mounted"


if __name__ == "__main__":
    sys.exit(Suite("damage", globals()).main())
