# SPDX-License-Identifier: MIT
"""The figures of `samara bench` that are not one operation's: boot, memory, and what several CPUs
cost each other. All are counted with QEMU's deterministic clock; docs/design/performance.md
explains them."""

import re
from dataclasses import dataclass

from . import guest, ui
from .errors import SamaraError

# Where what is shared would show: with several CPUs these rows cost what they cost with one.
PARALLEL_ROWS = ("8 threads fault in one space", "8 processes fork", "4 pipe pairs, round trip")
# This one needs a second CPU to be there at all.
WAKE_ROW = "wake-up on another CPU"
SMP_ROWS = (*PARALLEL_ROWS, WAKE_ROW)
CPUS = 4
_KIB_OF_64_MIB = 64 << 10


@dataclass
class Line:
    name: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def text(self) -> str:
        return f"{self.value:,.2f}" if self.unit == "times" else f"{self.value:,.0f}"


def show(alone: dict, crowded: dict) -> None:
    """`alone` and `crowded`: what the parallel rows cost with one CPU and with several."""
    boot, larger = _boot("512M"), _boot("8G")
    lines = [
        Line("boot to init, 512 MiB", boot, "instructions", 8_000_000),
        Line("boot to init, more with 8 GiB", larger - boot, "instructions", 1_000_000),
        Line("kernel's memory at a prompt", _kernel_memory(), "KiB", 6 << 10),
        Line("smallest machine with a prompt", _smallest_machine(), "MiB", 16),
    ]
    for name in PARALLEL_ROWS:
        ratio = crowded[name].cost / alone[name].cost
        lines.append(Line(f"{name}: {CPUS} CPUs to one", ratio, "times", 1.3))
    lines.append(Line(f"{WAKE_ROW}, of {CPUS}", crowded[WAKE_ROW].cost, "instructions"))
    width = max(len(line.name) for line in lines)
    print(f"{'figure':{width}}  {'Samara':>14}  {'at most':>14}")
    for line in lines:
        limit = "-" if line.at_most is None else f"{line.at_most:,}"
        print(f"{line.name:{width}}  {line.text:>14}  {limit:>14}    ({line.unit})")


def _prompt(memory: str, command: str) -> guest.Result:
    return guest.run(["busybox", "sh", "-ic", command], memory=memory, tty=True, icount=True)


def _boot(memory: str) -> int:
    ui.say(f"booting with {memory}")
    result = _prompt(memory, "echo ready")
    if result.status != 0 or result.instructions_to_init is None:
        raise SamaraError(f"no boot with {memory}: {result.problem}", status=1)
    return result.instructions_to_init


def _kernel_memory() -> int:
    """KiB of the machine's that are neither free nor a program's page or a file of the root."""
    shown = _prompt("64M", "cat /proc/meminfo").stdout.decode()
    kib = {name: int(value) for name, value in re.findall(r"(\S+): +(\d+) kB", shown)}
    return _KIB_OF_64_MIB - kib["MemFree"] - kib["Cached"] - kib["AnonPages"]


def _smallest_machine() -> int:
    """MiB, from 20 down to where QEMU has no room for its device tree behind the kernel."""
    smallest = 0
    for mebibytes in range(20, 4, -1):
        ui.say(f"booting with {mebibytes}M")
        try:
            result = _prompt(f"{mebibytes}M", "echo ready")
        except SamaraError:
            break
        if result.status != 0 or b"ready" not in result.stdout:
            break
        smallest = mebibytes
    return smallest
