# SPDX-License-Identifier: MIT
"""Where what stages gave is kept: DIR/STAGE/PATH for people, and build/stage/KEY for stages that
need not run again. A name in either has all of its bytes or is not there: things are made beside
it, flushed, and renamed."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import paths

KEPT = paths.BUILD / "stage"
_SCRATCH = ".partial-"


@dataclass
class Outcome:
    """One run of one stage on one kernel; `files` has its outputs by their path in the guest."""

    files: Path
    transcript: str
    seconds: float
    hashes: dict[str, str]
    problem: str | None = None
    instructions: int | None = None  # of a deterministic run
    kept: bool = False  # it was not run: nothing had changed


@contextmanager
def scratch(beside: Path) -> Iterator[Path]:
    """A directory to put things together in. It goes at the end, and what a killed run left too."""
    beside.mkdir(parents=True, exist_ok=True)
    for old in beside.glob(f"{_SCRATCH}*"):
        if not _is_alive(old.name.removeprefix(_SCRATCH).split("-")[0]):
            shutil.rmtree(old, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{os.getpid()}-", dir=beside))
    try:
        yield made
    finally:
        _remove(made)


def _is_alive(process: str) -> bool:
    return process.isdigit() and Path("/proc", process).exists()


def _remove(directory: Path) -> None:
    """Also what the guest has made without permission to change it."""
    for folder, _, _ in os.walk(directory):
        os.chmod(folder, 0o700)
    shutil.rmtree(directory)


def find(key: str) -> Outcome | None:
    """What the same stage gave before."""
    place = KEPT / key
    try:
        said = json.loads((place / "outcome.json").read_text())
    except FileNotFoundError:
        return None
    return Outcome(place / "files", kept=True, **said)


def keep(key: str, outcome: Outcome) -> None:
    if (KEPT / key).exists():
        return
    with scratch(KEPT) as made:
        shutil.copytree(outcome.files, made / "entry/files", symlinks=True)
        said = {name: value for name, value in asdict(outcome).items()
                if name in ("transcript", "seconds", "hashes", "instructions")}  # fmt: skip
        (made / "entry/outcome.json").write_text(json.dumps(said))
        try:
            (made / "entry").rename(KEPT / key)
        except OSError:
            if not (KEPT / key).exists():  # another run was first
                raise


def publish(files: Path, outputs: list[str], directory: Path) -> None:
    """Puts each output at DIRECTORY/PATH. The old one stays until the new one is whole."""
    for output in outputs:
        target = directory / output.lstrip("/")
        with scratch(target.parent) as made:
            new, old = made / "new", made / "old"
            source = files / output.lstrip("/")
            if source.is_dir():
                shutil.copytree(source, new)
            else:
                shutil.copy2(source, new)
            _flush(new)
            if target.is_dir():
                target.rename(old)  # a rename does not replace a directory that has something in it
            new.rename(target)


def _flush(top: Path) -> None:
    for path in [top, *top.rglob("*")]:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
