# SPDX-License-Identifier: MIT
"""`samara bench --locks`: which locks several CPUs wait for in the parallel rows. The debug kernel
counts, by rank, how often a lock was taken and how often somebody had to wait for it
(kernel/sync/lock_counters.h); here the CPUs run at once, each on a thread of QEMU's, as they do
not when instructions are counted. What a host that is busy with other things does to a holder is
counted as well: a rank that is waited for now and then, more or less the same on every row, is
that."""

from . import bench_machine, guest, paths
from .errors import SamaraError

COUNT = 400
_MARK = "-- "


def show() -> int:
    program = "/tmp/bench-program"
    commands = ["cat /proc/lock_counts"]
    for row in bench_machine.PARALLEL_ROWS:
        commands.append(f"echo '{_MARK}{row}'; {program} -n {COUNT} '{row}' >/dev/null")
        commands.append("cat /proc/lock_counts")
    result = guest.run(
        ["sh", "-ec", "\n".join(commands)],
        preset="debug",
        put=[(paths.USER / "bench", program)],
        smp=bench_machine.CPUS,
        timeout=1800.0,
    )
    if result.status != 0:
        said = result.problem or result.stderr.decode(errors="replace").strip()
        raise SamaraError(f"the benchmark failed: {said}", status=1)
    before, *parts = result.stdout.decode().split(_MARK)
    counts = _parse(before)
    for part in parts:
        row, shown = part.split("\n", 1)
        after = _parse(shown)
        _print_row(row, counts, after)
        counts = after
    return 0


Counts = dict[str, tuple[int, int]]  # rank -> taken, waited for


def _parse(text: str) -> Counts:
    lines = [line.split() for line in text.splitlines()]
    return {rank: (int(taken), int(waited)) for rank, taken, waited in lines}


def _print_row(row: str, before: Counts, after: Counts) -> None:
    added = []
    for rank, (taken, waited) in after.items():
        taken_before, waited_before = before.get(rank, (0, 0))
        added.append((waited - waited_before, taken - taken_before, rank))
    print(f"{row}, {bench_machine.CPUS} CPUs: {sum(taken for _, taken, _ in added):,} locks taken")
    print(f"{'rank':24}  {'taken':>10}  {'waited':>8}  {'share':>7}")
    for waited, taken, rank in sorted(added, reverse=True):
        if waited != 0:
            print(f"{rank:24}  {taken:10,}  {waited:8,}  {waited / taken * 100:5.2f} %")
