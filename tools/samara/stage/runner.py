# SPDX-License-Identifier: MIT
"""Runs one stage on one kernel: its inputs go in, its command runs in a fresh machine, its outputs
come out and are hashed. What it depends on has one hash, the key under which its outcome is
kept."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .. import disks, guest, image_command, kernels, paths, rootfs, setup_command, transfer
from ..errors import SamaraError
from ..job import Request
from ..machine import Machine, emulator
from ..streams import BytesSource
from . import hashes, store
from .plan import Plan, Source, Stage

# Words of the environment that builders expect, and nothing of this machine's.
_ENVIRONMENT = {**guest.DEFAULT_ENVIRONMENT, "LC_ALL": "C", "TZ": "UTC", "SOURCE_DATE_EPOCH": "0"}
_TIME = 0  # of every input's last change


@dataclass
class Settings:
    """What the command line says for all stages."""

    output: Path
    smp: int | None = None
    force: bool = False
    deterministic: bool = True  # with one CPU and a root in memory
    preset: str = "release"  # of our kernel
    echo: Callable[[bytes], None] = lambda data: None  # sees the transcript as it comes


class Transcript:
    """Standard output and error of a stage, in the order in which they were written."""

    fd = None

    def __init__(self, echo: Callable[[bytes], None]):
        self.data = bytearray()
        self._echo = echo

    def write(self, data: memoryview) -> int:
        self.data += data
        self._echo(bytes(data))
        return len(data)


def run(plan: Plan, stage: Stage, kernel_name: str, given: dict[str, Path], settings: Settings,
        into: Path) -> store.Outcome:  # fmt: skip
    """`given`: what each earlier stage gave on this kernel. The outputs are below `into`, or were
    kept. What goes wrong in the guest is the outcome's problem; what is wrong here raises."""
    smp = settings.smp or stage.smp
    inputs = {target: _host_path(plan, stage, source, given)
              for target, source in stage.inputs.items()}  # fmt: skip
    for target, text in stage.sources.items():
        package, _, version = text.partition("=")
        inputs[target] = setup_command.ensure_source(package, version)
    root = _root(plan, stage)
    kernel = kernels.choose(kernel_name, settings.preset)
    on_disk = disks.is_file_system(Path(root))
    # A disk answers when the host has time.
    deterministic = settings.deterministic and smp == 1 and not on_disk
    machine = Machine(smp=smp, memory=stage.memory, deterministic=deterministic)
    key = _key(stage, kernel.image, root, inputs, machine)
    earlier = store.find(key)
    if earlier is not None and not settings.force:
        return earlier
    transcript = Transcript(settings.echo)
    spec = guest.Spec(
        kernel,
        Request(
            argv=list(stage.command),
            env=[f"{n}={v}" for n, v in {**_ENVIRONMENT, **stage.environment}.items()],
            cwd=stage.cwd,
            joined=True,
            get_after_failure=False,
            timeout=stage.timeout,
            put=[*_parents(stage, into),
                 *(transfer.Copy(os.fspath(host), target, _TIME)
                   for target, host in inputs.items())],
            get=[transfer.Copy(path, os.fspath(into / path.lstrip("/"))) for path in stage.outputs],
        ),  # fmt: skip
        machine=machine,
        root=root,
        snapshot=on_disk,
    )
    for path in stage.outputs:
        (into / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    status, problem, log = guest.launch(spec, BytesSource(b""), transcript, transcript)
    seconds = time.monotonic() - start
    if problem is None and status != 0:
        problem = f"its command ended with status {status}"
    elif problem is not None and log.panicked:
        problem += f"; the kernel's log: {log.path}"
    outcome = store.Outcome(into, transcript.data.decode(errors="replace"), seconds, {}, problem)
    if problem is None:
        _hash_outputs(stage, outcome)
    if machine.deterministic:
        outcome.instructions = log.instructions()
        if outcome.problem is None and earlier is not None:
            outcome.problem = _difference(earlier, outcome)
    if outcome.problem is None:
        store.keep(key, outcome)
    return outcome


def _difference(earlier: store.Outcome, now: store.Outcome) -> str | None:
    """Between two runs of the same that had to give the same."""
    for path, expected in earlier.hashes.items():
        if now.hashes[path] != expected:
            return f"output {path} is not what it was the last time, {expected}"
    if now.instructions != earlier.instructions:
        return f"it took {now.instructions} instructions, the last time {earlier.instructions}"
    if now.instructions is not None and now.transcript != earlier.transcript:
        return "its transcript is not what it was the last time"
    return None


def _parents(stage: Stage, into: Path) -> list[transfer.Copy]:
    """The directories that outputs go to: a compiler does not make them."""
    parents = {os.path.dirname(path) for path in stage.outputs} - {"/"}
    empty = into.with_name(into.name + ".empty")
    empty.mkdir(mode=0o755)
    return [transfer.Copy(os.fspath(empty), parent, _TIME) for parent in sorted(parents)]


def _host_path(plan: Plan, stage: Stage, source: Source, given: dict[str, Path]) -> Path:
    if source.stage is None:
        path = plan.host_path(source.path)
    else:
        path = given[source.stage] / source.path.lstrip("/")
    if not path.exists():
        raise SamaraError(f"stage {stage.name}: no input at {path}")
    return path


def _root(plan: Plan, stage: Stage) -> str:
    if stage.packages:
        return os.fspath(image_command.build(list(stage.packages), kind="cpio", documents=False))
    if stage.root == "default":
        return stage.root
    root = plan.host_path(stage.root)
    if not root.is_file():
        # A directory would be changed by the stage, and be another one when it runs again.
        raise SamaraError(f"stage {stage.name}: root: no initramfs or disk image at {root}")
    return os.fspath(root)


def _hash_outputs(stage: Stage, outcome: store.Outcome) -> None:
    for path in stage.outputs:
        try:
            outcome.hashes[path] = hashes.of(outcome.files / path.lstrip("/"))
        except OSError as failure:
            outcome.problem = f"output {path}: {failure}"


def _key(
    stage: Stage, kernel: Path, root: str, inputs: dict[str, Path], machine: Machine
) -> str:
    files_of_root = [paths.DEFAULT_ROOT]
    if root != "default":
        files_of_root = [Path(root), rootfs.init_binary()]
    described = {
        "command": stage.command,
        "environment": {**_ENVIRONMENT, **stage.environment},
        "cwd": stage.cwd,
        "memory": machine.memory,
        "smp": machine.smp,
        "deterministic": machine.deterministic,
        "emulator": hashes.of_file(emulator()),
        "outputs": sorted(stage.outputs),
        "kernel": hashes.of_file(kernel),
        "root": [hashes.of_file(path) for path in files_of_root],
        "inputs": [_described(path, target) for target, path in sorted(inputs.items())],
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _described(host: Path, target: str) -> list:
    """All that --put sends of it."""
    plan = transfer.put_plan(transfer.Copy(os.fspath(host), target, _TIME))
    return [[entry.path, entry.mode, entry.target, hashes.of_file(file) if file else ""]
            for entry, file in plan]  # fmt: skip
