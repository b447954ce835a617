#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Directories of the host in the guest (`--share`, `--root DIR`), on both kernels: what goes in and
out is the same to the bit, each side sees what the other does, and errors are Linux's.

    tests/system/share_test.py [-k NAME] [--kernel linux|samara] [--sweep]"""

import os
import random
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from harness import BUILD, ROOT, SWEEP, Skip, Suite, equal

sys.path.insert(0, str(ROOT / "tests/abi"))
import batch
import odd_tree

from samara import guest
from samara.child import die_with_parent

LIMIT = 3600 if SWEEP else 300  # seconds: a hang detector
PRESET = os.environ.get("SAMARA_PRESET", "release")
kernel = "linux"
program = ""
operations: dict[str, bytes] = {}


@contextmanager
def folders(*names: str):
    with tempfile.TemporaryDirectory() as top:
        made = [Path(top, name) for name in names]
        for folder in made:
            folder.mkdir()
        yield made


def run(*arguments: str, share, smp: int = 1, **more) -> bytes:
    done = guest.run(
        ["/share", *arguments],
        kernel=kernel,
        preset=PRESET,
        put=[(program, "/share")],
        share=share,
        smp=smp,
        timeout=LIMIT,
        **more,
    )
    equal((done.status, done.stderr, done.problem), (0, b"", None))
    return done.stdout


# In and out.


def test_tree_goes_in_and_out():
    with folders("from", "to") as (source, target):
        odd_tree.make(source, 5000 if kernel == "samara" or SWEEP else 500)
        output = run("copy", "/from", "/to", share=[(source, "/from"), (target, "/to")])
        equal(output, b"copied\n")
        # Linux sets times by the second only.
        unit = 1 if kernel == "samara" else 10**9
        wanted, got = odd_tree.look(source, unit), odd_tree.look(target, unit)
        equal(sorted(set(wanted) ^ set(got)), [])
        equal([path for path in wanted if wanted[path] != got[path]], [])


def test_large_file():
    with folders("s") as (folder,):
        data = random.Random(1).randbytes(5_000_001)
        (folder / "in").write_bytes(data)
        done = guest.run(
            ["sh", "-c", "cat /s/in | tee /s/out | wc -c; cmp /s/in /s/out"],
            kernel=kernel,
            preset=PRESET,
            share=[(folder, "/s")],
            timeout=LIMIT,
        )
        equal((done.status, done.stdout, done.stderr), (0, b"5000001\n", b""))
        equal((folder / "out").read_bytes() == data, True)


# Calls and their errors.


def test_operations_are_linuxs():
    with folders("s") as (folder,):
        operations[kernel] = run("operations", "/s", share=[(folder, "/s")])
    if "linux" in operations and kernel != "linux":
        equal(operations[kernel].decode(errors="replace").splitlines(),
              operations["linux"].decode(errors="replace").splitlines())  # fmt: skip


def test_operations_with_a_loose_cache():
    """By the name that the first share has on every run; the output is what it is without."""
    script = """umount /s && mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose share0 /s &&
        /share operations /s"""
    if kernel == "linux":
        raise Skip("its times and pages are a matter of its own there")
    with folders("s") as (folder,):
        done = guest.run(
            ["sh", "-c", script],
            kernel=kernel,
            preset=PRESET,
            put=[(program, "/share")],
            share=[(folder, "/s")],
            timeout=LIMIT,
        )
    equal((done.status, done.stderr), (0, b""))
    if kernel in operations:
        equal(done.stdout.decode(errors="replace").splitlines(),
              operations[kernel].decode(errors="replace").splitlines())  # fmt: skip


def test_at_once():
    with folders("s") as (folder,):
        output = run("workers", "/s", "4", share=[(folder, "/s")], smp=4)
        equal(output, b"exit 0\n" * 4 + b"160 lines\n")
        equal(sorted(os.listdir(folder)), ["appended"])


def test_shared_mappings():
    with folders("s") as (folder,):
        output = run("map", "/s/file", share=[(folder, "/s")])
        equal([line for line in output.splitlines() if line.endswith((b"no", b"-1"))], [])
        data = (folder / "file").read_bytes()
        equal(len(data), 3 * 4096 + 100)
        equal(data[:12], b"behind msync")
        equal(data[4090:4106], b"across two pages")
        equal(data[8192:8200], b"by write")
        equal(data[-10:], b"last ten b")


# The two sides at once.


def started(share, *arguments: str) -> subprocess.Popen:
    options = ["--debug"] if PRESET == "debug" else []
    return subprocess.Popen(
        [str(ROOT / "samara"), "run", "--no-build", *options, "--kernel", kernel]
        + ["--put", f"{program}:/share", "--share", f"{share}:/s", "--", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent(),
    )


def test_changes_of_the_host_are_seen():
    with folders("s") as (folder,), started(folder, "/share", "look") as process:

        def look(path: str) -> str:
            process.stdin.write(f"/s{path}\n".encode())
            process.stdin.flush()
            return process.stdout.readline().decode().removeprefix(f"/s{path}: ").rstrip()

        (folder / "file").write_text("first")
        equal(look("/file"), "5 bytes: first")
        (folder / "file").write_text("second, longer")
        equal(look("/file"), "14 bytes: second, longer")
        equal(look("/absent"), "ENOENT")
        (folder / "absent").write_text("there")
        equal(look("/absent"), "5 bytes: there")
        (folder / "file").unlink()
        equal(look("/file"), "ENOENT")
        (folder / "file").mkdir()
        (folder / "file/below").write_text("b")
        equal(look("/file"), "3 names, mode 40755")
        equal(look("/file/below"), "1 bytes: b")
        (folder / "file").rename(folder / "moved")
        equal(look("/moved/below"), "1 bytes: b")
        equal(look("/file/below"), "ENOENT")
        (folder / "moved").chmod(0o700)
        equal(look("/moved"), "3 names, mode 40700")
        (folder / "new").write_text("replaced")
        (folder / "new").rename(folder / "absent")
        equal(look("/absent"), "8 bytes: replaced")
        process.stdin.close()
        equal(process.wait(LIMIT), 0)


def test_killed_while_it_reads():
    script = """for i in 1 2 3 4 5; do /share read /s/file >/dev/null & sleep 0.2; kill -9 $!; done
        wait; cat /s/small; umount /s && echo unmounted"""
    with folders("s") as (folder,):
        (folder / "file").write_bytes(bytes(1 << 20))
        (folder / "small").write_text("works on\n")
        with started(folder, "sh", "-c", script) as process:
            output, _ = process.communicate(timeout=LIMIT)
        equal(process.returncode, 0)
        equal(output, b"works on\nunmounted\n")


# The root.


def test_root_is_a_directory():
    with folders("root", "s") as (root, folder):
        (root / "bin").mkdir()
        (root / "bin/busybox").symlink_to("../real/busybox")
        (root / "real").mkdir()
        busybox = BUILD / "packages/busybox-static/bin/busybox"
        (root / "real/busybox").write_bytes(busybox.read_bytes())
        (root / "real/busybox").chmod(0o755)
        (folder / "file").write_text("from the share\n")
        script = """cd /; echo made > /made; cat /s/file; pwd; ls -d /made /proc/1 /dev/null
            mv /made /kept; readlink /bin/busybox"""
        for tool in ("cat", "ls", "mv", "readlink", "sh"):
            (root / "bin" / tool).symlink_to("busybox")
        done = guest.run(
            ["sh", "-c", script],
            kernel=kernel,
            preset=PRESET,
            root=root,
            share=[(folder, "/s")],
            timeout=LIMIT,
        )
        equal(
            (done.status, done.stdout, done.stderr),
            (0, b"from the share\n/\n/dev/null\n/made\n/proc/1\n../real/busybox\n", b""),
        )
        equal((root / "kept").read_text(), "made\n")



def test_a_root_stays_as_it_is_with_a_snapshot():
    with folders("root") as (root,):
        (root / "bin").mkdir()
        (root / "etc").mkdir()
        (root / "etc/kept").write_text("kept\n")
        busybox = BUILD / "packages/busybox-static/bin/busybox"
        (root / "bin/busybox").write_bytes(busybox.read_bytes())
        (root / "bin/busybox").chmod(0o755)
        for tool in ("cat", "ls", "mv", "rm", "sh"):
            (root / "bin" / tool).symlink_to("busybox")
        before = sorted((path, path.lstat().st_mtime_ns) for path in root.rglob("*"))
        script = """echo more >> /etc/kept; echo made > /made; rm /bin/mv; cat /etc/kept /made
            ls /bin; rm /etc/kept; ls /etc"""
        done = guest.run(
            ["sh", "-c", script],
            kernel=kernel,
            preset=PRESET,
            root=root,
            snapshot=True,
            timeout=LIMIT,
        )
        equal(
            (done.status, done.stdout, done.stderr),
            (0, b"kept\nmore\nmade\nbusybox\ncat\nls\nrm\nsh\n", b""),
        )
        after = sorted((path, path.lstat().st_mtime_ns) for path in root.rglob("*"))
        equal(after, before)
        equal((root / "etc/kept").read_text(), "kept\n")


def select(name: str) -> None:
    global kernel
    kernel = name


if __name__ == "__main__":
    source = Path(__file__).parent / "guest/share.c"
    program = batch.compile_programs([source], BUILD / "share/bin")["share"]
    sys.exit(Suite("share", globals(), ("linux", "samara")).main(select))
