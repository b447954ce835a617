#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ext4 on a disk: calls answer as on Linux, and each kernel reads what the other wrote.

    tests/system/ext4_test.py [-k NAME] [--sweep]"""

import stat
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from harness import BUILD, ROOT, SWEEP, Suite, equal

sys.path.insert(0, str(ROOT / "tests/abi"))

import batch
import odd_tree

from samara import guest
from samara.disks import Disk

HERE = Path(__file__).resolve().parent
LIMIT = 3600 if SWEEP else 240  # seconds: a hang detector
KERNELS = ("samara", "linux")


def program() -> Path:
    directory = BUILD / "test/ext4"
    directory.mkdir(parents=True, exist_ok=True)
    return batch.compile_programs([HERE / "guest/ext4_calls.c"], directory)["ext4_calls"]


def make(image: Path, options: str, size: str = "32M") -> Path:
    """The same every time: the seed of the hashes decides in which order names come."""
    seed = "-E hash_seed=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    command = f"mkfs.ext4 -q -F {options} {seed} {image} {size}"
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


# A tree of each: what one kernel has written, the other and debugfs read.

# Files are made, cut, extended behind a hole, written over, replaced, renamed, linked and removed.
CHANGE = """tar xpf /tree.tar
cat > /change << 'END'
for file do case $file in
*0) truncate -s 5000 "$file";; *1) head -c 30000 /bin/busybox >> "$file";;
*2) ln "$file" "$file again";; *6) mv "$file" "$file moved";; *7) rm "$file";;
*3) dd if=/bin/busybox of="$file" bs=1000 seek=900 count=90 conv=notrunc 2>/dev/null;;
*4) dd if=/bin/busybox of="$file" bs=100 seek=3 count=9 conv=notrunc 2>/dev/null;;
*5) cat "$file" "$file" > new; mv new "$file";;
esac; done
END
set -- -name 'plain*' -o -name 'sp ace*'
find . -type f '(' "$@" ')' -print0 | sort -z | xargs -0 sh /change
find . -name '-dash*' -print0 | xargs -0 rm -rf
find . '(' -type d -o -type l -o "$@" ')' -print0 | xargs -0 touch -h -d @1234567890
"""
LOOK = """find . ! -type d -print0 | sort -z | xargs -0 stat -c '%n %f %h %s %u %g %Y'
find . -type d -print0 | sort -z | xargs -0 stat -c '%n %f %h %u %g %Y'
find . -type f -print0 | sort -z | xargs -0 sha256sum
find . -type l -print0 | sort -z | xargs -0 -n 1 readlink
"""


def run_on(image: Path, kernel: str, folder: Path, script: str) -> bytes:
    commands = folder / "script"
    commands.write_text(f"mkdir -p /mnt; mount -t ext4 /dev/vda /mnt && cd /mnt && {{\n{script}}}\n"
                        "cd /; umount /mnt || echo still mounted\n")  # fmt: skip
    result = guest.run(
        ["sh", "/script"],
        kernel=kernel,
        put=[(commands, "/script"), (folder / "tree.tar", "/tree.tar")],
        timeout=LIMIT,
        disks=[Disk(image)],
        smp=2,
    )
    assert result.problem is None, f"{result.problem}\n{result.log[-2000:]}"
    equal(result.stderr, b"")
    return result.stdout


def dumped(image: Path, folder: Path) -> dict:
    """As a third reader has it, but for the times of links, which it does not set."""
    folder.mkdir()
    command = ["/usr/sbin/debugfs", "-R", f"rdump / {folder}", image]
    done = subprocess.run(command, capture_output=True, text=True)
    equal(done.stderr.splitlines()[1:], [])  # behind its version
    found = odd_tree.look(folder)
    return {path: what[:3] + what[4:] if stat.S_ISLNK(what[0]) else what
            for path, what in found.items()}  # fmt: skip


def same_lines(ours: bytes, others: bytes) -> None:
    known = set(others.split(b"\n"))
    equal([line for line in ours.split(b"\n") if line not in known], [])
    assert ours == others


def cross(options: str, count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tree").mkdir()
        odd_tree.make(folder / "tree", count)
        with tarfile.open(folder / "tree.tar", "w", format=tarfile.GNU_FORMAT) as archive:
            for path in sorted((folder / "tree").iterdir()):
                archive.add(path, path.name)
        images = {kernel: make(folder / kernel, options, "96M") for kernel in KERNELS}
        said = {writer: run_on(images[writer], writer, folder, CHANGE + LOOK) for writer in KERNELS}
        assert said["samara"].count(b"\n") > count
        same_lines(said["samara"], said["linux"])
        for writer, reader in (KERNELS, KERNELS[::-1]):
            check(images[writer])
            same_lines(run_on(images[writer], reader, folder, LOOK), said[writer])
            check(images[writer])
        dumps = [dumped(images[writer], folder / f"{writer}-dumped") for writer in KERNELS]
        both = dumps[0] | dumps[1]
        equal([path for path in both if dumps[0].get(path) != dumps[1].get(path)], [])


def test_a_tree_is_the_same_to_everybody():
    if not SWEEP:
        return cross("", 400)
    for options in ("", "-b 1024", "-t ext3", "-O ^has_journal,^metadata_csum",
                    "-O inline_data -I 256 -b 2048"):  # fmt: skip
        cross(options, 3000)


if __name__ == "__main__":
    sys.exit(Suite("ext4", globals()).main())
