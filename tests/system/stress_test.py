#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The stress programs of stress/: each says "ok" as its last line when the kernel held. The default
# is a tenth of the full amounts; --sweep runs all of it and takes long.
#
#     tests/system/stress_test.py                       all, Samara with 4 CPUs
#     tests/system/stress_test.py -k regfuzz --smp 1    one of them, 1 CPU
#     tests/system/stress_test.py --kernel linux        are the programs themselves right?

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "abi"))
import batch  # noqa: E402

WORK = batch.BUILD / "stress"

# name, arguments of a short run, arguments of the sweep, seconds allowed (short, sweep), memory
PROGRAMS = [
    ("regfuzz", "1000000 8", "10000000 8", 240, 3600, "512M"),
    ("futex_handover", "200000", "10000000", 240, 7200, "512M"),
    ("fork_storm", "{exact} 1000 64 4", "{exact} 1000 64 40", 240, 1200, "512M"),
    ("epoll_storm", "{exact} 8 4000", "{exact} 16 200000", 240, 3600, "512M"),
    ("inotify_storm", "{exact} 8 20000", "{exact} 16 400000", 240, 3600, "512M"),
    ("sysfuzz", "100000 1", "1000000 7", 400, 7200, "512M"),
    ("memstorm", "5 8", "600 8", 60, 900, "512M"),
    ("cachejit", "20000", "1000000", 240, 3600, "512M"),
    ("preempt", "3", "10", 60, 120, "512M"),
    ("kill_storm", "{exact} 150", "{exact} 5000", 300, 3600, "512M"),
    ("ipc_storm", "{exact} 400", "{exact} 20000", 300, 3600, "512M"),
    ("socket_storm", "{exact} 6 1500", "{exact} 12 60000", 240, 3600, "512M"),
    ("exhaust", "{exact}", "{exact}", 600, 1800, "64M"),
]


def show(job, outcome, smp):
    good = outcome.result == "exit-0" and outcome.output.endswith(b"ok\n")
    print(f"{'ok' if good else 'not ok'} stress smp{smp} {job.name} "
          f"({outcome.milliseconds / 1000:.1f} s)", flush=True)
    if not good:
        text = outcome.output.decode(errors="replace")[-3000:]
        print(f"      {outcome.result}\n      " + text.replace("\n", "\n      "))
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", default="", help="only programs whose name contains this")
    parser.add_argument("--smp", type=int, action="append", help="CPUs (default: 4)")
    parser.add_argument("--kernel", default="samara", help="samara, linux, or an image")
    parser.add_argument("--sweep", action="store_true", help="the full amounts")
    parser.add_argument("--memory", help="of the machine (default: what each program asks for)")
    options = parser.parse_args()

    sources = [*sorted((HERE / "stress").glob("*.c")), HERE.parent / "abi/driver.c",
               HERE.parent / "abi/helper_exec.c"]
    programs = batch.compile_programs(sources, WORK / "bin")
    linux = options.kernel == "linux"
    kernel = {"linux": batch.linux_kernel, "samara": batch.samara_kernel}.get(
        options.kernel, lambda: Path(options.kernel))()
    by_memory = {}
    for name, short, full, short_time, full_time, memory in PROGRAMS:
        if options.k in name:
            words = (full if options.sweep else short).format(exact="" if linux else "exact")
            by_memory.setdefault(options.memory or memory, []).append(
                batch.Job(name, f"/tests/{name} {words}",
                          timeout=full_time if options.sweep else short_time))
    passed = failed = 0
    for smp in options.smp or [4]:
        for memory, jobs in by_memory.items():
            boot = batch.Boot(kernel, smp=smp, memory=memory,
                              timeout=sum(job.timeout for job in jobs) + 60,
                              silence=max(job.timeout for job in jobs) + 30,
                              log=WORK / f"console-smp{smp}-{memory}.log")
            outcomes = batch.run_batch(jobs, programs, boot)
            for job in jobs:
                good = show(job, outcomes[job.name], smp)
                passed, failed = passed + good, failed + (not good)
    if not by_memory:
        return 0
    print(f"system: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
