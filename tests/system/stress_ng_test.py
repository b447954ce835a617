#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Debian's stress-ng on a root on ext4, each stressor by itself in four instances: it must end as it
# does on Linux (passed, failed or skipped), the kernel's log must hold no panic and no warning, and
# after the stressors of a boot the free memory and the objects of each cache must be what they
# were.
#
#     tests/system/stress_ng_test.py                    a sample, one second each
#     tests/system/stress_ng_test.py --sweep            all of the classes, five seconds each
#     tests/system/stress_ng_test.py --sweep -k pipe    those with "pipe" in the name
#     tests/system/stress_ng_test.py --sweep --class vm one class
#     tests/system/stress_ng_test.py --steady           Linux against itself
#
# known_failures.txt names what may fail, as stress_ng_NAME, with a reason each. What Linux said is
# kept in build/stress_ng, under a hash of all that it depends on.

import argparse
import base64
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "abi"))
import batch  # noqa: E402
import run as abi  # noqa: E402
from samara import guest, image_command  # noqa: E402

WORK = batch.BUILD / "stress_ng"
PACKAGES = ["bash", "coreutils", "mount", "procps", "stress-ng", "util-linux"]
SCRIPT = HERE / "guest/stress_ng.sh"
LEAKS = HERE / "guest/leaks.c"
IMAGE_SIZE = 4 << 30
MEMORY = "2G"
LIMIT = 180  # seconds for one stressor: a hang detector
AT_ONCE = 12  # stressors a boot

# Each class's; the signals are in "interrupt". A stressor of several classes is run with the first.
CLASSES = "scheduler interrupt pipe io filesystem vm memory cpu".split()
SAMPLE = "clone cpu dentry futex mmap mremap pipe rename sigq splice timer vm".split()

# What the log may hold while programs do what is wrong on purpose.
HARMLESS = re.compile(
    r"segmentation fault at|bus error at|illegal instruction at|is absent$|out of memory: |"
    r"exception at|trap at|bad system call at|reboot: "
)


@dataclass
class Group:
    """The stressors of one boot, and what is found."""

    name: str
    stressors: list
    outcomes: dict = field(default_factory=dict)
    said: dict = field(default_factory=dict)
    complaints: list = field(default_factory=list)


def verdict(status, said):
    """stress-ng's exit status does not tell all: some fail, or do nothing, and end with 0."""
    if status in ("124", "137"):
        return "hangs"
    if status in ("3", "4") or re.search(r"skipp|No stress workers invoked", said):
        return "skipped"
    return "passed" if status == "0" and "fail:" not in said else "failed"


def complaints_of(log):
    """Nothing but what is harmless may be in the log once the root is there."""
    lines = [re.sub(r"^\[ *[0-9.]+\] ", "", line) for line in log.splitlines()]
    start = next((i for i, line in enumerate(lines) if "mounted filesystem" in line), -1)
    return [line for line in lines[start + 1 :] if line and not HARMLESS.search(line)]


def boot(image, group, left, kernel, seconds):
    """Runs what is left, as far as the kernel comes; True when it came to the end."""
    linux = kernel == "linux"
    command = ["/tests/leaks", "about" if linux else "exact",
               f"/tests/stress_ng /work 1 {LIMIT} sleep fork > /dev/null",
               "/tests/stress_ng", "/work", str(seconds), str(LIMIT), *left]  # fmt: skip
    programs = batch.compile_programs([LEAKS], WORK / "bin")
    result = guest.run(
        command,
        kernel=kernel,
        preset="debug",
        root=image,
        snapshot=True,
        smp=4,
        memory=MEMORY,
        put=[(SCRIPT, "/tests/stress_ng"), (programs["leaks"], "/tests/leaks")],
        timeout=(LIMIT + 10) * (len(left) + 2),
        log=WORK / f"{Path(kernel).name}-{group.name}.log",
    )
    running, leaks = None, None
    for line in result.stdout.decode(errors="replace").splitlines():
        mark, *words = line.split() or [""]
        if mark == "@@start":
            running = words[0]
        elif mark == "@@end":
            name, status, *data = words
            said = base64.b64decode("".join(data)).decode(errors="replace")
            group.outcomes[name] = batch.Outcome(result=verdict(status, said))
            group.said[name] = said
            running = None
        elif mark in ("@@leaks", "@@done"):
            leaks = [] if mark == "@@leaks" else leaks
        elif leaks is not None:
            group.complaints.append(f"leak: {line}")
    if running:
        group.outcomes[running] = batch.Outcome(result="kernel-died")
        group.said[running] = f"{result.problem}\n{result.log[-3000:]}"
    elif result.problem or leaks is None:
        group.complaints.append(f"{result.problem}: {result.stderr.decode(errors='replace')}")
    if not linux:
        group.complaints += complaints_of(result.log)
    return running is None


def run(image, group, kernel, seconds):
    """Every stressor of the group; those after one that took the kernel down get a new boot."""
    left = group.stressors
    while left and not boot(image, group, left, kernel, seconds):
        left = [name for name in left if name not in group.outcomes]
    for name in group.stressors:
        group.outcomes.setdefault(name, batch.Outcome(result="not-run"))


def oracle(image, group, seconds):
    """What Linux makes of each, from the cache where nothing has changed."""
    common = batch.digest(batch.linux_kernel().name, image.name, MEMORY, LIMIT, seconds,
                          SCRIPT.read_bytes())  # fmt: skip
    cache = WORK / "linux"
    cache.mkdir(parents=True, exist_ok=True)

    def place(name):
        return cache / f"{name}-{common}.json"

    if missing := [name for name in group.stressors if not place(name).exists()]:
        fresh = Group(f"linux-{group.name}", missing)
        run(image, fresh, "linux", seconds)
        for name in missing:
            if (result := fresh.outcomes[name].result) not in ("kernel-died", "not-run"):
                place(name).write_text(json.dumps([result, fresh.said[name]]))
    outcomes = {}
    for name in group.stressors:
        result = json.loads(place(name).read_text())[0] if place(name).exists() else "not-run"
        outcomes[name] = batch.Outcome(result=result)
    return outcomes


def members(image):
    """{class: stressors}, as the program itself names them; each stressor once."""
    script = "; ".join(f"stress-ng --class {name}?" for name in CLASSES)
    result = guest.run(["bash", "-c", script], preset="debug", root=image, snapshot=True)
    found, seen = {}, set()
    for name, text in re.findall(r"^class '(\S+)' stressors: (.*)$",
                                 result.stdout.decode(), re.MULTILINE):  # fmt: skip
        found[name] = [word for word in text.split() if word not in seen]
        seen.update(found[name])
    assert list(found) == CLASSES, f"{list(found)}\n{result.stderr.decode()}"
    return found


def chosen(stressors, options):
    return [name for name in stressors if options.k in f"stress_ng {name}"]


def groups(image, options):
    """One after the other, each of at most AT_ONCE stressors of one class."""
    if options.stressor:
        by_class = {"some": options.stressor}
    else:
        by_class = members(image) if options.sweep else {"sample": SAMPLE}
    for name, stressors in by_class.items():
        stressors = chosen(stressors, options)
        if options.classes and name not in options.classes:
            continue
        for part in range(0, len(stressors), AT_ONCE):
            yield Group(f"{name}{part // AT_ONCE}", stressors[part : part + AT_ONCE])


def report(group, expected, known, totals):
    names = {name: f"stress_ng_{name}" for name in group.stressors}
    wanted = {}
    for name, own in names.items():
        # Linux is asked what can be: what passes although Linux fails has passed.
        better = group.outcomes[name].result == "passed"
        wanted[own] = group.outcomes[name] if better else expected[name]
        if group.outcomes[name].key() != wanted[own].key() and own not in known:
            print("      " + group.said.get(name, "").replace("\n", "\n      "))
    actual = {own: group.outcomes[name] for name, own in names.items()}
    counts = list(abi.compare(wanted, actual, known, f"stress-ng {group.name}"))
    label = f"stress-ng {group.name} leaves nothing behind"
    if group.complaints:
        counts[1] += 1
        print(f"not ok {label}\n      " + "\n      ".join(group.complaints[:40]), flush=True)
    else:
        counts[0] += 1
        print(f"ok {label}", flush=True)
    for index, count in enumerate(counts):
        totals[index] += count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", default="", help="only stressors whose name contains this")
    parser.add_argument("--sweep", action="store_true", help="all of the classes, 5 s each")
    parser.add_argument("--class", dest="classes", action="append", help="of these classes")
    parser.add_argument("--kernel", default="samara", help="kernel image to test")
    parser.add_argument("--steady", action="store_true", help="compare Linux with itself")
    parser.add_argument("stressor", nargs="*", help="just these")
    options = parser.parse_args()

    if not (options.sweep or options.stressor or chosen(SAMPLE, options)):
        return 0
    WORK.mkdir(parents=True, exist_ok=True)
    known = abi.known_failures(HERE / "known_failures.txt")
    image = image_command.build(PACKAGES, kind="ext4", size=IMAGE_SIZE, documents=False)
    seconds = 5 if options.sweep else 1
    totals = [0, 0]
    for group in groups(image, options):
        run(image, group, "linux" if options.steady else options.kernel, seconds)
        report(group, oracle(image, group, seconds), known, totals)
    print(f"system: {totals[0]} passed, {totals[1]} failed")
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
