# SPDX-License-Identifier: MIT
"""Files for the command lines of busybox.txt that busybox can read but not make: archives,
packages, lists of who logged in. They lie in /tests/data of the guest. Same bytes every time."""

import gzip
import io
import lzma
import struct
import tarfile
import zipfile

TEXT = b"".join(b"line %d of a text\n" % number for number in range(200))
TIME = 1_000_000_000  # 2001-09-09 01:46:40 UTC


def lzw(data):
    """compress(1)'s format while the dictionary is not used: each byte is a code of nine bits."""
    bits = sum(byte << 9 * index for index, byte in enumerate(data))
    return b"\x1f\x9d\x90" + bits.to_bytes((9 * len(data) + 7) // 8, "little")


def zip_archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, kind in (("dir/packed", zipfile.ZIP_DEFLATED), ("stored", zipfile.ZIP_STORED)):
            entry = zipfile.ZipInfo(name, (2001, 2, 3, 4, 5, 6))
            entry.external_attr = 0o100640 << 16
            archive.writestr(entry, TEXT, kind)
    return out.getvalue()


def tar_archive(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, mode, data in files:
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size, entry.mtime = mode, len(data), TIME
            if name.endswith("/"):
                entry.type = tarfile.DIRTYPE
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0)


def ar_archive(members):
    out = b"!<arch>\n"
    for name, data in members:
        head = f"{name:<16}{TIME:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n"
        out += head.encode() + data + b"\n" * (len(data) % 2)
    return out


def debian_package():
    control = b"Package: sample\nVersion: 1.0\nArchitecture: all\nDescription: a sample\n"
    script = b"#!/bin/sh\necho configured $1\n"
    return ar_archive(
        [
            ("debian-binary", b"2.0\n"),
            (
                "control.tar.gz",
                tar_archive([("./control", 0o644, control), ("./postinst", 0o755, script)]),
            ),
            (
                "data.tar.gz",
                tar_archive(
                    [("./", 0o755, b""), ("./opt/", 0o755, b""), ("./opt/sample", 0o640, TEXT)]
                ),
            ),
        ]
    )


def cpio_entry(inode, name, mode, data):
    fields = [inode, mode, 0, 0, 1, TIME, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    out = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    out += bytes(-len(out) % 4) + data
    return out + bytes(-len(out) % 4)


def rpm_header(tags):
    """A header structure: an index of (tag, type, offset, count), then the store."""
    index, store = b"", b""
    for tag, kind, value in tags:
        if kind == 4:  # 32-bit numbers
            store += bytes(-len(store) % 4)
            data, count = struct.pack(f">{len(value)}I", *value), len(value)
        else:  # a string (6), an array of strings (8)
            texts = [value] if kind == 6 else value
            data, count = b"".join(text.encode() + b"\0" for text in texts), len(texts)
        index += struct.pack(">4I", tag, kind, len(store), count)
        store += data
    return b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">2I", len(tags), len(store)) + index + store


def rpm_package():
    lead = b"\xed\xab\xee\xdb\3\0" + bytes(90)
    signature = rpm_header([])
    header = rpm_header(
        [
            (1000, 6, "sample"),
            (1001, 6, "1.0"),
            (1002, 6, "2"),
            (1004, 6, "a sample"),
            (1005, 6, "A package to look into."),
            (1006, 4, [TIME]),
            (1009, 4, [len(TEXT)]),
            (1014, 6, "MIT"),
            (1037, 4, [0]),
            (1116, 4, [0]),
            (1117, 8, ["sample"]),
            (1118, 8, ["/opt/"]),
        ]
    )
    payload = cpio_entry(1, "./opt/sample", 0o100640, TEXT) + cpio_entry(2, "TRAILER!!!", 0, b"")
    return lead + signature + header + gzip.compress(payload, mtime=0)


def login_record(kind, process, line, user, host, seconds):
    """struct utmp of arm64 (utmp(5))."""
    texts = line.encode(), line[-2:].encode(), user.encode(), host.encode()
    return struct.pack("<hxxi32s4s32s256shhqqq4i20x4x", kind, process, *texts, 0, 0, 0, seconds, 0,
                       *[0] * 4)  # fmt: skip


def logins():
    return (
        login_record(2, 0, "~", "reboot", "6.1", TIME)
        + login_record(7, 70, "hvc7", "root", "", TIME + 60)
        + login_record(7, 71, "pts/9", "user", "far.example", TIME + 120)
        + login_record(8, 71, "pts/9", "", "", TIME + 3720)
    )


def leases():
    """udhcpd's list: when it was written, then one lease."""
    lease = struct.pack(">I4s6s20sxx", 3600, bytes([192, 168, 1, 5]), bytes(range(2, 8)), b"host")
    return struct.pack(">Q", TIME) + lease


def files():
    return {
        "text.xz": lzma.compress(TEXT),
        "text.lzma": lzma.compress(TEXT, format=lzma.FORMAT_ALONE),
        "text.Z": lzw(b"not much to compress\n"),
        "archive.zip": zip_archive(),
        "archive.a": ar_archive([("first", b"one\n"), ("second", b"two!\n")]),
        "sample.deb": debian_package(),
        "sample.rpm": rpm_package(),
        "logins": logins(),
        "leases": leases(),
    }
