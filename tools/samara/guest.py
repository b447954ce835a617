# SPDX-License-Identifier: MIT
"""Runs a program in a machine. `launch()` is the whole of it, for `samara run`; `run()` is the same
with everything in memory, for tests:

    result = guest.run(kernel="linux", argv=["busybox", "cat"], stdin=b"hi\\n", timeout=60)
    assert (result.status, result.stdout) == (0, b"hi\\n")
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import disks as disk_images
from . import initrd, job, kernel_log, kernels, machine as machines, protocol, shares, transfer, ui
from .console_session import ConsoleSession
from .disks import Disk
from .errors import SamaraError
from .job import Request
from .machine import Machine
from .qemu import Qemu
from .session import Session
from .streams import BytesSink, BytesSource

DEFAULT_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
}


@dataclass
class Spec:
    """One run: the program, the machine, the root."""

    kernel: kernels.Kernel
    request: Request
    machine: Machine = field(default_factory=Machine)
    root: str = "default"
    snapshot: bool = False  # a root that is a disk image or a directory stays as it is
    init: str | None = None  # the root's own process 1, on our standard streams; no program
    strace: bool = False
    log: Path | None = None
    echo_log: bool = False


@dataclass
class Result:
    """How a run ended. `problem` is None when the program ended by itself and all was copied."""

    status: int
    stdout: bytes
    stderr: bytes
    log: str
    problem: str | None
    instructions_to_init: int | None = None  # with icount
    instructions: int | None = None  # of a deterministic run, on our kernel


def launch(
    spec: Spec,
    source,
    stdout,
    stderr,
    *,
    prepare: Callable[[Session | ConsoleSession], None] = lambda session: None,
    **hooks,
) -> tuple[int, str | None, kernel_log.KernelLog]:
    """Boots, runs, ends: the exit status, what went wrong, and the kernel's log. Whatever happens,
    the emulator is gone when this returns or raises."""
    machines.check(spec.machine)
    machine = spec.machine
    if machine.display != "none" and not spec.kernel.has_display:
        raise SamaraError("--display: Debian's Linux has no driver for this display (ramfb)")
    append = [*machines.display_words(machine), *spec.kernel.append]
    if spec.init is None:
        append.append(f"{protocol.ENVIRONMENT}=1")
    elif not spec.echo_log and not spec.strace:
        append.append("quiet")  # the console is for the programs
    if spec.strace and spec.kernel.strace:
        append.append(spec.kernel.strace)
    spec.request.mount = machine.shares
    if root_disk := _root_disk(spec):
        machine = replace(machine, disks=[root_disk, *machine.disks])
    modules = kernels.modules(spec.kernel, machine)
    told = None
    if machine.deterministic:
        append += spec.kernel.deterministic
        told = job.archive(spec.request, source)
    with initrd.open_initrd(spec.root, modules=modules, init=spec.init, job=told) as (
        archive,
        words,
    ):
        on_console = spec.init is not None
        # What is on the console need not be shown twice.
        echo = spec.echo_log and not on_console
        log = kernel_log.KernelLog(spec.log or kernel_log.new_log_file(), echo=echo)
        full = replace(machine, append=[*append, *words, *machine.append, *_init_words(spec)])
        qemu = Qemu(full, spec.kernel.image, archive, log.path, on_console=on_console)
        picture = _Picture(qemu, machine.display)
        try:
            if on_console:
                limit = spec.request.timeout
                session = ConsoleSession(qemu, log, limit, source, stdout, **hooks)
            else:
                session = Session(qemu, log, spec.request, source, stdout, stderr, **hooks)
                session.before_finish(picture.take)
            prepare(session)
            status = session.run()
            picture.take_what_is_left()
        finally:
            qemu.stop()
            log.poll()
            log.close()
    return status, session.problem, log


def _init_words(spec: Spec) -> list[str]:
    """The words behind `--` are init's arguments."""
    if spec.init is None or not spec.request.argv:
        return []
    return ["--", *spec.request.argv]


def _root_disk(spec: Spec) -> Disk | None:
    path = Path(spec.root)
    if spec.root != "default" and disk_images.is_file_system(path):
        return Disk(path, snapshot=spec.snapshot)
    if spec.snapshot and not path.is_dir():
        raise SamaraError(f"--snapshot: --root {spec.root} is an initramfs; it stays as it is")
    return None


class _Picture:
    """--display png:FILE: taken once, when the program has ended or, failing that, at the end."""

    def __init__(self, qemu: Qemu, display: str):
        self._qemu = qemu
        kind, _, name = display.partition(":")
        self._wanted = Path(name).resolve() if kind == "png" else None

    def take(self) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self._qemu.screenshot(wanted)

    def take_what_is_left(self) -> None:
        """Of a panic, or of what there is when the time is over: the run has failed anyway."""
        try:
            self.take()
        except SamaraError as failure:
            ui.warn(f"no picture: {failure}")


def run(
    argv: Sequence[str],
    *,
    kernel: str = "samara",
    preset: str = "release",
    stdin: bytes = b"",
    tty: bool = False,
    window: tuple[int, int] = (24, 80),
    env: dict[str, str] | None = None,
    cwd: str = "/",
    put: Sequence[tuple[str | Path, str]] = (),
    get: Sequence[tuple[str, str | Path]] = (),
    root: str | Path = "default",
    share: Sequence[tuple[str | Path, str]] = (),
    snapshot: bool = False,
    disks: Sequence[Disk] = (),
    bus: str = "mmio",
    extra: Sequence[str] = (),
    smp: int = 1,
    memory: str = "512M",
    cpu: str | None = None,
    machine: str = "virt",
    append: Sequence[str] = (),
    icount: bool = False,
    deterministic: bool = False,
    strace: bool = False,
    display: str = "none",
    timeout: float = 120.0,
    log: Path | None = None,
) -> Result:
    """Runs one program with its streams in memory. `timeout` detects a hang; it is no performance
    target."""
    stdout, stderr = BytesSink(), BytesSink()
    request = Request(
        argv=list(argv),
        env=[f"{k}={v}" for k, v in {**DEFAULT_ENVIRONMENT, **(env or {})}.items()],
        cwd=cwd,
        terminal=tty,
        window=window,
        timeout=timeout,
        put=[transfer.Copy(os.fspath(a), b) for a, b in put],
        get=[transfer.Copy(a, os.fspath(b)) for a, b in get],
    )
    texts = [f"{host}:{target}" for host, target in share]
    wanted = shares.plan(texts, os.fspath(root), snapshot)
    spec = Spec(
        kernels.choose(kernel, preset, shares=bool(wanted)),
        request,
        root=os.fspath(root),
        snapshot=snapshot,
        strace=strace,
        log=log,
        machine=Machine(
            smp=smp,
            memory=memory,
            cpu=cpu,
            machine=machine,
            icount=icount,
            deterministic=deterministic,
            display=display,
            disks=list(disks),
            bus=bus,
            extra=list(extra),
            append=list(append),
            shares=wanted,
        ),
    )
    status, problem, kernel_text = launch(spec, BytesSource(stdin), stdout, stderr)
    return Result(
        status,
        bytes(stdout.data),
        bytes(stderr.data),
        "\n".join(kernel_text.lines),
        problem,
        kernel_text.instructions_to_init() if icount else None,
        kernel_text.instructions() if deterministic else None,
    )
