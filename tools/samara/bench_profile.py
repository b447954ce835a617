# SPDX-License-Identifier: MIT
"""`samara bench --profile ROW`: where the instructions of one operation go, by function.

QEMU tells of every block of instructions when it translates it (`-d in_asm`) and each time that it
runs (`-d exec,nochain`): a block counts as often as it ran, times its length. The row runs COUNT
times and some thousand times more: the difference between the two is operations alone, without what
starting, preparing and ending costs. Virtual time is instructions as in the table, so that the sum
is the table's figure, but for blocks that a fault or an interrupt left early."""

import bisect
import json
import os
import re
import subprocess
import tempfile
import threading
from collections import Counter
from pathlib import Path

from . import guest, paths, ui
from .errors import SamaraError

BASELINE = Path(__file__).with_name("bench_baseline.json")
COUNT = 100
# The host channel's interrupts come to some ten thousand instructions, in one of the two runs or
# the other: this many of the row's own make nothing of them.
ENOUGH = 2_000_000
ROUNDS = 3  # of the benchmark program: it does each row that often
KERNEL_HALF = 0xFFFF_0000_0000_0000
_END = b"end of trace\n"


class BlockTrace:
    """A pipe that QEMU writes its trace to, and the sums of what came through."""

    def __init__(self, directory: str) -> None:
        self.file = Path(directory) / "trace"
        os.mkfifo(self.file)
        # Held open for writing: the reader's end is ours to tell, not the emulator's.
        self._writer = os.open(self.file, os.O_RDWR)
        self.runs: Counter[int] = Counter()  # of the block that starts there
        self.lengths: dict[int, int] = {}
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def close(self) -> None:
        os.write(self._writer, b"\n" + _END)
        self._reader.join()
        os.close(self._writer)
        self.file.unlink()

    def _read(self) -> None:
        start, length = None, 0  # of the block whose instructions are being listed
        with open(self.file, "rb") as trace:
            for line in trace:
                if line.startswith(b"Trace"):
                    # Trace 0: 0x7f… [cs_base/pc/flags/cflags] symbol
                    self.runs[int(line.split(b"/", 2)[1], 16)] += 1
                elif line.startswith(b"0x"):
                    start = int(line[: line.index(b":")], 16) if start is None else start
                    length += 1
                elif start is not None:
                    # A block is shorter when an interrupt was near: its whole length counts.
                    self.lengths[start] = max(length, self.lengths.get(start, 0))
                    start, length = None, 0
                elif line == _END:
                    return

    def instructions(self, start: int) -> int:
        return self.runs[start] * self.lengths.get(start, 1)


def show(row: str) -> int:
    ui.say(f"tracing {row}")
    with tempfile.TemporaryDirectory() as directory:
        few, name = _trace(directory, row, COUNT)
        more = _enough(name)
        many, _ = _trace(directory, row, COUNT + more)
    functions = _functions(paths.ELF)
    costs: Counter[str] = Counter()
    for start in many.runs:
        extra = many.instructions(start) - few.instructions(start)
        costs[functions(start)] += extra / (more * ROUNDS)
    total = sum(costs.values())
    print(f"{name}: {total:,.0f} instructions an operation")
    for function, cost in costs.most_common():
        if cost >= max(1, total / 1000):
            print(f"{cost:12,.1f}  {cost / total * 100:5.1f} %  {function}")
    return 0


def _enough(name: str) -> int:
    """How often the row runs for ENOUGH instructions, by what it cost when that was stored last."""
    cost = json.loads(BASELINE.read_text()).get(name) or ENOUGH
    return max(2 * COUNT, int(ENOUGH / cost))


def _trace(directory: str, row: str, count: int) -> tuple[BlockTrace, str]:
    trace = BlockTrace(directory)
    try:
        result = guest.run(
            ["/tmp/bench-program", "-n", str(count), row],
            put=[(paths.USER / "bench", "/tmp/bench-program"),
                 (paths.USER / "nothing", "/tmp/bench-nothing")],
            append=["nokaslr"],
            icount=True,
            extra=["-d", "exec,nochain,in_asm", "-D", str(trace.file)],
            timeout=1800.0,
        )
    finally:
        trace.close()
    names = [line.split("\t")[0] for line in result.stdout.decode().splitlines()]
    if result.status != 0:
        raise SamaraError(f"the benchmark failed: {result.problem or result.stderr}", status=1)
    if len(names) != 1:
        raise SamaraError(
            f"--profile {row}: one row, please; its name contains this: {', '.join(names) or '-'}"
        )
    return trace, names[0]


def _functions(elf: Path):
    """Address -> name of the kernel's function; user mode as one."""
    listed = subprocess.run(
        ["llvm-nm-19", "-C", "-n", elf], capture_output=True, text=True, check=True
    )
    # Without what the linker adds to a function that it took out of its file.
    symbols = re.findall(
        r"^([0-9a-f]+) [tTwW] ([^$\n].*?)(?: \(\.llvm\.\d+\))?$", listed.stdout, re.MULTILINE
    )
    starts = [int(address, 16) for address, _ in symbols]

    def function(address: int) -> str:
        if address < KERNEL_HALF:
            return "(user mode)"
        index = bisect.bisect(starts, address) - 1
        return symbols[index][1] if index >= 0 else f"{address:#x}"

    return function
