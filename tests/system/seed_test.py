#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The small profile (docs/audit.md): how large it is, what it is made of, and that what a bootstrap
needs runs in it. The limits may only be lowered.

    tests/system/seed_test.py [-k NAME]"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import BUILD, ROOT, Suite, equal

from samara import loc_command
from samara.child import die_with_parent

LIMIT = 1800  # seconds: a hang detector
MOST_LINES = 30_000
MOST_BYTES = 320_000
# What the image is made of beside kernel/: a library, and what comes with the compilers.
NOT_OURS = ("build/deps/dtc/libfdt/", "/usr/aarch64-linux-gnu/include/c++/", "/usr/lib/")

SCRIPT = r"""
trap 'echo told' USR1
for n in 3 1 2; do (echo $n; exit $n) & done | sort
(exit 7) & wait $!; echo $?
kill -USR1 $$
mkdir -p /tmp/a/b && cd /tmp/a && printf 'one\ntwo\n' > b/c && ln -s b/c d && mv b/c b/e && ls -R
cat d 2>/dev/null || echo gone
seq 20000 | tail -n 1
[ "$(yes | head -c 300000 | wc -c)" = 300000 ] && echo pipe
find / -xdev -name busybox | while read found; do cmp $found /bin/busybox && echo same; done
exit 9
"""
SAID = "1\n2\n3\n7\ntold\n.:\nb\nd\n\n./b:\ne\ngone\n20000\npipe\nsame\n"
SORTED = hashlib.sha256(b"a\nb\nc\n").hexdigest()


def samara(*arguments: str, **more) -> subprocess.CompletedProcess:
    return subprocess.run([ROOT / "samara", *arguments], capture_output=True, text=True,
                          timeout=LIMIT, preexec_fn=die_with_parent(), **more)  # fmt: skip


def build() -> Path:
    done = samara("build", "--quiet", "--profile", "seed")
    equal((done.returncode, done.stderr[-3000:]), (0, ""))
    return BUILD / "seed"


def test_size():
    where = build()
    lines = sum(loc_command.count(where.resolve()).values())
    size = (where / "Image").stat().st_size
    assert lines <= MOST_LINES and size <= MOST_BYTES, f"{lines} lines, {size} bytes"


def test_one_library():
    where = build().resolve()
    others = set()
    for path in loc_command.files_read(where):
        # What the build makes itself: objects, the vDSO.
        if not path.is_relative_to(ROOT / "kernel") and not path.is_relative_to(where):
            others.add(str(path))
    deps = str((BUILD / "deps").resolve())
    strange = [
        path
        for path in others
        if path.endswith((".c", ".cc", ".h", ".S"))
        and not path.replace(deps, "build/deps").startswith(NOT_OURS)
    ]
    equal(strange, [])


def test_shell():
    build()
    done = samara("run", "--no-build", "--profile", "seed", "--", "sh", "-c", SCRIPT)
    equal((done.returncode, done.stdout), (9, SAID))


def test_stage():
    build()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "words").write_text("b\na\nc\n")
        (place / "plan.toml").write_text(f"""
[[stage]]
name = "sort"
script = "sort /in/words >/out/sorted"
inputs = {{ "/in/words" = "words" }}
outputs = {{ "/out/sorted" = "{SORTED}" }}
""")
        done = samara("stage", "--no-build", "--profile", "seed", "-o", str(place / "out"),
                      str(place / "plan.toml"))  # fmt: skip
        equal((done.returncode, (place / "out/sort/out/sorted").read_text()), (0, "a\nb\nc\n"))


if __name__ == "__main__":
    sys.exit(Suite("seed", globals()).main())
