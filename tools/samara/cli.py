# SPDX-License-Identifier: MIT
"""The command line: subcommands, their options and their help. Each subcommand's work is in its own
module, imported only when it is asked for, so that `--help` and `run` start fast."""

import argparse
import importlib
import sys

from . import ui
from .errors import SamaraError

DESCRIPTION = "Samara: an AArch64 kernel that runs unmodified Linux/arm64 programs."


def build_parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and warnings")
    parser = argparse.ArgumentParser(prog="samara", description=DESCRIPTION)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    setup = commands.add_parser("setup", parents=[common], help="install and fetch what is missing",
                                description="Install missing Debian packages (with sudo when needed), fetch library "
                                "sources and arm64 packages into build/. Does nothing when all is there.")
    setup.set_defaults(module="setup_command")
    return parser


def main(argv: list[str] | None = None) -> int:
    arguments = build_parser().parse_args(argv)
    ui.quiet = arguments.quiet
    try:
        return importlib.import_module(f".{arguments.module}", __package__).run(arguments)
    except SamaraError as failure:
        ui.error(str(failure))
        return failure.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
