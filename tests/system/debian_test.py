#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Debian's programs, dynamic and unmodified, in a root that `samara image` makes: each script of
# debian/ must print the same on Linux and on Samara and end with the same status. One boot a
# kernel runs all of them.
#
#     tests/system/debian_test.py                       the sample, Samara with 4 CPUs
#     tests/system/debian_test.py -k python --smp 1     those with "python" in the name, 1 CPU
#     tests/system/debian_test.py --sweep               the long ones too, with 1 and with 4 CPUs
#     tests/system/debian_test.py --show -k bash        what Linux prints
#     tests/system/debian_test.py --steady              Linux against itself
#
# known_failures.txt names what may fail, with a reason each: a program, or "PROGRAM:PATTERN", the
# lines of its output that the regular expression finds. What Linux said is kept in build/debian,
# under a hash of all that it depends on.

import argparse
import base64
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "abi"))
import batch  # noqa: E402
import run as abi  # noqa: E402
from samara import guest, image_command  # noqa: E402

SCRIPTS = HERE / "debian"
WORK = batch.BUILD / "debian"
# Of the sample; the long ones want more.
PACKAGES = """bash coreutils findutils grep sed gawk mawk diffutils gzip make python3 perl lua5.4
    sqlite3 git libstdc++6 procps psmisc lsof util-linux util-linux-extra bsdutils bsdextrautils
    mount hostname""".split()
SWEEP_PACKAGES = """tar bzip2 xz-utils zstd file libpython3.11-testsuite gcc g++ libc6-dev tcc
    cmake ninja-build openssl ca-certificates jq ripgrep tmux nodejs age fzf musl musl-tools
    stress-ng""".split()
MEMORY = {"sample": "1G", "sweep": "3G"}  # the root lies in it
# Modules of libpython3.11-testsuite. Of test_eintr, its single tests: itself it is one that runs
# them all.
CPYTHON = """os posix subprocess threading signal mmap select selectors fcntl pty epoll poll
    tempfile resource stat fileio shutil time eintr socketserver""".split()
CPYTHON_FILES = {"eintr": "_test_eintr"}

# How timeout(1) ends for a program that it had to end: no word of Linux's to keep.
TOO_LONG = ["exit-124", "exit-137"]

# Programs of our own that have to be dynamic; compiled here, run there.
COMPILER = ["aarch64-linux-gnu-g++-12", "-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror"]
COMPILED = {
    "library.so": ["library.cc", "-shared", "-fPIC"],
    "program": ["program.cc", "-fPIE", "-pie", "-fnon-call-exceptions"],
    "program_fixed": ["program.cc", "-fno-pie", "-no-pie", "-fnon-call-exceptions"],
}


@dataclass
class Program:
    name: str
    command: str
    seconds: int = 1800  # a hang detector


# Some minutes on two cores, with what Linux says; the rest is for --sweep.
SAMPLE = [
    Program("bash", "/tests/bash.sh"),
    Program("coreutils", "/tests/coreutils.sh"),
    Program("textutils", "/tests/textutils.sh"),
    Program("make", "/tests/make.sh"),
    Program("python", "/tests/python.py"),
    Program("perl", "/tests/perl.pl"),
    Program("lua", "/tests/lua.lua"),
    Program("sqlite", "/tests/sqlite.sh 10000"),
    Program("git", "/tests/git.sh 100"),
    Program("procps", "/tests/procps.sh"),
    Program("dynamic", "/tests/dynamic.sh"),
]

SWEEP = [
    Program("archives", "/tests/archives.sh"),
    Program("node", "/tests/node.js"),
    Program("tools", "/tests/tools.sh"),
    Program("compilers", "/tests/compilers.sh"),
    Program("projects", "/tests/projects.sh"),
    Program("sqlite_100_MB", "/tests/sqlite.sh 110000"),
    Program("git_2000_files", "/tests/git.sh 2000"),
    Program("namespaces", "/tests/namespaces.sh"),
    Program("stress", "/tests/stress.sh 1"),
    Program("stress_sockets", "/tests/stress.sh 1 sock"),
    *(Program(f"cpython_{name}", f"/tests/cpython {CPYTHON_FILES.get(name, f'test_{name}')}")
      for name in CPYTHON),
]


def compile_programs():
    """Where they are; made again when a source is newer."""
    folder = WORK / "dynamic"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (source, *flags) in COMPILED.items():
        target, text = folder / name, SCRIPTS / "dynamic" / source
        if not target.exists() or target.stat().st_mtime < text.stat().st_mtime:
            subprocess.run([*COMPILER, *flags, text, "-o", target, "-pthread"], check=True)
    return folder


@dataclass
class Root:
    image: Path
    memory: str


def make_root(programs):
    """What the sample asks for, or everything."""
    whole = any(program in SWEEP for program in programs)
    packages = PACKAGES + (SWEEP_PACKAGES if whole else [])
    image = image_command.build(packages, kind="cpio", documents=False)
    return Root(image, MEMORY["sweep" if whole else "sample"])


def run(programs, kernel, smp, root):
    """{name: outcome}; what the kernel did not come to is missing."""
    with tempfile.NamedTemporaryFile("w") as listing:
        for program in programs:
            listing.write(f"{program.name} {program.seconds} {program.command}\n")
        listing.flush()
        result = guest.run(
            ["/tests/run"],
            kernel=kernel,
            preset="debug",
            root=root.image,
            smp=smp,
            memory=root.memory,
            env={"CPUS": str(smp)},
            put=[(SCRIPTS, "/tests"), (listing.name, "/tests/list"),
                 (compile_programs(), "/tests/programs")],
            timeout=sum(program.seconds for program in programs) + 120,
            log=WORK / f"{Path(kernel).name}-smp{smp}.log",
        )
    outcomes, running, data = {}, None, ""
    for line in result.stdout.decode(errors="replace").splitlines():
        if line.startswith("@@start "):
            running, data = line.split()[1], ""
        elif line.startswith("@@end "):
            _, name, status, milliseconds = line.split()
            output = base64.b64decode(data)
            outcomes[name] = batch.Outcome(output, f"exit-{status}", int(milliseconds))
            running = None
        else:
            data += line
    if result.problem or running:
        report = f"{result.problem}\n{result.stderr.decode(errors='replace')}\n{result.log[-3000:]}"
        name = running or programs[0].name
        outcomes.setdefault(name, batch.Outcome(report.encode(), "kernel-died"))
    for program in programs:
        outcomes.setdefault(program.name, batch.Outcome(b"", "not-run"))
    return outcomes


def oracle(programs, root):
    """The outcomes on Linux with 4 CPUs, from the cache where nothing has changed."""
    WORK.mkdir(parents=True, exist_ok=True)
    common = batch.digest(batch.linux_kernel().name, root.image.name, root.memory,
                          (SCRIPTS / "run").read_bytes())  # fmt: skip

    def place(program):
        # The script, and what has its name: cpython.py, dynamic/.
        stem = Path(program.command.split()[0]).stem
        own = [path.read_bytes() for path in sorted(SCRIPTS.rglob("*"))
               if path.is_file() and path.relative_to(SCRIPTS).parts[0].split(".")[0] == stem]
        return WORK / f"{program.name}-{batch.digest(common, program.command, *own)}.json"

    if missing := [program for program in programs if not place(program).exists()]:
        for name, outcome in run(missing, "linux", 4, root).items():
            if outcome.result.startswith("exit") and outcome.result not in TOO_LONG:
                program = next(p for p in programs if p.name == name)
                saved = {**vars(outcome), "output": outcome.output.decode("latin-1")}
                place(program).write_text(json.dumps(saved))
            else:
                print(f"      on Linux {name}: {outcome.result}\n{outcome.output.decode()}")
    outcomes = {}
    for program in programs:
        if place(program).exists():
            saved = json.loads(place(program).read_text())
            saved["output"] = saved["output"].encode("latin-1")
            outcomes[program.name] = batch.Outcome(**saved)
        else:
            outcomes[program.name] = batch.Outcome(b"", "not-run")
    return outcomes


def excuse(known, expected, actual):
    """Takes the lines that known_failures.txt excuses out of both sides. Returns how many of its
    entries are not needed any more."""
    needless = 0
    for entry in known:
        program, _, pattern = entry.partition(":")
        if not pattern or program not in expected:
            continue
        excused = []
        for outcomes in (expected, actual):
            lines = outcomes[program].output.splitlines(keepends=True)
            excused.append([line for line in lines if re.search(pattern.encode(), line)])
            rest = b"".join(line for line in lines if not re.search(pattern.encode(), line))
            outcomes[program] = replace(outcomes[program], output=rest)
        if excused[0] == excused[1]:
            needless += 1
            print(f"not ok {entry}: passes now, remove it from known_failures.txt")
    return needless


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", default="", help="only those whose name contains this")
    parser.add_argument("--smp", type=int, action="append", help="CPUs (default: 4)")
    parser.add_argument("--kernel", default="samara", help="kernel image to test")
    parser.add_argument("--sweep", action="store_true", help="the long ones too, 1 and 4 CPUs")
    parser.add_argument("--show", action="store_true", help="print what Linux prints and stop")
    parser.add_argument("--steady", action="store_true", help="compare Linux with itself")
    options = parser.parse_args()

    programs = SAMPLE + (SWEEP if options.sweep else [])
    programs = [program for program in programs if options.k in f"debian {program.name}"]
    if not programs:
        return 0
    root = make_root(programs)
    expected = oracle(programs, root)
    if options.show:
        for name, outcome in expected.items():
            print(f"=== {name}: {outcome.result}, {outcome.milliseconds} ms")
            sys.stdout.write(outcome.output.decode(errors="replace"))
        return 0
    known = abi.known_failures(HERE / "known_failures.txt")
    totals = [0, 0]
    for smp in options.smp or ([1, 4] if options.sweep else [4]):
        actual = run(programs, "linux" if options.steady else options.kernel, smp, root)
        wanted = dict(expected)
        totals[1] += excuse(known, wanted, actual)
        for index, count in enumerate(abi.compare(wanted, actual, known, f"debian smp{smp}")):
            totals[index] += count
    print(f"system: {totals[0]} passed, {totals[1]} failed")
    return 1 if totals[1] else 0


if __name__ == "__main__":
    sys.exit(main())
