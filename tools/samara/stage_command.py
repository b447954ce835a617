# SPDX-License-Identifier: MIT
"""`samara stage PLAN`: runs a plan's stages one after the other, checks what each gives against the
plan's hashes, and with --compare against what Linux gives."""

import os
from contextlib import ExitStack
from pathlib import Path

from . import build_command, locks, profiles, ui
from .errors import SamaraError
from .stage import hashes, plan as plans, runner, store
from .stage.plan import UNKNOWN, Plan, Stage

_FAILED = 1
_TAIL = 20  # lines of a transcript that are shown when its stage fails


class _Row:
    """One line of the table at the end."""

    def __init__(self, stage: Stage):
        self.stage = stage
        self.times: list[str] = []
        self.instructions: int | None = None  # of our kernel, in a deterministic run
        self.result = "not run"


def run(arguments) -> int:
    plan = plans.load(Path(arguments.plan))
    preset = profiles.preset("release", arguments.profile)
    kernels = ["samara", "linux"] if arguments.compare else [arguments.kernel]
    if "samara" in kernels and not arguments.no_build:
        build_command.ensure(kernel=preset)
    output = Path(arguments.output or f"{plan.path.stem}.out")
    settings = runner.Settings(output, arguments.smp, arguments.force,
                               not arguments.no_deterministic, preset)  # fmt: skip
    if arguments.verbose:
        settings.echo = lambda data: os.write(2, data)
    rows = [_Row(stage) for stage in plan.stages]
    output.mkdir(parents=True, exist_ok=True)
    with locks.one_at_a_time(output / ".lock", f"run into {output}"), ExitStack() as stack:
        places = {kernel: stack.enter_context(store.scratch(output)) for kernel in kernels}
        try:
            good = _run_stages(plan, rows, places, settings, arguments)
        finally:
            _print_table(rows, kernels)
    return 0 if good else _FAILED


def _run_stages(plan: Plan, rows: list[_Row], places, settings, arguments) -> bool:
    given: dict[str, dict[str, Path]] = {kernel: {} for kernel in places}
    with ui.Progress("stages", len(rows)) as progress:
        for number, row in enumerate(rows, 1):
            stage = row.stage
            ui.say(f"[{number}/{len(rows)}] {stage.name}")
            row.result = "failed"
            outcomes = {}
            for kernel, place in places.items():
                into = place / stage.name
                into.mkdir()
                outcome = runner.run(plan, stage, kernel, given[kernel], settings, into)
                outcomes[kernel] = outcome
                row.instructions = row.instructions or outcome.instructions
                row.times.append("kept" if outcome.kept else f"{outcome.seconds:.1f} s")
                given[kernel][stage.name] = outcome.files
                _write_transcript(settings.output, stage, kernel, outcome)
                wrong = outcome.problem or _wrong_hash(stage, outcome, arguments.learn)
                if wrong:
                    _explain(settings.output, stage, kernel, outcome, wrong)
                    return False
            if wrong := _difference(stage, outcomes):
                ui.error(f"stage {stage.name}: {wrong}")
                return False
            first = next(iter(outcomes.values()))
            store.publish(first.files, list(stage.outputs), settings.output / stage.name)
            row.result = "same on both" if len(outcomes) > 1 else "as planned"
            if arguments.learn:
                _print_hashes(stage, first)
                row.result = "learned"
            progress.advance(label=stage.name)
    return True


def _wrong_hash(stage: Stage, outcome: store.Outcome, learn: bool) -> str | None:
    for path, expected in stage.outputs.items():
        found = outcome.hashes[path]
        if expected == UNKNOWN and not learn:
            return f"the plan has no sha256 for {path} (--learn prints it)"
        if expected not in (found, UNKNOWN):
            return f"output {path} has sha256\n  {found}, not\n  {expected}"
    return None


def _difference(stage: Stage, outcomes: dict[str, store.Outcome]) -> str | None:
    """Byte for byte, though the hashes say so already: they are what is in question."""
    first, *others = outcomes.values()
    for other in others:
        for path in stage.outputs:
            one, two = (o.files / path.lstrip("/") for o in (first, other))
            if name := _first_difference(one, two):
                where = os.path.normpath(os.path.join(path, name))
                return f"{' and '.join(outcomes)} differ in {where}"
    return None


def _first_difference(one: Path, two: Path) -> str | None:
    """The path below both of what is not the same; "." for a file of its own."""
    if one.is_dir() != two.is_dir():
        return "."
    if one.is_file():
        return None if one.read_bytes() == two.read_bytes() else "."
    ones, twos = dict(hashes.files(one)), dict(hashes.files(two))
    for name in sorted(ones.keys() | twos.keys()):
        if name not in ones or name not in twos:
            return name
        if ones[name].read_bytes() != twos[name].read_bytes():
            return name
    return None


def _write_transcript(output: Path, stage: Stage, kernel: str, outcome: store.Outcome) -> None:
    name = Path(kernel).name
    (output / f"{stage.name}.{name}.log").write_text(outcome.transcript)


def _explain(output: Path, stage: Stage, kernel: str, outcome: store.Outcome, wrong: str) -> None:
    lines = outcome.transcript.splitlines()
    if lines:
        ui.text("".join(f"  | {line}\n" for line in lines[-_TAIL:]))
    ui.error(f"stage {stage.name} on {kernel}: {wrong}")
    ui.error(f"its transcript: {output / stage.name}.{Path(kernel).name}.log")


def _print_hashes(stage: Stage, outcome: store.Outcome) -> None:
    print(f"# {stage.name}\n[stage.outputs]")
    for path in stage.outputs:
        print(f'"{path}" = "{outcome.hashes[path]}"')


def _print_table(rows: list[_Row], kernels: list[str]) -> None:
    width = max(len("stage"), *(len(row.stage.name) for row in rows))
    names = "".join(f"{Path(kernel).name:>10}" for kernel in kernels)
    ui.say(f"{'stage':<{width}}{names}    instructions  result")
    for row in rows:
        times = "".join(f"{time:>10}" for time in row.times).ljust(10 * len(kernels))
        count = f"{row.instructions:,}" if row.instructions else "not counted"
        ui.say(f"{row.stage.name:<{width}}{times}{count:>16}  {row.result}")
