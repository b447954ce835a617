#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Ring 3: runs every program of this folder on Linux and on Samara and compares what they print.
#
#     tests/abi/run.py                     all programs, Samara with 1 and 4 CPUs
#     tests/abi/run.py -k pipe --smp 4     the programs with "pipe" in the name, 4 CPUs
#     tests/abi/run.py --show -k pipe      what Linux prints
#     tests/abi/run.py --steady            the programs' own test: Linux three times, 1 and 4 CPUs
#
# known_failures.txt names what may fail, a reason each; a listed program that passes is an error,
# so the list only shrinks.

import argparse
import difflib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import batch  # noqa: E402

WORK = batch.BUILD / "abi"
NOT_TESTS = {"driver"}


def known_failures(path):
    names = {}
    if path.exists():
        for line in path.read_text().splitlines():
            name, _, reason = line.partition(" ")
            if name and not name.startswith("#"):
                names[name] = reason.strip()
    return names


def difference(expected, actual, limit=40):
    lines = [f"      result: linux {expected.result}, here {actual.result}"] \
        if expected.result != actual.result else []
    old = expected.output.decode(errors="replace").splitlines()
    new = actual.output.decode(errors="replace").splitlines()
    for line in list(difflib.unified_diff(old, new, "linux", "here", lineterm="", n=1))[2:limit]:
        lines.append("      " + line)
    return "\n".join(lines)


def compare(expected, actual, known, label):
    """Prints one line a test; returns (passed, failed)."""
    passed = failed = 0
    for name in sorted(expected):
        same = expected[name].key() == actual[name].key()
        if same and name not in known:
            passed += 1
            print(f"ok {label} {name}", flush=True)
        elif same and known[name].startswith("unsteady:"):
            passed += 1
            print(f"ok {label} {name} (listed as unsteady)")
        elif same:
            failed += 1
            print(f"not ok {label} {name}: passes now, remove it from known_failures.txt")
        elif name in known:
            passed += 1
            print(f"known {label} {name}: {known[name]}")
        else:
            failed += 1
            print(f"not ok {label} {name}\n{difference(expected[name], actual[name])}")
    return passed, failed


def steady(jobs, programs):
    """Are the programs themselves deterministic? Linux against Linux, on 1 and on 4 CPUs."""
    base = batch.oracle(jobs, programs, WORK)
    failed = 0
    for smp, repeat in ((4, 1), (1, 2)):
        boot = batch.Boot(batch.linux_kernel(), smp=smp, timeout=1800, log=WORK / "steady.log")
        again = batch.run_batch(jobs, programs, boot)
        failed += compare(base, again, {}, f"linux-smp{smp}-{repeat}")[1]
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", default="", help="only programs whose name contains this")
    parser.add_argument("--smp", type=int, action="append", help="CPUs (default: 1 and 4)")
    parser.add_argument("--kernel", type=Path, help="kernel image to test (default: debug build)")
    parser.add_argument("--show", action="store_true", help="print what Linux prints and stop")
    parser.add_argument("--steady", action="store_true", help="compare Linux with itself")
    parser.add_argument("--fresh", action="store_true", help="forget what Linux printed earlier")
    options = parser.parse_args()

    programs = batch.compile_programs(sorted(HERE.glob("*.c")), WORK / "bin")
    names = [n for n in sorted(programs) if n not in NOT_TESTS and not n.startswith("helper_")]
    exact = [n for n in names if n == options.k]
    names = exact or [n for n in names if options.k in n]
    jobs = [batch.Job(n, f"/tests/{n}") for n in names]
    if not jobs:
        return 0

    expected = batch.oracle(jobs, programs, WORK, fresh=options.fresh)
    for name, outcome in expected.items():
        if outcome.result != "exit-0":
            print(f"note: on Linux {name} ends with {outcome.result}", file=sys.stderr)
    if options.show:
        for name in names:
            print(f"=== {name}: {expected[name].result}, {expected[name].milliseconds} ms")
            sys.stdout.write(expected[name].output.decode(errors="replace"))
        return 0
    if options.steady:
        return 1 if steady(jobs, programs) else 0

    known = known_failures(HERE / "known_failures.txt")
    totals = [0, 0]
    for smp in options.smp or [1, 4]:
        boot = batch.Boot(options.kernel or batch.samara_kernel(), smp=smp, timeout=1800,
                          log=WORK / f"samara-smp{smp}.log")
        actual = batch.run_batch(jobs, programs, boot)
        for index, count in enumerate(compare(expected, actual, known, f"smp{smp}")):
            totals[index] += count
    print(f"abi: {totals[0]} passed, {totals[1]} failed")
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
