#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ext4 on a disk: calls answer as on Linux, and each kernel reads what the other wrote.

    tests/system/ext4_test.py [-k NAME]"""

import subprocess
import sys
import tempfile
from pathlib import Path

from harness import BUILD, ROOT, Suite, equal

sys.path.insert(0, str(ROOT / "tests/abi"))

import batch
from samara import guest
from samara.disks import Disk

HERE = Path(__file__).resolve().parent
LIMIT = 240
KERNELS = ("samara", "linux")


def program() -> Path:
    directory = BUILD / "test/ext4"
    directory.mkdir(parents=True, exist_ok=True)
    return batch.compile_programs([HERE / "guest/ext4_calls.c"], directory)["ext4_calls"]


def make(image: Path, options: str) -> Path:
    """The same every time: the seed of the hashes decides in which order names come."""
    seed = "-E hash_seed=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    command = f"mkfs.ext4 -q -F {options} {seed} {image} 32M"
    path = "/usr/sbin:/sbin:/usr/bin:/bin"
    subprocess.run(command.split(), check=True, capture_output=True, env={"PATH": path})
    return image


def check(image: Path) -> None:
    command = ["/usr/sbin/e2fsck", "-fn", str(image)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "recovering journal" not in done.stdout, "it was not unmounted cleanly"


def run(image: Path, kernel: str, argument: str, **options) -> list[str]:
    command = (
        "mkdir -p /mnt && mount -t ext4 /dev/vda /mnt && cd /mnt && "
        f"/tmp/ext4_calls {argument}; cd /; umount /mnt || echo still mounted"
    )
    result = guest.run(
        ["sh", "-c", command],
        kernel=kernel,
        put=[(program(), "/tmp/ext4_calls")],
        timeout=LIMIT,
        disks=[Disk(image)],
        **options,
    )
    assert result.problem is None, f"{result.problem}\n{result.log[-2000:]}"
    return result.stdout.decode(errors="replace").splitlines()


def compare(options: str, **machine) -> None:
    with tempfile.TemporaryDirectory() as name:
        images = {kernel: make(Path(name) / kernel, options) for kernel in KERNELS}
        said = {kernel: run(images[kernel], kernel, "", **machine) for kernel in KERNELS}
        pairs = zip(said["samara"], said["linux"])
        differences = [f"{ours} | {linux}" for ours, linux in pairs if ours != linux]
        assert said["samara"] == said["linux"], "ours | Linux's:\n" + "\n".join(differences[:20])
        for image in images.values():
            check(image)
        # And what each left is what the other finds.
        found = {other: run(images[kernel], other, "check") for kernel, other in
                 (KERNELS, KERNELS[::-1])}
        equal(found["samara"], found["linux"])
        for image in images.values():
            check(image)


def test_calls_answer_as_on_linux():
    compare("", smp=1)


def test_small_blocks_and_four_cpus():
    compare("-b 1024", smp=4)


if __name__ == "__main__":
    sys.exit(Suite("ext4", globals()).main())
