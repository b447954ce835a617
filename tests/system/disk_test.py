#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Block devices: the same answers as Linux gives, and every byte in its place over each transport.

    tests/system/disk_test.py [-k NAME]"""

import array
import sys
import tempfile
from functools import cache
from pathlib import Path

from harness import BUILD, ROOT, Suite, equal

sys.path.insert(0, str(ROOT / "tests/abi"))

import batch
import disk_images
from samara import guest
from samara.disks import Disk

HERE = Path(__file__).resolve().parent
LIMIT = 120
SIZE = 8 << 20
_UUID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeee"


@cache
def program(name: str) -> Path:
    directory = BUILD / "test/disk"
    directory.mkdir(parents=True, exist_ok=True)
    source = HERE / "guest" / f"{name}.c"
    return batch.compile_programs([source], directory)[name]


def boot(command: str, *, kernel: str = "samara", put=(), **options) -> guest.Result:
    copies = [(program(name), f"/tmp/{name}") for name in put]
    result = guest.run(
        ["sh", "-c", command], kernel=kernel, put=copies, timeout=LIMIT, **options
    )
    assert result.problem is None, f"{result.problem}\n{result.log[-2000:]}"
    return result


def gpt_disk(folder: Path, name: str) -> Path:
    image = bytearray(SIZE)
    parts = [
        (2048, 4095, "first", _UUID + "0"),
        (4096, 8191, "second", _UUID + "1"),
        (8192, 10240, "", _UUID + "2"),
    ]
    disk_images.gpt(image, parts)
    return disk_images.write(folder / name, image)


def mbr_disk(folder: Path, name: str) -> Path:
    image = bytearray(SIZE)
    disk_images.mbr(image, [(0x83, 2048, 1000), (5, 4096, 8000)], 0x12345678)
    disk_images.extended(image, 4096, [(4200, 1000), (6000, 1000), (8000, 500)])
    return disk_images.write(folder / name, image)


def failing_disk(folder: Path) -> Disk:
    """Reads of the sectors at its half, and of one behind, fail."""
    plain = disk_images.write(folder / "fails", bytearray(SIZE))
    half = SIZE // 2 // 512
    rules = "".join(
        f'[inject-error]\nevent = "read_aio"\nsector = "{sector}"\nerrno = "5"\n\n'
        for sector in (half, half + 128)
    )
    (folder / "rules").write_text(rules)
    drive = (
        f",driver=blkdebug,config={folder}/rules,image.driver=raw,image.file.driver=file,"
        f"image.file.filename={plain}"
    )
    return Disk(plain, drive=drive)


def calls(kernel: str) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        disks = [
            Disk(gpt_disk(folder, "gpt")),
            Disk(gpt_disk(folder, "fixed"), read_only=True),
            Disk(mbr_disk(folder, "mbr")),
            failing_disk(folder),
        ]
        result = boot("/tmp/block_calls", kernel=kernel, put=["block_calls"], disks=disks)
        equal(result.status, 0)
        return result.stdout.decode(errors="replace")


def test_calls_answer_as_on_linux():
    ours, linux = calls("samara").splitlines(), calls("linux").splitlines()
    differences = [f"{a} | {b}" for a, b in zip(ours, linux) if a != b]
    assert ours == linux, "ours | Linux's:\n" + "\n".join(differences[:20])


def check_pattern(folder: Path, disk: Disk, size: int = 3 << 20, **options) -> None:
    disk_images.write(disk.file, bytearray(size))
    result = boot(
        "/tmp/block_pattern /dev/vda 4 && grep virtio-blk /proc/interrupts",
        put=["block_pattern"],
        disks=[disk],
        **options,
    )
    equal((result.status, result.stdout.splitlines()[0]), (0, b"0 failures"))
    expected = array.array("Q", range(0, size, 8)).tobytes()
    assert disk.file.read_bytes() == expected, "the image is not what the guest wrote"


def test_data_over_each_transport():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = folder / "disk"
        modern = ["-global", "virtio-mmio.force-legacy=false"]
        check_pattern(folder, Disk(image), smp=1)
        check_pattern(folder, Disk(image, properties="num-queues=4"), extra=modern, smp=4)
        check_pattern(folder, Disk(image, properties="num-queues=4"), bus="pci", smp=4)
        # Whole blocks are larger than sectors, and requests have few segments.
        blocks = "logical_block_size=512,physical_block_size=4096,seg-max-adjust=off,queue-size=8"
        board = "virt,gic-version=2"
        check_pattern(folder, Disk(image, properties=blocks), machine=board, bus="pci")


def test_pci_functions_are_those_of_linux():
    facts = "$i/class $i/vendor $i/device"
    show = f"cd /sys/bus/pci/devices; for i in *; do echo $i $(cat {facts}); done"
    with tempfile.TemporaryDirectory() as name:
        image = disk_images.write(Path(name) / "disk", bytearray(SIZE))
        behind = disk_images.write(Path(name) / "behind", bytearray(b"behind\n").ljust(SIZE, b"-"))
        extra = ["-drive", f"if=none,id=behind,format=raw,file={behind}"]
        for device in (
            "pcie-root-port,id=rp0,slot=1,chassis=1",
            "virtio-blk-pci,bus=rp0,drive=behind",
            "pci-bridge,id=br0,chassis_nr=2",
            "virtio-rng-pci,bus=br0,addr=3",
            "e1000,addr=7.0,multifunction=on",
            "virtio-rng-pci,addr=7.3",
        ):
            extra += ["-device", device]
        found = {}
        for kernel in ("samara", "linux"):
            result = boot(
                f"{show}; cut -f 1,2 /proc/bus/pci/devices; head -n 1 /dev/vdb",
                kernel=kernel,
                disks=[Disk(image)],
                bus="pci",
                extra=extra,
            )
            found[kernel] = result.stdout.splitlines()
        equal(found["samara"], found["linux"])
        equal(found["samara"][-1], b"behind")
        assert len(found["samara"]) == 2 * 9 + 1, found["samara"]


def test_a_snapshot_leaves_the_image():
    with tempfile.TemporaryDirectory() as name:
        image = disk_images.write(Path(name) / "disk", bytearray(SIZE))
        result = boot(
            "echo kept | dd of=/dev/vda conv=fsync 2>/dev/null; head -n 1 /dev/vda",
            disks=[Disk(image, snapshot=True)],
        )
        equal(result.stdout, b"kept\n")
        equal(image.read_bytes().count(0), SIZE)


if __name__ == "__main__":
    sys.exit(Suite("disk", globals()).main())
