# SPDX-License-Identifier: MIT
"""`samara run`: one program in a machine, with our standard streams, signals and terminal as its
own. Its exit status is ours."""

import os
import signal
import socket
import time
from pathlib import Path

from . import (
    build_command,
    disks,
    guest,
    kernels,
    profiles,
    setup_command,
    shares,
    symbols,
    terminal,
    transfer,
    ui,
)
from .disks import Disk
from .errors import SamaraError
from .job import Request
from .machine import Machine, Share
from .session import Session
from .streams import BytesSource, FdSink, FdSource, read_all

_SHELL = ["sh", "-l"]
_FORWARDED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_ESCAPE = b"\x1d"  # Ctrl-]


def run(arguments) -> int:
    preset = profiles.preset("debug" if arguments.debug else "release", arguments.profile)
    if not arguments.no_build:
        build_command.ensure(kernel=preset if arguments.kernel == "samara" else None)
    request = _request(arguments)
    if arguments.init is not None:
        _check_init(arguments)
    if arguments.deterministic:
        _check_deterministic(arguments)
    wanted = shares.plan(arguments.share, arguments.root, arguments.snapshot)
    spec = guest.Spec(
        kernels.choose(arguments.kernel, preset, shares=bool(wanted)),
        request,
        machine=_machine(arguments, wanted),
        root=arguments.root,
        snapshot=arguments.snapshot,
        init=arguments.init,
        strace=arguments.strace,
        log=arguments.log,
        echo_log=arguments.verbose,
    )
    if arguments.strace and spec.kernel.strace is None:
        raise SamaraError("--strace works with our kernel only")
    if arguments.display == "window" and not list(Path("/usr/lib").glob("*/qemu/ui-gtk.so")):
        setup_command.install_host_packages(["qemu-system-gui"])
    if arguments.gdb is not None:
        ui.say(
            "the machine waits for a debugger: in another terminal, "
            f"./samara gdb --port {arguments.gdb}"
        )
    on_terminal = request.terminal or arguments.init is not None
    raw = terminal.RawTerminal(0) if on_terminal and os.isatty(0) else None
    # A deterministic machine has all of its input before it starts: of a terminal, nothing.
    source = FdSource(0)
    if arguments.deterministic:
        source = BytesSource(b"" if os.isatty(0) else read_all(source))
    try:
        status, problem, log = _run_with_signals(spec, source, raw)
    finally:
        if raw is not None:
            raw.close()
    _explain(spec, problem, log, arguments)
    return status


def _request(arguments) -> Request:
    interactive = os.isatty(0) and os.isatty(1)
    interactive = interactive and not arguments.deterministic
    use_terminal = {"auto": interactive, "always": True, "never": False}[arguments.tty]
    environment = dict(guest.DEFAULT_ENVIRONMENT)
    if use_terminal:
        environment["TERM"] = os.environ.get("TERM", "linux")
    for item in arguments.env:
        name, equals, value = item.partition("=")
        if not name:
            raise SamaraError(f"--env {item}: expected NAME=VALUE or NAME")
        if equals:
            environment[name] = value
        elif name in os.environ:
            environment[name] = os.environ[name]
    return Request(
        argv=arguments.program or ([] if arguments.init else _SHELL),
        env=[f"{name}={value}" for name, value in environment.items()],
        cwd=arguments.cwd,
        terminal=use_terminal,
        separate_stderr=use_terminal and not os.isatty(2),
        window=terminal.size(0 if os.isatty(0) else 1) if use_terminal else (24, 80),
        timeout=arguments.timeout,
        put=[transfer.parse(text, "--put") for text in arguments.put],
        get=[transfer.parse(text, "--get") for text in arguments.get],
    )


def _check_init(arguments) -> None:
    """What our own init would do, nobody does."""
    for option in ("put", "get", "share", "env", "deterministic"):
        if getattr(arguments, option):
            raise SamaraError(f"--{option} needs our init: it does not go with --init")
    if arguments.cwd != "/" or arguments.tty != "auto":
        raise SamaraError("--cwd and --tty are of a program: they do not go with --init")
    if Path(arguments.root).is_dir():
        raise SamaraError("--init needs a root that is an image or an initramfs")
    if any(set(word) & set(" \t\n\"") for word in [arguments.init, *arguments.program]):
        raise SamaraError("--init: what a kernel passes on has no spaces and no quotes")


def _check_deterministic(arguments) -> None:
    if arguments.tty == "always":
        raise SamaraError("--deterministic: nobody can type while it runs: no --tty always")
    if not arguments.program and os.isatty(0):
        raise SamaraError("--deterministic needs a PROGRAM, or standard input for the shell")
    if not _is_exact(arguments):
        ui.warn("--deterministic with several CPUs, a share or a disk: times may still differ")


def _is_exact(arguments) -> bool:
    """Whether nothing answers it when the host has time."""
    root = Path(arguments.root)
    live = arguments.root != "default" and (root.is_dir() or disks.is_file_system(root))
    return arguments.smp == 1 and not (live or arguments.share or arguments.disk)


def _machine(arguments, wanted: list[Share]) -> Machine:
    append = list(arguments.append)
    if arguments.gdb is not None:
        append.append("nokaslr")  # symbols are where the file says
    return Machine(
        smp=arguments.smp,
        memory=arguments.memory,
        cpu=arguments.cpu,
        machine=arguments.machine,
        display=arguments.display,
        disks=[Disk(path) for path in arguments.disk],
        bus=arguments.bus,
        icount=arguments.icount,
        deterministic=arguments.deterministic,
        gdb=arguments.gdb,
        append=append,
        shares=wanted,
    )


def _run_with_signals(spec: guest.Spec, source, raw: terminal.RawTerminal | None):
    """Signals arrive as bytes on a socket in the session's loop: no handler ever interrupts its
    work."""
    wake, notify = socket.socketpair()
    wake.setblocking(False)
    notify.setblocking(False)
    caught = [*_FORWARDED, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT]
    saved = {number: signal.getsignal(number) for number in caught}
    for number in caught:
        if saved[number] is not signal.SIG_IGN:  # nohup stays nohup
            signal.signal(number, lambda *_: None)
    saved_wakeup = signal.set_wakeup_fd(notify.fileno(), warn_on_full_buffer=False)
    keys = _Keyboard()

    def prepare(session: Session) -> None:
        session.watch(wake.fileno(), lambda: _on_signals(session, wake, raw))

    try:
        return guest.launch(
            spec,
            source,
            FdSink(1),
            FdSink(2),
            prepare=prepare,
            on_start=raw.enter if raw else lambda: None,
            keyboard=keys.escaped if raw else lambda data: False,
        )
    finally:
        signal.set_wakeup_fd(saved_wakeup)
        for number, handler in saved.items():
            # The run is over: a signal that comes late, even while Python ends, does not change
            # its status.
            signal.signal(number, signal.SIG_IGN if number in _FORWARDED else handler)
        wake.close()
        notify.close()


def _on_signals(session: Session, wake: socket.socket, raw: terminal.RawTerminal | None) -> None:
    for number in wake.recv(4096):
        if number in _FORWARDED:
            session.forward_signal(number)
        elif number == signal.SIGWINCH:
            session.resize(*terminal.size(0))
        elif number == signal.SIGTSTP:
            _stop(raw)


def _stop(raw: terminal.RawTerminal | None) -> None:
    """Somebody stops us: the terminal is the shell's until we go on."""
    was_raw = raw is not None and raw.active
    if was_raw:
        raw.leave()
    os.kill(os.getpid(), signal.SIGSTOP)
    if was_raw:
        raw.enter()


class _Keyboard:
    """Ctrl-] three times within a second means: away from here, whatever the guest does."""

    def __init__(self) -> None:
        self._presses: list[float] = []

    def escaped(self, data: bytes) -> bool:
        now = time.monotonic()
        if data.strip(_ESCAPE):
            self._presses.clear()
            return False
        self._presses = [t for t in self._presses if now - t < 1.0] + [now] * len(data)
        return len(self._presses) >= 3


def _explain(spec: guest.Spec, problem: str | None, log, arguments) -> None:
    if arguments.icount and (count := log.instructions_to_init()) is not None:
        ui.say(f"{count} instructions from the kernel's first one to init's first one")
    count = log.instructions() if arguments.deterministic and _is_exact(arguments) else None
    if count is not None:
        ui.say(f"{count} instructions from the kernel's first one to its last one")
    if arguments.strace and not arguments.verbose:
        ui.say(f"the system calls are in {log.path}")
    if problem is None:
        return
    ui.error(problem)
    if log.panicked and not arguments.verbose:
        ui.text(symbols.symbolize_text(log.tail(), spec.kernel.elf, log.text()) + "\n")
    if log.panicked or "time limit" in problem or "machine ended" in problem:
        ui.error(f"the kernel's log: {_short(log.path)}")


def _short(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
