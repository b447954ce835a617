#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of the parts of the `samara` command that need no machine: archives, package lists, the
protocol's two sides, what a guest may write on the host.

    tests/system/tools_test.py [-k NAME]"""

import io
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import ROOT, Suite, equal

from samara import apt_sources, protocol, shares, transfer
from samara.cpio import Archive
from samara.errors import SamaraError
from samara.testing.report import Report


# Archives.


def sample_archive() -> bytes:
    archive = Archive()
    archive.file("z/file", b"12345", 0o640)
    archive.directory("a", 0o1777)
    archive.symlink("a/link", "../z/file")
    archive.device("dev/null", 0o666, 1, 3)
    out = io.BytesIO()
    archive.write(out)
    return out.getvalue()


def test_archive_is_what_cpio_reads():
    listed = subprocess.run(
        ["cpio", "-itv", "--quiet", "--numeric-uid-gid"],
        input=sample_archive(),
        capture_output=True,
    )
    lines = [line.split() for line in listed.stdout.decode().splitlines()]
    equal(
        [line[0] for line in lines],
        ["drwxrwxrwt", "lrwxrwxrwx", "drwxr-xr-x", "crw-rw-rw-"] + ["drwxr-xr-x", "-rw-r-----"],
    )
    equal(lines[1][-3:], ["a/link", "->", "../z/file"])
    equal((lines[3][4], lines[3][5]), ("1,", "3"))


def test_archive_is_reproducible():
    equal(sample_archive(), sample_archive())


# Shares.


def test_shares():
    with tempfile.TemporaryDirectory(suffix=",a:b") as name:
        folder = Path(name)
        made = shares.plan([f"{name}:/mnt/x"], "default")
        equal([(s.tag, s.host, s.target) for s in made], [("share0", folder, "/mnt/x")])
        made = shares.plan([f"{name}:/x"], name)  # the root comes first
        equal([(s.tag, s.target) for s in made], [("share0", "/"), ("share1", "/x")])
        for bad in ("x", ":/x", f"{name}:", f"{name}:x", f"{name}:/", f"{name}/no:/x"):
            try:
                shares.plan([bad], "default")
            except SamaraError:
                continue
            raise AssertionError(f"--share {bad} was taken")


# Package lists.

ONE_LINE = """\
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib # why
# deb http://old.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/security bookworm-security main
deb http://vendor.example/apt tool-bookworm main
deb http://mirror.example/debian bookworm non-free
"""
DEB822 = """\
Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""


def test_one_line_lists():
    chosen = apt_sources.debian_stanzas(apt_sources.parse_one_line(ONE_LINE), "bookworm")
    equal(
        [(s["uris"], s["suites"]) for s in chosen],
        [
            ("http://mirror.example/debian", "bookworm"),
            ("http://mirror.example/security", "bookworm-security"),
        ],
    )
    equal(chosen[0]["signed-by"], "/k.gpg")


def test_deb822_lists():
    stanzas = apt_sources.parse_deb822(DEB822)
    equal(stanzas[1]["enabled"], "no")
    chosen = apt_sources.debian_stanzas(stanzas[:1], "bookworm")
    equal([s["suites"] for s in chosen], ["bookworm", "bookworm-updates"])
    again = apt_sources.parse_deb822(apt_sources.to_deb822(chosen, "arm64"))
    equal(again[0]["signed-by"], "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc")
    equal((again[0]["types"], again[0]["architectures"]), ("deb deb-src", "arm64"))


# The protocol.


def test_both_sides_agree_on_the_protocol():
    header = (ROOT / "user/init/protocol.h").read_text()
    enum = header[header.index("enum class Type") : header.index("};", header.index("enum class"))]
    theirs = {name: int(value) for name, value in re.findall(r"^  (\w+) = (\d+)", enum, re.M)}
    ours = {"".join(w.title() for w in t.name.split("_")): int(t) for t in protocol.Type}
    equal(theirs, ours)
    ports = dict(re.findall(r"k(\w+)Port = (\d+)", header))
    equal({k.upper(): int(v) for k, v in ports.items()}, {p.name: int(p) for p in protocol.Port})
    equal(int(re.search(r"kVersion = (\d+)", header)[1]), protocol.VERSION)
    for value, prefix in ((r"(\d+)", "kStart"), (r'"(.*)"', "kJob")):
        for name, theirs in re.findall(rf"\bk({prefix[1:]}\w+) = {value};", header):
            ours = getattr(protocol, "_".join(re.findall("[A-Z][a-z]+", name)).upper())
            equal(theirs, str(ours))


def test_messages_in_pieces():
    stream = protocol.message(protocol.Type.READY, b"\1\0\0\0") + protocol.stdin_end(5)
    decoder = protocol.Decoder()
    got = [message for byte in stream for message in decoder.feed(bytes([byte]))]
    equal(got, [(64, b"\1\0\0\0"), (4, (5).to_bytes(8, "little"))])


# What a guest may write.


def receive(target: Path, *entries: tuple[protocol.Entry, bytes]) -> transfer.Receiver:
    receiver = transfer.Receiver(transfer.Copy("/x", str(target)))
    for entry, data in entries:
        receiver.begin(entry)
        if data:
            receiver.take(data)
    receiver.finish()
    return receiver


def test_a_guest_cannot_leave_the_wanted_directory():
    with tempfile.TemporaryDirectory() as name:
        target = Path(name) / "in/out"
        evil = protocol.Entry("/../../evil", stat.S_IFREG | 0o644, 4)
        equal(len(receive(target, (evil, b"evil")).errors), 1)
        equal(list(Path(name).rglob("evil")), [])


def test_a_guest_cannot_write_through_its_links():
    with tempfile.TemporaryDirectory() as name:
        outside, target = Path(name) / "outside", Path(name) / "target"
        outside.mkdir()
        receive(
            target,
            (protocol.Entry("", stat.S_IFDIR | 0o755), b""),
            (protocol.Entry("/link", stat.S_IFLNK | 0o777, target=str(outside)), b""),
            (protocol.Entry("/link/evil", stat.S_IFREG | 0o4755, 4), b"evil"),
        )
        equal(list(outside.iterdir()), [])


# The report.


def test_report_counts_what_it_reads():
    report = Report()
    real, sys.stdout = sys.stdout, io.StringIO()
    try:
        for line in ("ok a", "not ok b", "  why", "known c: listed", "skip d", "okay e"):
            report.feed("abi", line)
        status = report.close()
        text = sys.stdout.getvalue()
    finally:
        sys.stdout = real
    equal((report.passed, report.failed, report.skipped, status), (2, 1, 1, 1))
    equal(text.splitlines()[-3:], ["failed abi    b", "1 skipped", "2 passed, 1 failed"])


if __name__ == "__main__":
    sys.exit(Suite("tools", globals()).main())
