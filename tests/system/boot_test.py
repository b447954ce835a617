#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boots: every machine that QEMU's virt board can be, with the command and by hand, with every kind
of initramfs. On Linux too where that teaches what is right.

    tests/system/boot_test.py [-k NAME] [--kernel linux|samara]"""

import gzip
import io
import re
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import BUILD, SWEEP, Skip, Suite, equal

from samara import guest, kernels, rootfs
from samara.child import die_with_parent
from samara.cpio import Archive

LIMIT = 120
kernel = "linux"


def boot(program: str, **machine) -> guest.Result:
    result = guest.run(["sh", "-c", program], kernel=kernel, timeout=LIMIT, **machine)
    assert result.problem is None, f"{result.problem}\n{result.log[-2000:]}"
    return result


def check_machine(cpus: int = 2, **machine) -> None:
    equal(boot("nproc; exit 3", smp=cpus, **machine).stdout, b"%d\n" % cpus)


# Machines.


def test_cpu_models():
    for cpu in ("cortex-a53", "cortex-a72", "max"):
        check_machine(cpu=cpu)


def test_exception_levels_and_interrupt_controllers():
    # virtualization=on enters at EL2 and offers PSCI by smc, off at EL1 and by hvc.
    for virtualization in ("off", "on"):
        for gic in (2, 3):
            for cpu in ("cortex-a53", "cortex-a72", "max"):
                check_machine(
                    cpu=cpu, machine=f"virt,gic-version={gic},virtualization={virtualization}"
                )


def test_numbers_of_cpus():
    for cpus in (1, 2, 3, 4, 6, 8):
        check_machine(cpus)


def test_sizes_of_memory():
    # Linux itself does not start in 32 MiB with this configuration.
    sizes = (32, 64, 128, 1024, 3 * 1024, 8 * 1024, 16 * 1024)
    for mib in sizes:
        if kernel == "linux" and mib < 128:
            continue
        result = boot("grep MemTotal /proc/meminfo", memory=f"{mib}M")
        total = int(re.search(rb"MemTotal: *(\d+) kB", result.stdout)[1]) // 1024
        assert mib * 0.7 - 8 < total <= mib, f"{mib} MiB: {total} MiB are there"


def test_again_and_again():
    """Each boot must reach init: one that hangs now and then is a race that somebody wrote."""
    for cpus in (1, 2, 4, 8):
        for _ in range(100 if SWEEP else 5):
            check_machine(cpus)


# Initramfs.


def init_script(text: str) -> bytes:
    """An initramfs of busybox and an /init that is a script: any Linux program can be PID 1."""
    archive = Archive()
    archive.directory("proc")
    archive.device("dev/console", 0o600, 5, 1)
    archive.file("bin/busybox", rootfs.busybox_binary(), 0o755)
    archive.symlink("bin/sh", "busybox")
    archive.file("init", f"#!/bin/sh\n{text}\n", 0o755)
    archive.file("other", '#!/bin/sh\necho "other: $@"\n/bin/busybox poweroff -f\n', 0o755)
    out = io.BytesIO()
    archive.write(out)
    return out.getvalue()


def by_hand(initramfs: bytes, words: str = "", *options: str) -> str:
    """Boots as a person would without our command; what was printed on the console."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(initramfs)
        file.flush()
        line = [
            "qemu-system-aarch64",
            "-M",
            "virt",
            "-cpu",
            "cortex-a72",
            "-m",
            "256M",
            "-nographic",
        ]
        line += ["-no-reboot", "-nic", "none", *options, "-initrd", file.name]
        line += ["-kernel", str(kernels.choose(kernel).image)]
        line += ["-append", f"console=ttyAMA0 quiet panic=-1 {words}"]
        return emulate(line).decode(errors="replace").replace("\r", "")


def emulate(line: list[str]) -> bytes:
    """What the emulator printed until it ended."""
    done = subprocess.run(
        line,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        preexec_fn=die_with_parent(),
    )
    return done.stdout


POWER_OFF = "exec /bin/busybox poweroff -f"


def test_script_as_init():
    text = by_hand(
        init_script(f'echo "pid $$ args $*"\necho "$word"\n{POWER_OFF}'), "word=7 -- a b"
    )
    assert "pid 1 args a b\n7\n" in text, text


def test_words_for_init():
    text = by_hand(init_script(POWER_OFF), "rdinit=/other single -- last")
    assert "other: single last\n" in text, text


def test_address_layout_randomisation():
    """A slide of its own for each boot, and none with `nokaslr`, as `samara gdb` needs it."""
    slides = [slide(f"kaslr {word}") for word in ("one", "nokaslrx", "x=nokaslr", "-- nokaslr")]
    assert len(set(slides)) > 1 and all(value % (2 << 20) == 0 for value in slides), slides
    for words in ("nokaslr", "quiet nokaslr panic=1"):
        equal(slide(words), 0)


def slide(words: str) -> int:
    log = by_hand(init_script(f"/bin/busybox dmesg\n{POWER_OFF}"), words)
    return int(re.search(r"slide 0x([0-9a-f]+)", log)[1], 16)


def test_compressed_initramfs():
    plain = init_script(f"echo unpacked\n{POWER_OFF}")
    zstd = subprocess.run(["zstd", "-q", "-c"], input=plain, capture_output=True, check=True).stdout
    for archive in (plain, gzip.compress(plain), zstd):
        text = by_hand(archive)
        assert "unpacked\n" in text, text


def test_several_archives_in_one():
    overlay = Archive()
    overlay.file("init", f"#!/bin/sh\necho second\n{POWER_OFF}\n", 0o755)
    out = io.BytesIO()
    overlay.write(out)
    first = init_script("echo first")
    packed = gzip.compress(first)
    packed += bytes(-len(packed) % 4)  # each starts at a multiple of four
    for archive in (first + out.getvalue(), packed + out.getvalue()):
        text = by_hand(archive)
        assert "second\n" in text and "first" not in text, text


def test_end_of_init_is_a_panic():
    assert "anic" in by_hand(init_script("exit 5"))


def test_reboot_ends_the_emulator():
    by_hand(init_script("exec /bin/busybox reboot -f"))


def test_no_initramfs_is_a_panic():
    image = str(kernels.choose(kernel).image)
    line = ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-nographic", "-no-reboot"]
    line += ["-nic", "none", "-kernel", image, "-append", "console=ttyAMA0 panic=-1"]
    assert b"anic" in emulate(line)


# The shell by hand.


class Console:
    """The default root on the serial line, as README has it."""

    def __init__(self) -> None:
        line = [
            "qemu-system-aarch64",
            "-M",
            "virt",
            "-cpu",
            "cortex-a72",
            "-nographic",
            "-no-reboot",
        ]
        line += ["-nic", "none", "-m", "512M", "-kernel", str(kernels.choose(kernel).image)]
        line += ["-initrd", str(BUILD / "root.cpio"), "-append", "console=ttyAMA0 quiet panic=-1"]
        self.process = subprocess.Popen(
            line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=die_with_parent(),
        )
        self.seen = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def expect(self, text: str) -> None:
        deadline = time.monotonic() + LIMIT
        out = self.process.stdout
        while text not in self.seen:
            assert time.monotonic() < deadline, f"no {text!r} in {self.seen!r}"
            if select.select([out], [], [], 0.2)[0]:
                data = out.read1(65536)
                assert data, f"ended without {text!r}: {self.seen!r}"
                self.seen += data.decode(errors="replace").replace("\r", "")
        self.seen = self.seen.split(text, 1)[1]

    def send(self, text: str) -> None:
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()


def test_shell_on_the_console():
    with Console() as console:
        console.expect("# ")
        console.send("tty\r")
        console.expect("/dev/ttyAMA0\n")
        console.expect("# ")
        console.send("sleep 1000\r")
        time.sleep(1)
        console.send("\x03")
        console.expect("# ")
        console.send("echo status-$?\r")
        console.expect("status-130\n")
        console.send("kill -9 $$\r")
        console.expect("built-in shell")
        console.expect("# ")
        console.send("exit\r")
        equal(console.process.wait(LIMIT), 0)


# What it costs.


def test_image_is_small():
    if kernel == "linux":
        raise Skip("about our image")
    size = (BUILD / "Image").stat().st_size
    assert size < 2 << 20, f"{size} bytes"


def test_instructions_to_init():
    if kernel == "linux":
        raise Skip("about our kernel")
    result = boot("true", icount=True)
    assert result.instructions_to_init, f"not in the log:\n{result.log[-2000:]}"
    assert result.instructions_to_init < 20_000_000, result.instructions_to_init


def select_kernel(name: str) -> None:
    global kernel
    kernel = name


if __name__ == "__main__":
    sys.exit(Suite("boot", globals(), kernels=("samara",)).main(select_kernel))
