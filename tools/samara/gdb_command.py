# SPDX-License-Identifier: MIT
"""`samara gdb`: a debugger on a machine that `samara run --gdb` has started."""

import os
import shutil
from pathlib import Path

from . import paths
from .errors import SamaraError


def run(arguments) -> int:
    elf = Path(arguments.elf) if arguments.elf else paths.ELF
    if arguments.debug and not arguments.elf:
        elf = paths.BUILD / "debug/samara.elf"
    if not elf.exists():
        raise SamaraError(f"no kernel with symbols at {elf}: run ./samara build")
    debugger = shutil.which("gdb-multiarch")
    if debugger is None:
        raise SamaraError("gdb-multiarch is not installed: apt-get install gdb-multiarch")
    # Sources are named relative to the checkout, so that builds are reproducible.
    os.execv(
        debugger,
        [
            debugger,
            "-q",
            str(elf),
            "-ex",
            f"directory {paths.ROOT}",
            "-ex",
            f"target remote 127.0.0.1:{arguments.port}",
        ],
    )
