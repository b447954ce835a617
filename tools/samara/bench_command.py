# SPDX-License-Identifier: MIT
"""`samara bench`: one benchmark program (user/bench) on both kernels, and the table of ratios."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

from . import bench_locks, bench_machine, bench_profile, build_command, guest, paths, ui
from .errors import SamaraError

BASELINE = bench_profile.BASELINE
TOLERANCE = 1.03
# Both rows of Linux run in the same machine. Its page-table isolation and mitigations are switched
# off in the second: the emulated CPU does not need them, and we do not have them.
LINUX_VARIANTS = ((), ("kpti=off", "mitigations=off"))
TIMEOUT = 1800.0


@dataclass
class Figure:
    """What one row costs. `value` is nanoseconds an operation, or bytes a nanosecond."""

    value: float
    unit: str

    @property
    def cost(self) -> float:
        return 1 / self.value if self.unit.startswith("B/") else self.value

    def __str__(self) -> str:
        return f"{self.value:.2f} {self.unit}" if self.value < 100 else f"{self.value:,.0f}"


Figures = dict[str, Figure | None]  # None: the kernel cannot do it


def run(arguments) -> int:
    if arguments.smp != 1 and not arguments.plain:
        raise SamaraError("--smp: instructions are counted with one CPU; add --plain")
    if arguments.profile and (arguments.plain or arguments.against or arguments.json):
        raise SamaraError("--profile: of our own kernel, in instructions, on its own")
    if arguments.save_baseline and (arguments.plain or arguments.pattern):
        raise SamaraError("--save-baseline: the baseline is all rows, in instructions")
    if arguments.locks:
        build_command.ensure(kernel="debug")
        return bench_locks.show()
    build_command.ensure(kernel="release")
    if arguments.profile:
        return bench_profile.show(arguments.profile)
    ours = _measure("samara", (), arguments)
    theirs = None
    if arguments.against:
        theirs = _better([_measure("linux", words, arguments) for words in LINUX_VARIANTS])
    crowded = None
    if not arguments.plain and not arguments.pattern:
        crowded = _measure("samara", (), arguments, bench_machine.SMP_ROWS, bench_machine.CPUS)
    _print_table(ours, theirs, "ns" if arguments.plain else "instructions")
    if crowded:
        bench_machine.show(ours, crowded)
    if arguments.json:
        _write_json(Path(arguments.json), ours, theirs)
    if arguments.save_baseline:
        values = {name: round(figure.cost, 4) for name, figure in ours.items() if figure}
        BASELINE.write_text(json.dumps(values, indent=1) + "\n")
        return 0
    return 0 if arguments.plain else _compare_with_baseline(ours)


def _measure(
    kernel: str, words: tuple[str, ...], arguments, rows: tuple[str, ...] = (), smp: int = 0
) -> Figures:
    ui.say(f"measuring {' '.join((kernel, *words))}" + (f", {smp} CPUs" if smp else ""))
    program, nothing = paths.USER / "bench", paths.USER / "nothing"
    asked = rows or ((arguments.pattern,) if arguments.pattern else ())
    if arguments.quick:
        asked = ("-q", *asked)
    result = guest.run(
        ["/tmp/bench-program", *asked],
        kernel=kernel,
        root=arguments.root,
        put=[(program, "/tmp/bench-program"), (nothing, "/tmp/bench-nothing")],
        append=words,
        smp=smp or arguments.smp,
        icount=not arguments.plain,
        timeout=TIMEOUT,
    )
    if result.status != 0:
        said = result.problem or result.stderr.decode(errors="replace").strip()
        raise SamaraError(f"the benchmark failed on {kernel}: {said}", status=1)
    return parse(result.stdout.decode(), plain=arguments.plain)


def parse(output: str, *, plain: bool) -> Figures:
    """The program's lines. Without --plain a nanosecond is an instruction."""
    figures: Figures = {}
    for line in output.splitlines():
        name, value, *unit = line.split("\t")
        if value == "absent":
            figures[name] = None
        else:
            shown = unit[0] if plain else unit[0].replace("ns", "i")
            figures[name] = Figure(int(value) / 100, shown)
    return figures


def _better(measured: list[Figures]) -> Figures:
    """Of each row the figure that costs least."""
    best: Figures = {}
    for figures in measured:
        for name, figure in figures.items():
            known = best.get(name)
            if known is None or (figure is not None and figure.cost < known.cost):
                best[name] = figure
    return best


def _print_table(ours: Figures, theirs: Figures | None, unit: str) -> None:
    width = max(map(len, ours), default=0)
    head = f"{'operation':{width}}  {'Samara':>14}"
    print(head + ("" if theirs is None else f"  {'Linux':>14}  {'ratio':>6}") + f"    ({unit})")
    ratios = []
    for name, figure in ours.items():
        line = f"{name:{width}}  {str(figure or 'absent'):>14}"
        if theirs is not None:
            other = theirs.get(name)
            line += f"  {str(other or 'absent'):>14}"
            if figure and other:
                ratios.append(figure.cost / other.cost)
                line += f"  {ratios[-1]:6.2f}"
        print(line)
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"{'geometric mean':{width}}  {'':>14}  {'':>14}  {mean:6.2f}")


def _write_json(file: Path, ours: Figures, theirs: Figures | None) -> None:
    kernels = {"samara": ours, "linux": theirs}
    rows = {
        kernel: {name: figure and [figure.value, figure.unit] for name, figure in figures.items()}
        for kernel, figures in kernels.items()
        if figures is not None
    }
    file.write_text(json.dumps(rows, indent=1) + "\n")


def _compare_with_baseline(ours: Figures) -> int:
    if not BASELINE.exists():
        return 0
    baseline = json.loads(BASELINE.read_text())
    worse = 0
    for name, figure in ours.items():
        before = baseline.get(name)
        if before is None:
            continue
        if figure is None or figure.cost > before * TOLERANCE:
            worse += 1
            change = "absent" if figure is None else f"{(figure.cost / before - 1) * 100:+.1f} %"
            ui.warn(f"{name}: {change} against the baseline")
    return 1 if worse else 0
