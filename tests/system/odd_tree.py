# SPDX-License-Identifier: MIT
"""A tree of files that are hard on whoever carries them, the same every time, and what can be seen
of a tree."""

import os
import random
import stat
from pathlib import Path


def make(top: Path, count: int) -> None:
    """Names of any bytes, of any length; contents, modes and times of all kinds; links."""
    chance = random.Random(7)
    shapes = [b"plain%d", b"sp ace %d", b"new\nline%d", b"\xff\xfe bytes %d", b"-dash%d", b"*%d?",
              b"back\\slash%d", b"\x01%d\x7f", b"\xc3\xa4%d", b"%d" + b"x" * 240]  # fmt: skip
    folders, files = [os.fsencode(top)], []
    for number in range(count // 50):
        # Not too deep: the whole path has to be named from outside.
        folder = chance.choice([f for f in folders if len(f) < 1500])
        folders.append(folder + b"/" + chance.choice(shapes) % number + b"d")
        os.mkdir(folders[-1])
    for number in range(count - count // 50):
        path = chance.choice(folders) + b"/" + chance.choice(shapes) % number
        kind = chance.random()
        if kind < 0.05:
            os.symlink(chance.choice([b"../x", b"/abs/\xff", b"n" * 1000]), path)
        elif kind < 0.08 and files:
            os.link(chance.choice(files), path)
            continue
        else:
            size = 700_000 if number % 1000 == 1 else chance.choice([0, 1, 100, 4096, 9000])
            with open(path, "wb") as file:
                file.write(chance.randbytes(size))
            os.chmod(path, chance.choice([0o644, 0o600, 0o755, 0o444, 0o4755, 0o2711]))
            files.append(path)
        time = chance.randrange(10**18, 17 * 10**17)
        os.utime(path, ns=(time, time), follow_symlinks=False)
    for folder in reversed(folders[1:]):
        time = chance.randrange(10**18, 17 * 10**17)
        os.chmod(folder, chance.choice([0o755, 0o700, 0o1777]))
        os.utime(folder, ns=(time, time))


def look(top: Path, time_unit: int = 1) -> dict:
    """All of a tree that can be seen, its times in units of so many nanoseconds; the names of one
    file are told by its first one."""
    found, first = {}, {}
    for folder, names, files in os.walk(os.fsencode(top)):
        for name in sorted(names + files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            data = first.setdefault(status.st_ino, path[len(os.fsencode(top)) :])
            if stat.S_ISLNK(status.st_mode):
                data = os.readlink(path)
            elif stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                data = Path(os.fsdecode(path)).read_bytes()
            elif stat.S_ISREG(status.st_mode):
                data = (status.st_nlink, Path(os.fsdecode(path)).read_bytes())
            else:
                data = None
            found[path[len(os.fsencode(top)) :]] = (
                status.st_mode,
                status.st_uid,
                status.st_gid,
                status.st_mtime_ns // time_unit,
                data,
            )
    return found
