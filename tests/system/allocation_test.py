#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Runs the programs of tests/abi while the kernel's memory allocations fail, one after the other
# (stress/alloc_sweep.c). The default is a few failures of each program; --sweep is every one of
# them, and takes hours.
#
#     tests/system/allocation_test.py                   a few failures, all programs
#     tests/system/allocation_test.py -k pipe --sweep   all failures of some programs
#     tests/system/allocation_test.py -k pipe --runs 50

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ABI = HERE.parent / "abi"
sys.path.insert(0, str(ABI))
import batch  # noqa: E402

WORK = batch.BUILD / "allocation"
NOT_TESTS = {"driver"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", default="", help="only programs whose name contains this")
    parser.add_argument("--smp", type=int, action="append", help="CPUs (default: 1)")
    parser.add_argument("--kernel", type=Path, help="kernel image to test (default: debug build)")
    parser.add_argument("--runs", type=int, default=3, help="failures of each program")
    parser.add_argument("--seconds", type=int, help="begin no new run of a program after this time")
    parser.add_argument("--sweep", action="store_true", help="every failure of each program")
    parser.add_argument("--first", type=int, default=1, help="with --sweep: the first that fails")
    options = parser.parse_args()

    programs = batch.compile_programs([*sorted(ABI.glob("*.c")), HERE / "stress/alloc_sweep.c"],
                                      WORK / "bin")
    names = [name for name in sorted(programs) if options.k in name and
             name not in NOT_TESTS | {"alloc_sweep"} and not name.startswith("helper_")]
    if not names:
        return 0
    runs = 0 if options.sweep else options.runs
    seconds = options.seconds or (36000 if options.sweep else 2)
    jobs = [batch.Job(name, f"/tests/alloc_sweep /tests/{name} {runs} {seconds} {options.first}",
                      timeout=seconds + 300) for name in names]
    more = [(f"tests/{name}", 0o100755, programs[name].read_bytes()) for name in names]
    passed = failed = 0
    for smp in options.smp or [1]:
        def report(name, outcome):
            nonlocal passed, failed
            good = outcome.result == "exit-0" and outcome.output.endswith(b"ok\n")
            passed, failed = passed + good, failed + (not good)
            text = outcome.output.decode(errors="replace")
            print(f"{'ok' if good else 'not ok'} allocation smp{smp} {name} "
                  f"({outcome.milliseconds / 1000:.1f} s)"
                  + (f": {text.splitlines()[-2]}" if good else ""), flush=True)
            if not good:
                print(f"      {outcome.result}\n      " + text[-8000:].replace("\n", "\n      "))

        boot = batch.Boot(options.kernel or batch.samara_kernel(), smp=smp,
                          timeout=sum(job.timeout for job in jobs) + 60,
                          silence=max(job.timeout for job in jobs) + 30,
                          log=WORK / f"console-smp{smp}.log")
        batch.run_batch(jobs, programs, boot, more, report, boots=len(jobs))
    print(f"system: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
