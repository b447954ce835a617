#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Debian's busybox on both kernels: every command line of busybox.txt, and the plays of interactive/
# on a pseudo terminal inside the guest, must print the same and end with the same status.
#
#     tests/system/busybox_test.py                      all, Samara with 4 CPUs
#     tests/system/busybox_test.py -k text --smp 1      those with "text" in the name, 1 CPU
#     tests/system/busybox_test.py --show -k vi_edit    what Linux prints
#     tests/system/busybox_test.py --steady             Linux against itself
#
# known_failures.txt names what may fail, with a reason each; the list may only shrink. Every applet
# of the binary must be run by a line or a play, or stand in busybox_left_out.txt with the reason.

import argparse
import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "abi"))
import batch  # noqa: E402
import fixtures  # noqa: E402
import run as abi  # noqa: E402
from samara import rootfs  # noqa: E402

WORK = batch.BUILD / "busybox"


def command_lines(path):
    """{name: text}: the name is the section's and a number."""
    lines, section, name = {}, "lines", None
    for line in path.read_text().splitlines():
        if line.startswith("##"):
            section, count = re.sub(r"\W+", "_", line.strip("# ")), 0
        elif line.startswith("  "):
            lines[name] += "\n" + line[2:]
        elif line.strip() and not line.startswith("#"):
            count += 1
            name = f"{section}_{count:02}"
            lines[name] = line
    return lines


def table():
    """The jobs, and the files of the initramfs that they need."""
    jobs, files = [], [("tests/lines", 0o40755, b""), ("tests/plays", 0o40755, b"")]
    data = {f"tests/data/{name}": data for name, data in fixtures.files().items()}
    files += [("tests/data", 0o40755, b""), *((path, 0o100644, data[path]) for path in data)]
    for name, text in command_lines(HERE / "busybox.txt").items():
        files.append((f"tests/lines/{name}", 0o100755, text.encode() + b"\n"))
        # As arguments the files that it reads are part of what the saved outcome depends on.
        reads = " ".join(f"/{path}" for path in data if f"/{path}" in text)
        jobs.append(batch.Job(name, f"/bin/sh /tests/lines/{name} {reads}".rstrip()))
    for play in sorted((HERE / "interactive").glob("*.play")):
        files.append((f"tests/plays/{play.stem}", 0o100644, play.read_bytes()))
        jobs.append(batch.Job(play.stem, f"/tests/ptyplay /tests/plays/{play.stem}"))
    return jobs, files


# What may stand before a command and is one itself, or a word of the shell.
BEFORE_A_COMMAND = set("""! do else elif env exec if nice nohup run setsid sh -c -exec then time
    timeout until while xargs { busybox""".split())


def commands(text):
    """The words of a script that stand where a command's name does; some others with them."""
    found, expected = set(), True
    for word in re.findall(r"\n|[;|&(){}`'\"]|[^\s;|&(){}`'\"]+", text):
        if expected:
            found.add(word)
        follows = expected and word[0] in "-0123456789"  # timeout -s INT 1 command
        expected = (follows or word in BEFORE_A_COMMAND or "=" in word
                    or not word.strip("\n;|&(){}`'\""))
    return found


def coverage():
    """What is wrong with the applets as they are tested and listed."""
    applets = {Path(path).name for path in rootfs.busybox_applets(batch.busybox())}
    tested = set()
    for text in command_lines(HERE / "busybox.txt").values():
        tested |= commands(text)
    for play in (HERE / "interactive").glob("*.play"):
        for line in play.read_text().splitlines():
            tested |= commands(line.removeprefix("type "))
    left_out = set(abi.known_failures(HERE / "busybox_left_out.txt"))
    return [
        *(f"{name} is neither tested nor left out" for name in sorted(applets - tested - left_out)),
        *(f"{name} is both tested and left out" for name in sorted(tested & left_out)),
        *(f"{name} is left out and no applet" for name in sorted(left_out - applets)),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", default="", help="only those whose name contains this")
    parser.add_argument("--smp", type=int, action="append", help="CPUs (default: 4)")
    parser.add_argument("--kernel", type=Path, help="kernel image to test (default: debug build)")
    parser.add_argument("--show", action="store_true", help="print what Linux prints and stop")
    parser.add_argument("--steady", action="store_true", help="compare Linux with itself")
    parser.add_argument("--sweep", action="store_true", help="with 1 and with 4 CPUs")
    options = parser.parse_args()

    sources = [*sorted((HERE / "guest").glob("*.c")), HERE.parent / "abi/driver.c"]
    programs = batch.compile_programs(sources, WORK / "bin")
    jobs, files = table()
    jobs = [job for job in jobs if options.k in job.name]
    if not jobs:
        return 0
    expected = batch.oracle(jobs, programs, WORK, more=files)
    if options.show:
        for job in jobs:
            outcome = expected[job.name]
            print(f"=== {job.name}: {outcome.result}, {outcome.milliseconds} ms")
            sys.stdout.write(outcome.output.decode(errors="replace"))
        return 0

    known = abi.known_failures(HERE / "known_failures.txt")
    totals = [0, 0]
    for job in jobs:
        if not expected[job.name].result.startswith(("exit", "signal")):
            totals[1] += 1
            print(f"not ok busybox {job.name}: on Linux {expected[job.name].result}")
    if not options.k:
        wrong = coverage()
        totals[bool(wrong)] += 1
        print("\n      ".join([("not ok" if wrong else "ok") + " busybox applets", *wrong]))
    for smp in options.smp or ([1, 4] if options.steady or options.sweep else [4]):
        kernel = batch.linux_kernel() if options.steady else options.kernel or batch.samara_kernel()
        boot = batch.Boot(kernel, smp=smp, timeout=1200, log=WORK / f"console-smp{smp}.log")
        actual = batch.run_batch(jobs, programs, boot, more=files)
        for index, count in enumerate(abi.compare(expected, actual, known, f"busybox smp{smp}")):
            totals[index] += count
    print(f"system: {totals[0]} passed, {totals[1]} failed")
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
