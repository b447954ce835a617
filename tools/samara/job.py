# SPDX-License-Identifier: MIT
"""What is to be done in the guest, and how it is said: over the host channel as the run goes on, or
all of it in the initramfs, for a run that hears nothing from its host (`--deterministic`).
docs/design/host_channel.md is the protocol."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from . import protocol, transfer
from .cpio import Archive
from .errors import SamaraError
from .machine import Share
from .protocol import Type


@dataclass
class Request:
    """What is to be done in the guest."""

    argv: list[str]
    env: list[str]
    cwd: str = "/"
    terminal: bool = False
    separate_stderr: bool = False  # though there is a terminal
    joined: bool = False  # without one: standard error goes where standard output goes
    window: tuple[int, int] = (24, 80)
    put: list[transfer.Copy] = field(default_factory=list)
    get: list[transfer.Copy] = field(default_factory=list)
    get_after_failure: bool = True  # also from a program that ends with another status than 0
    mount: list[Share] = field(default_factory=list)
    timeout: float | None = None


def opening(request: Request, puts: Iterable[bytes], flags: int = 0) -> Iterator[bytes]:
    """The messages up to the program's start; `puts` are those for what is copied in."""
    for share in request.mount:
        yield protocol.mount(share.tag, share.target, share.options, share.snapshot)
    yield from puts
    flags |= protocol.START_TERMINAL if request.terminal else 0
    flags |= protocol.START_SEPARATE_STDERR if request.separate_stderr else 0
    flags |= protocol.START_JOINED if request.joined else 0
    rows, columns = request.window
    try:
        yield protocol.start(flags, rows, columns, request.cwd, request.argv, request.env)
    except ValueError:
        raise SamaraError("the program's arguments and environment are too long")


def archive(request: Request, source) -> Archive:
    """The job of a deterministic run. `source`: its standard input, which ends."""
    plan = [item for copy in request.put for item in transfer.put_plan(copy)]
    puts = (protocol.put(entry) for entry, _ in plan)
    flags = 0 if request.get_after_failure else protocol.START_NOTHING_AFTER_FAILURE
    gets = (protocol.get(copy.source) for copy in request.get)
    messages = [*opening(request, puts, flags), *gets, protocol.message(Type.FINISH)]
    made = Archive()
    made.file(protocol.JOB_MESSAGES, b"".join(messages))
    made.file(protocol.JOB_FILES, b"".join(transfer.read_pieces(plan)))
    made.file(protocol.JOB_INPUT, b"".join(iter(source.read, b"")))
    return made
