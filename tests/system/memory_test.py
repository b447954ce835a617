#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Machines with little memory: what the page cache holds gives way to a program, past that one
program ends, and a root of Debian's on a disk is no question of memory.

    tests/system/memory_test.py [-k NAME] [--sweep]"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import BUILD, ROOT, SWEEP, Skip, Suite, equal
from terminal import Terminal

sys.path.insert(0, str(ROOT / "tests/abi"))

import batch
from samara import guest, image_command, rootfs
from samara.disks import Disk

HERE = Path(__file__).resolve().parent
LIMIT = 3600 if SWEEP else 900  # seconds: a hang detector
PRESET = os.environ.get("SAMARA_PRESET", "release")
MEMORY = 256  # MiB

# What lies on the disk, in MiB: more than twice the memory in --sweep, else about as much.
LARGE, DIRTY = (400, 150) if SWEEP else (180, 40)

# Fills the cache, leaves dirty pages behind, then wants nearly all of memory: twice, for the first
# one may leave something behind.
SCRIPT = f"""cd /mnt; cat large >/dev/null; dd if=/dev/zero of=dirty bs=1M count={DIRTY} 2>/dev/null
awk '/^Cached/ {{ print ($2 > 90000 ? "the cache is full" : $0) }}' /proc/meminfo
/take_memory $1; echo $?
sleep 1000 & bystander=$!
/take_memory; echo $?
kill -0 $bystander && echo the bystander lives
/take_memory $1; echo $?
md5sum large dirty
"""
CONTENTS = b"".join(number.to_bytes(2, "big") * (1 << 19) for number in range(LARGE))
SAYS = f"""the cache is full
took all, 0 pages wrong
0
Killed
137
the bystander lives
took all, 0 pages wrong
0
{hashlib.md5(CONTENTS).hexdigest()}  large
{hashlib.md5(bytes(DIRTY << 20)).hexdigest()}  dirty
"""


def program() -> Path:
    sources = [HERE / "guest/take_memory.c"]
    return batch.compile_programs(sources, BUILD / "test/memory")["take_memory"]


def make_disk(image: Path, tree: Path, folder: Path) -> Path:
    """The tree with a large file in a folder of it, and room for more."""
    (folder / "large").write_bytes(CONTENTS)
    command = ["/sbin/mkfs.ext4", "-q", "-F", "-d", tree, image, f"{LARGE + DIRTY + 100}M"]
    subprocess.run(command, check=True, capture_output=True)
    return image


def run(folder: Path, share: float, kernel: str, before: str = "", **more) -> guest.Result:
    """The script, with a program that takes this share of the machine's memory."""
    script = folder / "script"
    script.write_text(before + SCRIPT)
    result = guest.run(
        ["sh", "/script", str(int(share * (MEMORY << 20)))],
        kernel=kernel,
        preset=PRESET,
        memory=f"{MEMORY}M",
        put=[(program(), "/take_memory"), (script, "/script")],
        timeout=LIMIT,
        **more,
    )
    assert result.problem is None, f"{result.problem}\n{result.log[-3000:]}"
    said = (result.stderr + result.stdout).decode(errors="replace")
    equal(sorted(said.splitlines()), sorted(SAYS.splitlines()))
    return result


def check_default_root(kernel: str, share: float, smp: int) -> guest.Result:
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name, "tree")
        tree.mkdir()
        disk = Disk(make_disk(Path(name, "image"), tree, tree))
        mount = "mount -t ext4 /dev/vda /mnt\n"
        return run(Path(name), share, kernel, mount, disks=[disk], smp=smp)


def killed(result: guest.Result) -> list[str]:
    return re.findall("killed process.*", result.log, re.IGNORECASE)


def test_nearly_all_of_it_with_the_default_root():
    for smp in (1, 2, 4) if SWEEP else (2,):
        equal(len(killed(check_default_root("samara", 0.9, smp))), 1)


def test_what_linux_does():
    """Less fits: its own tables and Debian's configuration take more of so small a machine."""
    if not SWEEP:
        raise Skip("--sweep")
    check_default_root("linux", 0.5, smp=2)


def test_nearly_all_of_it_with_a_root_on_a_disk():
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name, "tree")
        for folder in "bin dev etc mnt proc root sys tmp".split():
            (tree / folder).mkdir(parents=True)
        busybox = rootfs.busybox_binary()
        shutil.copy(busybox, tree / "bin/busybox")
        for tool in "awk cat dd echo kill md5sum mount sh sleep".split():
            (tree / "bin" / tool).symlink_to("busybox")
        root = make_disk(Path(name, "image"), tree, tree / "mnt")
        for smp in (1, 2, 4) if SWEEP else (2,):
            equal(len(killed(run(Path(name), 0.9, "samara", root=root, snapshot=True, smp=smp))), 1)


def test_debian_on_a_gigabyte_in_64_mebibytes():
    packages = "bash coreutils findutils procps python3"
    if SWEEP:  # fills three quarters of it
        packages += " gcc g++ git nodejs cmake ninja-build libpython3.11-testsuite clang-14"
        packages += " golang-go"
    image = image_command.build(packages.split(), kind="ext4", size=1 << 30)
    command = [str(ROOT / "samara"), "run", "--no-build", "--root", str(image), "--snapshot"]
    command += ["--memory", "64M", *(["--debug"] if PRESET == "debug" else [])]
    terminal = Terminal([*command, "--", "bash", "--norc", "-i"], limit=LIMIT)
    terminal.expect("bash-5.2# ")
    terminal.send("echo it says $((6 * 7)) and $(stat -f -c %T /)\r")
    terminal.expect("it says 42 and ext2/ext3\r\n")
    terminal.expect("bash-5.2# ")
    terminal.send("python3 -c 'import json; print(json.dumps([6 * 9, sum(range(1000))]))'\r")
    terminal.expect("[54, 499500]\r\n")
    terminal.expect("bash-5.2# ")
    # Most of what there is, which is more than memory.
    terminal.send("find /usr -type f -exec cat {} + | wc -c; df -m /; echo read it $((6 * 8))\r")
    terminal.expect("read it 48\r\n")
    terminal.expect("bash-5.2# ")
    terminal.send("exit 3\r")
    equal(terminal.end(), 3)


if __name__ == "__main__":
    sys.exit(Suite("memory", globals()).main())
