# SPDX-License-Identifier: MIT
"""`samara gdb`: a debugger on a machine that `samara run --gdb` has started."""

import os
import shutil
from pathlib import Path

from . import paths, setup_command
from .errors import SamaraError


def run(arguments) -> int:
    elf = Path(arguments.elf) if arguments.elf else paths.ELF
    if arguments.debug and not arguments.elf:
        elf = paths.BUILD / "debug/samara.elf"
    if not elf.exists():
        raise SamaraError(f"no kernel with symbols at {elf}: run ./samara build")
    if not shutil.which("gdb-multiarch"):
        setup_command.install_host_packages(["gdb-multiarch"])
    debugger = shutil.which("gdb-multiarch")
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
