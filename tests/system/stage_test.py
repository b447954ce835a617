#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`samara stage`: plans that go well, on both kernels, and everything that can go wrong with one.

    tests/system/stage_test.py [-k NAME]"""

import contextlib
import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import ROOT, SWEEP, Skip, Suite, equal

from samara.child import die_with_parent
from samara.stage.store import KEPT

LIMIT = 3600 if SWEEP else 900  # seconds: a hang detector
MEMORY = "137M"  # nobody else's: so machines that were left behind are found
WORDS = b"b\na\nc\n"
HASH = hashlib.sha256(b"a\nb\nc\n").hexdigest()
SORT = f"""
[[stage]]
name = "sort"
memory = "{MEMORY}"
script = "sort /in/words >/out/sorted; echo done"
inputs = {{ "/in/words" = "words" }}
outputs = {{ "/out/sorted" = "{HASH}" }}
"""


@contextlib.contextmanager
def folder(plan: str):
    """A directory with the plan and its input."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / "words").write_bytes(WORDS)
        (place / "plan.toml").write_text(plan)
        yield place


def command(place: Path, *options: str) -> list[str]:
    return [str(ROOT / "samara"), "stage", "--no-build", "-o", str(place / "out"),
            str(place / "plan.toml"), *options]  # fmt: skip


def stage(place: Path, *options: str, **more) -> subprocess.CompletedProcess:
    more.setdefault("preexec_fn", die_with_parent())
    done = subprocess.run(command(place, *options), capture_output=True, text=True, timeout=LIMIT,
                          **more)  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def fails(plan: str, said: str, *options: str, status: int = 1, **more) -> str:
    """Runs it; it ends with `status` and says so, and no output has its final name."""
    with folder(plan) as place:
        done = stage(place, *options, **more)
        equal(done.returncode, status)
        assert said in done.stderr, done.stderr
        left = [p for p in (place / "out").rglob("*") if p.is_file() and p.suffix != ".log"]
        equal([path.name for path in left if path.name != ".lock"], [])
        equal(machines(), [])
        return done.stderr


def machines() -> list[int]:
    """Processes of QEMU that a test of this file started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_bytes().split(b"\0")
            if b"qemu" in words[0] and MEMORY.encode() in words:
                found.append(int(entry.parent.name))
    return found


# What goes well.


def test_outputs_are_inputs_of_later_stages():
    count = f"""
[[stage]]
name = "count"
memory = "{MEMORY}"
command = ["wc", "-l", "/in/sorted"]
inputs = {{ "/in/sorted" = "@sort/out/sorted" }}
"""
    with folder(SORT + count) as place:
        done = stage(place)
        equal(done.returncode, 0)
        equal((place / "out/sort/out/sorted").read_text(), "a\nb\nc\n")
        equal((place / "out/sort.samara.log").read_text(), "done\n")
        equal((place / "out/count.samara.log").read_text(), "3 /in/sorted\n")
        equal(sorted(path.name for path in (place / "out").iterdir()),
              [".lock", "count.samara.log", "sort", "sort.samara.log"])  # fmt: skip


def test_what_has_not_changed_is_kept():
    salt = f"# {os.getpid()} {time.time()}"
    plan = SORT.replace("echo done", f"echo done {salt}")
    with folder(plan) as place:
        assert " kept " not in stage(place).stderr
        (place / "out/sort/out/sorted").unlink()
        again = stage(place)
        assert " kept " in again.stderr, again.stderr
        equal((place / "out/sort/out/sorted").read_text(), "a\nb\nc\n")
        assert " kept " not in stage(place, "--force").stderr
        (place / "words").write_bytes(WORDS + b"d\n")
        changed = stage(place)
        equal(changed.returncode, 1)
        assert " kept " not in changed.stderr, changed.stderr


def test_both_kernels_give_the_same():
    with folder(SORT) as place:
        done = stage(place, "--compare", "--force")
        equal(done.returncode, 0)
        assert "same on both" in done.stderr, done.stderr


# What is otherwise another each time.
TELL_TALE = f"""
[[stage]]
name = "tell"
memory = "{MEMORY}"
script = '''
mkdir /out; cd /out; date; uname -a; echo $$; cat /proc/uptime /proc/self/maps; mktemp
head -c 100 /dev/urandom >random; date >date; find / -xdev >files
find . -type f | cpio -o -H newc >/archive; mv /archive archive'''
outputs = {{ "/out" = "?" }}
"""


def test_a_deterministic_stage_gives_the_same_again():
    salt = f"salt {os.getpid()} {time.time()}"
    with folder(TELL_TALE.replace("mkdir", f"echo {salt}; mkdir")) as place:
        first, second = (stage(place, "--learn", "--force") for _ in range(2))
        equal((first.returncode, second.returncode), (0, 0))
        equal(second.stdout, first.stdout)
        found = re.search(r"tell +[0-9.]+ s +([0-9,]+)  learned", first.stderr)
        assert found and f" {found[1]}  learned" in second.stderr, first.stderr + second.stderr
        # As if the first had taken an instruction more.
        count = found[1].replace(",", "")
        kept = next(path for path in KEPT.glob("*/outcome.json") if salt in path.read_text())
        kept.write_text(kept.read_text().replace(count, f"{int(count) + 1}"))
        third = stage(place, "--learn", "--force")
        equal(third.returncode, 1)
        said = f"it took {count} instructions, the last time {int(count) + 1}"
        assert said in third.stderr, third.stderr
        # Without that promise it is another stage.
        plain = stage(place, "--learn", "--no-deterministic")
        equal(plain.returncode, 0)
        assert "not counted" in plain.stderr and plain.stdout != first.stdout, plain.stderr


def test_a_difference_is_found():
    plan = f"""
[[stage]]
name = "who"
memory = "{MEMORY}"
script = "mkdir -p /out/d; echo same >/out/a; uname -v >/out/d/b"
outputs = {{ "/out" = "?" }}
"""
    said = fails(plan, "samara and linux differ in /out/d/b", "--compare", "--learn")
    assert "differ in /out/a" not in said


def test_directories_are_hashed_as_sha256sum_does():
    plan = f"""
[[stage]]
name = "tree"
memory = "{MEMORY}"
script = '''
mkdir -p /out/b
echo 1 >/out/b/x; echo 2 >/out/a; echo 3 >/out/b.c
cd /out; find . -type f | sort | xargs sha256sum >/list; sha256sum </list | cut -c1-64'''
outputs = {{ "/out" = "?" }}
"""
    with folder(plan) as place:
        done = stage(place, "--learn", "--force")
        equal(done.returncode, 0)
        printed = done.stdout.split('"')[3]
        equal((place / "out/tree.samara.log").read_text(), printed + "\n")
        plan = plan.replace('"?"', f'"{printed}"')
        (place / "plan.toml").write_text(plan)
        equal(stage(place).returncode, 0)


# The plans that come with Samara, but for their hashes, which are those of a day's packages.


def compare_plan(name: str) -> dict[str, bytes]:
    """Runs it on both kernels; its outputs by STAGE/PATH."""
    with tempfile.TemporaryDirectory() as scratch:
        plans = Path(scratch) / "plans"
        shutil.copytree(ROOT / "plans", plans)
        (plans / name / "plan.toml").rename(plans / name / "hashed.toml")
        text = (plans / name / "hashed.toml").read_text()
        (plans / name / "plan.toml").write_text(re.sub('"[0-9a-f]{64}"', '"?"', text))
        done = stage(plans / name, "--compare", "--learn")
        assert done.returncode == 0, done.stderr
        out = plans / name / "out"
        return {os.fspath(path.relative_to(out)): path.read_bytes()
                for path in out.rglob("*") if path.is_file()}  # fmt: skip


def test_plan_hello():
    equal(compare_plan("hello")["run/out/said"], b"hello, reproducible world\n")


def test_plan_tcc():
    given = compare_plan("tcc")
    equal(given["tcc2/out/tcc"], given["tcc3/out/tcc"])
    said = b"hello, reproducible world\n-3074457345618258602 "
    assert given["programs/out/said"].startswith(said), given["programs/out/said"]


def test_plan_mescc_tools():
    given = compare_plan("mescc-tools")
    equal(given["programs/out/said"], b"hello, assembled world\n")
    equal(given["programs/out/hex0-by-itself"], given["programs/out/hex0"])
    expected = (ROOT / "plans/mescc-tools/hex0.hex0").read_text()
    digits = "".join(line.partition("#")[0] for line in expected.splitlines())
    equal(given["programs/out/hex0"], bytes.fromhex(digits))


def test_plan_musl():
    if not SWEEP:
        raise Skip("a quarter of an hour: --sweep")
    objects = [name for name in compare_plan("musl") if name.endswith(".o")]
    assert len(objects) >= 1200, len(objects)


# What goes wrong.


def test_wrong_hash():
    fails(SORT.replace(HASH, "0" * 64), f"sha256\n  {HASH}, not\n  {'0' * 64}")


def test_unknown_hash():
    fails(SORT.replace(HASH, "?"), "no sha256 for /out/sorted")


def test_missing_input():
    fails(SORT.replace('"words"', '"nothing"'), "no input at", status=2)


def test_missing_output():
    fails(SORT.replace(">/out/sorted", ">/dev/null"), "/out/sorted: No such file or directory")


def test_command_that_fails():
    said = fails(SORT.replace("echo done", "echo why >&2; exit 3"), "ended with status 3")
    assert "  | why\n" in said, said


def test_command_that_is_not_there():
    fails(SORT.replace('script = "', 'command = ["/none"]\n#'), "cannot run /none")


def test_stage_that_hangs():
    # Sleeping would cost a deterministic machine no time.
    plan = SORT.replace("echo done", "echo before; while :; do :; done") + "timeout = 20\n"
    assert "  | before\n" in fails(plan, "time limit of 20 s reached")


def test_machine_that_ends_early():
    fails(SORT.replace("echo done", "poweroff -f; sleep 100"), "machine ended before")


def test_full_disk_in_the_guest():
    fails(SORT.replace("sort /in", "dd bs=1M if=/dev/zero of=/full; sort /in"), "No space left")


def test_host_that_cannot_store_an_output():
    die = die_with_parent()

    def limit():
        die()
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20))  # an initramfs is less

    plan = SORT.replace("sort /in/words", "head -c 12000000 /dev/zero")
    fails(plan, "File too large", preexec_fn=limit)


def test_killed_at_any_time():
    with folder(SORT) as place:
        for tenths in (1, 3, 5, 8, 12, 17):
            process = subprocess.Popen(command(place, "--force"), stderr=subprocess.DEVNULL,
                                       preexec_fn=die_with_parent())  # fmt: skip
            time.sleep(tenths / 10)
            process.send_signal(signal.SIGKILL)
            process.wait()
            output = place / "out/sort/out/sorted"
            assert not output.exists() or output.read_text() == "a\nb\nc\n"
            deadline = time.monotonic() + 30
            while machines() and time.monotonic() < deadline:
                time.sleep(0.05)
            equal(machines(), [])
        equal(stage(place, "--force").returncode, 0)
        equal(sorted(path.name for path in (place / "out").iterdir()),
              [".lock", "sort", "sort.samara.log"])  # fmt: skip


def test_interrupted():
    with folder(SORT.replace("echo done", "while :; do :; done")) as place:
        process = subprocess.Popen(command(place, "--force"), stderr=subprocess.PIPE, text=True,
                                   preexec_fn=die_with_parent())  # fmt: skip
        while not machines() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        assert "Traceback" not in said, said
        equal((process.returncode, machines()), (130, []))
        equal([path.name for path in (place / "out").iterdir()], [".lock"])


def test_plans_that_are_wrong():
    for wrong, said in [
        ("", "no [[stage]]"),
        ("[[stage]", "plan.toml: "),
        (SORT + SORT, "stage sort: its name must be its own"),
        (SORT + "roots = 'x'", "unknown: roots"),
        (SORT + "smp = 'x'", "smp = 'x' is of no use"),
        (SORT + "packages = ['a']\nroot = 'b'", "a root or packages, not both"),
        (SORT + "root = 'none.cpio'", "no initramfs or disk image"),
        (SORT.replace("script", "#"), "command is missing"),
        (SORT.replace("/in/words\" =", "in/words\" ="), "absolute"),
        (SORT.replace('"words"', '"@before/out"'), "no earlier stage gives @before/out"),
        (SORT.replace(HASH, "123"), "64 hexadecimal digits"),
        (SORT.replace("/out/sorted\" =", "/out/../x\" ="), "without .."),
    ]:
        fails(wrong, said, status=2)
    fails("x" * 3, "plan.toml", "--smp", "1", status=2)


if __name__ == "__main__":
    sys.exit(Suite("stage", globals()).main())
