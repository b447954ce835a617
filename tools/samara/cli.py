# SPDX-License-Identifier: MIT
"""The command line: subcommands, their options and their help. Each subcommand's work is in its own
module, imported only when it is asked for, so that `--help` and `run` start fast."""

import argparse
import importlib
import os
from pathlib import Path

from . import profiles, ui
from .errors import SamaraError

DESCRIPTION = "Samara: an AArch64 kernel that runs unmodified Linux/arm64 programs."
EPILOG = """\
examples:
  samara run                                   a shell
  samara run --smp 4 -- sh -c 'nproc; exit 7'  a program; its exit status is ours
  samara run --kernel linux -- uname -a        the same on Debian's Linux
  samara test                                  all tests

`samara COMMAND --help` tells everything about a command."""


def build_parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "-q", "--quiet", action="store_true", help="say nothing but errors and warnings"
    )
    parser = argparse.ArgumentParser(
        prog="samara",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, module: str, summary: str, description: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=summary, description=description)
        added.set_defaults(module=module)
        return added

    _add_setup(command)
    _add_build(command)
    _add_run(command)
    _add_image(command)
    _add_stage(command)
    _add_tests(command)
    _add_bench(command)
    _add_debugging(command)
    return parser


def _add_setup(command) -> None:
    command(
        "setup",
        "setup_command",
        "install and fetch what is missing",
        """Installs the Debian packages that are missing (through sudo when needed), and fetches
        library sources and arm64 packages into build/. Says what it does; does nothing when
        everything is there. The other commands call it when something is missing. What is taken,
        and why: docs/dependencies.md.""",
    )


def _add_build(command) -> None:
    build = command(
        "build",
        "build_command",
        "build the kernel, the user programs and the default root",
        """Builds into build/: the kernel (build/<preset>/Image to boot, build/<preset>/samara.elf
        with symbols), our user programs, the default root (build/root.cpio). build/Image and
        build/samara.elf name the latest release build. SAMARA_BUILD_DIR names another directory
        than build.""",
    )
    _add_kernel_choice(build)
    build.add_argument(
        "--compiler",
        choices=("clang", "gcc"),
        default="clang",
        help="clang-19 (the default), or g++-12 into build/gcc",
    )
    loc = command(
        "loc",
        "loc_command",
        "count the lines that a kernel is made of",
        """Counts the lines of our own code in the kernel, by folder: of every source and header
        that its build has read, those that are neither blank nor all comment. What the kernel
        takes from libraries is not in it: docs/dependencies.md.""",
    )
    _add_kernel_choice(loc)
    loc.add_argument("--files", action="store_true", help="by file")


def _add_kernel_choice(command) -> None:
    kind = command.add_mutually_exclusive_group()
    for preset, text in (
        ("release", "optimised (the default)"),
        ("debug", "assertions and lock-order checks"),
        ("sanitize", "as --debug, and undefined behaviour traps"),
    ):
        kind.add_argument(
            f"--{preset}", dest="preset", action="store_const", const=preset, help=text
        )
    command.set_defaults(preset="release")
    _add_profile(command)


def _add_profile(command) -> None:
    command.add_argument(
        "--profile",
        choices=profiles.NAMES,
        default=profiles.FULL,
        help="how much of the kernel: full (the default), or seed, the small one that an auditor "
        "reads (docs/audit.md)",
    )


def _add_run(command) -> None:
    run = command(
        "run",
        "run_command",
        "boot, and run a program as an ordinary process",
        """Boots a machine, runs PROGRAM in it (default: an interactive shell) and ends with its
        exit status: 128+N when signal N killed it, 125 for a kernel panic or a run past --timeout,
        126 or 127 when it cannot be run. Standard input, output and error are the program's own;
        what this command says goes to stderr, and the kernel's log to a file. When standard input
        and output are a terminal, so they are for the program. Signals are passed on. Ctrl-] three
        times within a second stops the machine.""",
    )
    run.usage = "samara run [options] [--] [PROGRAM [ARGUMENT…]]"
    run.add_argument(
        "program",
        nargs=argparse.REMAINDER,
        metavar="PROGRAM ARGUMENT…",
        help="what to run, found by PATH",
    )
    _add_machine_options(run.add_argument_group("machine"))
    files = run.add_argument_group("files")
    files.add_argument(
        "--root",
        metavar="default|IMAGE|CPIO|DIR",
        default="default",
        help="root file system: busybox (the default), an ext4 disk image, an initramfs, or a "
        "directory, which the guest reads and writes as it is (see --share)",
    )
    files.add_argument(
        "--snapshot",
        action="store_true",
        help="leave the image or the directory that is the root as it is: what the guest writes is "
        "forgotten",
    )
    files.add_argument(
        "--disk",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="attach a disk (raw image); the first is /dev/vda, or /dev/vdb behind a root's",
    )
    files.add_argument(
        "--share",
        metavar="HOSTDIR:GUESTDIR",
        action="append",
        default=[],
        help="show a directory of the host in the guest (9p), for reading and writing: each side "
        "sees at once what the other does. Owners are the host's numbers; what the guest makes "
        "belongs to you. May be given several times",
    )
    files.add_argument(
        "--put",
        metavar="HOST:GUEST",
        action="append",
        default=[],
        help="copy a file or directory in before the program starts",
    )
    files.add_argument(
        "--get",
        metavar="GUEST:HOST",
        action="append",
        default=[],
        help="copy a file or directory out after it has ended",
    )
    program = run.add_argument_group("program")
    program.add_argument(
        "--init",
        metavar="PATH",
        help="boot the root with its own first process, such as /sbin/init, in place of ours: the "
        "machine's serial console is our standard input and output, PROGRAM ARGUMENT… are PATH's "
        "arguments, and the run ends with status 0 when the machine switches off or restarts",
    )
    program.add_argument(
        "--env",
        metavar="NAME[=VALUE]",
        action="append",
        default=[],
        help="set an environment variable, or pass ours on",
    )
    program.add_argument("--cwd", metavar="DIR", default="/", help="working directory (default: /)")
    program.add_argument(
        "--tty",
        choices=("auto", "always", "never"),
        default="auto",
        help="whether the program gets a terminal (default: when we have one)",
    )
    program.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, help="stop after that long, with status 125"
    )
    _add_profile(run)
    watching = run.add_argument_group("looking inside")
    watching.add_argument("--debug", action="store_true", help="use the debug build of our kernel")
    watching.add_argument(
        "-v", "--verbose", action="store_true", help="show the kernel's log on stderr as it comes"
    )
    watching.add_argument(
        "--log",
        metavar="FILE",
        type=Path,
        help="write the kernel's log there (default: build/log/)",
    )
    watching.add_argument(
        "--strace", action="store_true", help="log every system call, as strace(1) does"
    )
    watching.add_argument(
        "--gdb",
        metavar="PORT",
        nargs="?",
        type=int,
        const=1234,
        help="wait for a debugger before the first instruction (port 1234)",
    )
    watching.add_argument("--no-build", action="store_true", help="use what is built already")


def _add_machine_options(group) -> None:
    group.add_argument(
        "--kernel",
        metavar="samara|linux|PATH",
        default="samara",
        help="our kernel (the default), Debian's arm64 Linux, or an image of ours",
    )
    group.add_argument(
        "--smp", metavar="N", type=int, default=1, help="number of CPUs (default: 1)"
    )
    group.add_argument("--memory", "-m", metavar="SIZE", default="512M", help="RAM (default: 512M)")
    group.add_argument(
        "--cpu", metavar="MODEL", help="as QEMU names it (default: cortex-a72; host under KVM)"
    )
    group.add_argument(
        "--machine",
        metavar="virt[,OPTION=VALUE…]",
        default="virt",
        help="QEMU machine: gic-version=2|3 (default 3), virtualization=on, …",
    )
    group.add_argument(
        "--bus",
        choices=("mmio", "pci"),
        default="mmio",
        help="where the virtio devices are (default: mmio)",
    )
    group.add_argument(
        "--append", metavar="WORDS", action="append", default=[], help="more words for the kernel"
    )
    group.add_argument(
        "--icount",
        action="store_true",
        help="time is the number of instructions executed",
    )
    group.add_argument(
        "--deterministic",
        action="store_true",
        help="as --icount, and nothing reaches the machine while it runs: standard input, read to "
        "its end, and what is put in are there when it starts. Two runs of the same give the same "
        "output and the same number of instructions, which is printed. docs/bootstrap.md says what "
        "is not covered",
    )
    group.add_argument(
        "--display",
        metavar="none|window|png:FILE",
        default="none",
        help="a screen, which shows the kernel's log and what is written to /dev/tty1: none (the "
        "default), in a window, or as a picture when the program has ended; its size: --append "
        "video=WxH",
    )


def _add_tests(command) -> None:
    test = command(
        "test",
        "test_command",
        "run the tests",
        """Runs the tests and prints a line for each, then a line 'N passed, N failed'. Rings:
        unit (on this machine, under sanitizers), kernel (in the booted kernel, 1 and 4 CPUs), abi
        (programs whose output must be the same on Linux and on Samara), system (whole runs).
        Without a ring: all of them.""",
    )
    test.add_argument("ring", nargs="*", metavar="RING", help="unit, kernel, abi or system")
    test.add_argument(
        "-k", dest="pattern", metavar="NAME", help="only tests whose name contains NAME"
    )
    test.add_argument("--sweep", action="store_true", help="the long versions too; may take hours")
    test.add_argument(
        "-v", "--verbose", action="store_true", help="show the output of tests that pass, too"
    )
    command(
        "check",
        "check_command",
        "check layers, style and generated files",
        """\
Runs tools/check: the rules of docs/style.md that a program can check.""",
    )


def _add_debugging(command) -> None:
    gdb = command(
        "gdb",
        "gdb_command",
        "attach a debugger to `samara run --gdb`",
        """Starts gdb with the kernel's symbols and connects it to a machine that `samara run
        --gdb` has started.""",
    )
    gdb.add_argument(
        "--port", type=int, default=1234, help="where the machine listens (default: 1234)"
    )
    gdb.add_argument("--debug", action="store_true", help="the machine runs the debug build")
    gdb.add_argument(
        "--elf", metavar="FILE", help="the kernel with symbols (default: build/samara.elf)"
    )
    symbolize = command(
        "symbolize",
        "symbols",
        "turn kernel addresses into functions and lines",
        """Adds function, file and line to each kernel address in a log, or in addresses given as
        arguments. Reads standard input when nothing is given.""",
    )
    symbolize.add_argument("input", nargs="*", metavar="FILE|ADDRESS", help="logs, or addresses")
    symbolize.add_argument(
        "--elf", metavar="FILE", help="the kernel with symbols (default: build/samara.elf)"
    )


def _add_bench(command) -> None:
    bench = command(
        "bench",
        "bench_command",
        "measure operations of the kernel, and compare with Linux",
        """Runs one benchmark program in the machine and prints what each operation costs, in
        instructions: with one CPU and QEMU's deterministic clock every run is the same run (a
        `dc zva` counts as one instruction). Linux is Debian's, stock and with kpti=off
        mitigations=off: the better figure counts. Ends with 1 when a row costs over 3 % more than
        the stored baseline says.""",
    )
    bench.add_argument("--against", choices=("linux",), help="also on Linux, with the ratios")
    bench.add_argument("-k", dest="pattern", metavar="NAME", default="", help="only these rows")
    bench.add_argument("--quick", action="store_true", help="not the rows of whole programs")
    bench.add_argument(
        "--plain", action="store_true", help="in nanoseconds of this machine instead"
    )
    bench.add_argument(
        "--smp", type=int, default=1, metavar="N", help="number of CPUs (with --plain)"
    )
    bench.add_argument(
        "--root",
        metavar="ROOT",
        default="default",
        help="run in this root instead, for the rows of programs that the default one lacks",
    )
    bench.add_argument("--json", metavar="FILE", help="write the figures there, too")
    bench.add_argument(
        "--profile", metavar="ROW", help="where the instructions of this row go, by function"
    )
    bench.add_argument(
        "--locks",
        action="store_true",
        help="which locks 4 CPUs wait for in the parallel rows (debug build)",
    )
    bench.add_argument(
        "--save-baseline", action="store_true", help="store what Samara needs as the new baseline"
    )


def _add_image(command) -> None:
    image = command(
        "image",
        "image_command",
        "make a root file system from Debian's arm64 packages",
        """Makes a root file system from Debian's arm64 packages and what they depend on (not what
        they recommend), with the accounts, the dynamic linker's cache, the alternatives and dpkg's
        database that a Debian system has. No maintainer script runs and no root rights are needed.
        The same packages give the same bytes: every time is at most SOURCE_DATE_EPOCH or, without
        it, that of the newest file. What was built is kept in build/images.""",
    )
    image.add_argument(
        "--packages",
        metavar="A,B,C",
        action="append",
        required=True,
        help="what it shall contain: NAME, or NAME=VERSION; may be given several times",
    )
    image.add_argument(
        "-o",
        dest="output",
        metavar="FILE",
        required=True,
        help="where to write it: FILE.cpio is an initramfs, any other name an ext4 image",
    )
    image.add_argument(
        "--size",
        metavar="SIZE",
        help="of the ext4 image, such as 2G (default: half as much again as is in it, and 64M)",
    )
    image.add_argument(
        "--include",
        metavar="HOST:/GUEST",
        action="append",
        default=[],
        help="copy a file or directory of this machine into it, as root's",
    )
    image.add_argument(
        "--without-docs",
        action="store_true",
        help="leave out manual pages, documentation (but for licences) and translations",
    )


def _add_stage(command) -> None:
    stage = command(
        "stage",
        "stage_command",
        "build in steps, with every byte of the result known",
        """Runs the stages of a plan, each in a machine of its own: puts the inputs in, runs the
        command, takes the outputs out and checks their sha256. Stops at the first stage that fails,
        with status 1 and the end of its transcript. A stage whose inputs, root and kernel have not
        changed is not run again. How plans are written: docs/bootstrap.md.""",
    )
    stage.add_argument("plan", metavar="PLAN", help="the plan, a TOML file")
    stage.add_argument(
        "-o",
        dest="output",
        metavar="DIR",
        help="where outputs and transcripts go (default: the plan's name with .out, here)",
    )
    stage.add_argument(
        "--kernel",
        metavar="samara|linux|PATH",
        default="samara",
        help="our kernel (the default), Debian's arm64 Linux, or an image of ours",
    )
    _add_profile(stage)
    stage.add_argument(
        "--compare", action="store_true", help="run on both kernels and compare all outputs"
    )
    stage.add_argument(
        "--smp", metavar="N", type=int, help="number of CPUs (default: what the plan says, or 1)"
    )
    stage.add_argument(
        "--no-deterministic",
        action="store_true",
        help="with one CPU, too, the clock and what is random are as anywhere; faster",
    )
    stage.add_argument(
        "--force",
        action="store_true",
        help="run what has not changed, too; a deterministic stage must give the same again",
    )
    stage.add_argument(
        "--learn", action="store_true", help='print the hashes; those that are "?" count as good'
    )
    stage.add_argument(
        "-v", "--verbose", action="store_true", help="show what the commands write as it comes"
    )
    stage.add_argument("--no-build", action="store_true", help="use what is built already")


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def _open_standard_streams() -> None:
    """A closed standard stream stays useless, but its number must not go to another file."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            # The wrong way round: reads and writes fail, as they did.
            os.open("/dev/null", os.O_WRONLY if fd == 0 else os.O_RDONLY)


def main(argv: list[str] | None = None) -> int:
    _open_standard_streams()
    arguments = build_parser().parse_args(argv)
    ui.quiet = arguments.quiet
    if getattr(arguments, "program", None) and arguments.program[0] == "--":
        del arguments.program[0]
    try:
        return importlib.import_module(f".{arguments.module}", __package__).run(arguments)
    except SamaraError as failure:
        ui.error(str(failure))
        return failure.status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open("/dev/null", os.O_WRONLY), 1)  # what is left to flush
        return 141
    except OSError as failure:
        if failure.filename is None:
            raise
        ui.error(f"{failure.filename}: {failure.strerror}")
        return 2
