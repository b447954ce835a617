#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`samara image`: what is in the file, that the same wish gives the same bytes, that nothing half
is left. No machine is booted; debian_test.py runs what is in such roots.

    tests/system/image_test.py [-k NAME]"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from harness import ROOT, Suite, equal

from samara import image_command, paths
from samara.errors import SamaraError
from samara.image import configure
from samara.image.tree import Tree

PACKAGES = ["dash", "bzip2", "gawk"]


@contextmanager
def empty_cache():
    kept = paths.IMAGES
    with tempfile.TemporaryDirectory(dir=paths.BUILD) as folder:
        paths.IMAGES = Path(folder)
        try:
            yield paths.IMAGES
        finally:
            paths.IMAGES = kept


def build(kind: str, **more) -> bytes:
    """An image, made anew: its bytes."""
    with empty_cache():
        return image_command.build(PACKAGES, kind=kind, documents=False, **more).read_bytes()


def debugfs(image: Path, *requests: str) -> str:
    text = "".join(f"{request}\n" for request in requests)
    shown = subprocess.run(
        ["/sbin/debugfs", "-f", "-", image], input=text, capture_output=True, text=True
    )
    return shown.stdout


def fails(action) -> str:
    try:
        action()
    except SamaraError as failure:
        return str(failure)
    raise AssertionError("no error")


def test_same_packages_give_the_same_bytes():
    for kind in ("cpio", "ext4"):
        first = build(kind)
        time.sleep(1)
        assert first == build(kind), kind


def test_ext4_image_is_sound_and_complete():
    with empty_cache():
        image = image_command.build(PACKAGES, kind="ext4", size=200 << 20, documents=False)
        equal(image.stat().st_size, 200 << 20)
        checked = subprocess.run(["/sbin/e2fsck", "-fn", image], capture_output=True, text=True)
        equal((checked.returncode, checked.stderr.count("\n")), (0, 1))
        shown = debugfs(
            image,
            "stat /etc/shadow",  # a group, a mode
            "stat /tmp",
            "stat /usr/bin/bzip2",  # three names
            "stat /bin",
            "stat /etc/alternatives/awk",  # gawk before mawk
            "stat /dev/null",
            "cat /etc/passwd",
        )
    for text in ("Mode:  0640", "Group:    42", "Mode:  01777", "Links: 3", 'link dest: "usr/bin"',
                 'link dest: "/usr/bin/gawk"', "Device major/minor number: 01:03",
                 "root:x:0:0:root:/root:/bin/bash"):  # fmt: skip
        assert text in shown, f"no {text!r} in\n{shown}"


def test_cpio_has_owners_and_hard_links():
    listed = subprocess.run(
        ["cpio", "-itv", "--quiet", "--numeric-uid-gid"],
        input=build("cpio"),
        capture_output=True,
    ).stdout.decode()
    rows = {line.split()[-1]: line.split() for line in listed.splitlines() if " -> " not in line}
    equal(rows["etc/shadow"][:4], ["-rw-r-----", "1", "0", "42"])
    sizes = [int(rows[f"usr/bin/{name}"][4]) for name in ("bunzip2", "bzcat", "bzip2")]
    equal((rows["usr/bin/bzip2"][1], sizes[0] > 0, sizes[1:]), ("3", True, [0, 0]))
    equal(rows["dev/console"][0], "crw-------")


def test_dpkg_knows_what_is_there():
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "root.cpio")
        archive.write_bytes(build("cpio"))
        top = Path(folder, "top")
        top.mkdir()
        subprocess.run(
            ["cpio", "-id", "--quiet", "--no-absolute-filenames"],
            stdin=archive.open("rb"),
            cwd=top,
            stderr=subprocess.DEVNULL,  # devices
        )
        shown = subprocess.run(
            ["dpkg-query", f"--admindir={top}/var/lib/dpkg", "-W", "-f=${Package} ${Status}\n"],
            capture_output=True,
            text=True,
        ).stdout.splitlines()
        assert "dash install ok installed" in shown and "libc6 install ok installed" in shown, shown
        assert (top / "var/lib/dpkg/info/libc6:arm64.list").read_text().startswith("/.\n")
        assert b"/lib/aarch64-linux-gnu/libc.so.6" in (top / "etc/ld.so.cache").read_bytes()


def test_files_of_the_host_are_included():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "script").write_text("echo hello\n")
        Path(folder, "script").chmod(0o755)
        data = build("cpio", include=[(Path(folder), "/opt/mine")])
    listed = subprocess.run(["cpio", "-itv", "--quiet"], input=data, capture_output=True).stdout
    assert b"opt/mine/script" in listed


def test_clear_errors():
    wrong = fails(lambda: image_command.build(["nosuchpackage"], kind="cpio"))
    equal(wrong, "Debian has no arm64 package called nosuchpackage")
    assert "not the name" in fails(lambda: image_command.build(["-o"], kind="cpio"))
    assert "such as 512M" in fails(lambda: image_command._size("1"))
    with empty_cache():
        small = fails(lambda: image_command.build(PACKAGES, kind="ext4", size=1 << 20))
    assert "the files alone take" in small, small


def test_interrupted_command_leaves_nothing():
    folder = Path(tempfile.mkdtemp(dir=paths.BUILD))
    try:
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(int(time.time()))}  # not in the cache
        process = subprocess.Popen(
            [ROOT / "samara", "image", "--packages", "gawk", "-o", folder / "root.ext4"],
            env=environment,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        deadline = time.monotonic() + 60
        while not list(paths.IMAGES.glob("work-*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        equal(process.wait(60), 130)
        equal((list(folder.iterdir()), list(paths.IMAGES.glob("work-*"))), ([], []))
    finally:
        shutil.rmtree(folder)


# Parts.


def test_alternatives_are_read_from_scripts():
    script = """\
if true; then
    update-alternatives --quiet --install /usr/bin/pager pager \\
      /usr/bin/less 77 --slave /usr/share/man/man1/pager.1.gz \\
      pager.1.gz /usr/share/man/man1/less.1.gz || true
    update-alternatives --install "$BIN"/w w /usr/bin/w.procps 50
    update-alternatives --install /usr/bin/cc cc /usr/bin/gcc 20 \\
      #--slave /usr/share/man/man1/cc.1.gz cc.1.gz /usr/share/man/man1/gcc.1.gz
    update-alternatives --remove awk /usr/bin/mawk
fi
"""
    slave = ["--slave", "/usr/share/man/man1/pager.1.gz", "pager.1.gz"]
    slave.append("/usr/share/man/man1/less.1.gz")
    equal(
        configure.installed_alternatives(script),
        [
            ["/usr/bin/pager", "pager", "/usr/bin/less", "77", *slave],
            ["/usr/bin/cc", "cc", "/usr/bin/gcc", "20"],
        ],
    )


def test_names_are_resolved_within_the_tree():
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder, "root"))
        tree.directory("usr/bin")
        tree.symlink("bin", "/usr/bin")
        tree.symlink("loop", "loop")
        tree.file("bin/../bin/../../../../etc/file", "text")
        tree.file("bin/tool", "text")
        paths_there = [node.path for node in tree.nodes(0)]
        equal(paths_there, ["bin", "etc", "etc/file", "loop", "usr", "usr/bin", "usr/bin/tool"])
        assert "too many symbolic links" in fails(lambda: tree.file("loop/x", ""))


if __name__ == "__main__":
    sys.exit(Suite("image", globals()).main())
