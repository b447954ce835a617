# SPDX-License-Identifier: MIT
"""`samara build`: the kernel by CMake and Ninja, our user programs, the default root. `ensure()` is
what other commands call: it does what is missing or out of date, and says nothing when that is
nothing."""

import io
import os
import re
import subprocess
from pathlib import Path

from . import paths, profiles, rootfs, setup_command, ui
from .errors import SamaraError
from .locks import one_at_a_time

_NINJA_STEP = re.compile(r"^\[(\d+)/(\d+)\] (.*)$")


def run(arguments) -> int:
    preset = profiles.preset(arguments.preset, arguments.profile)
    ensure(kernel=preset, compiler=arguments.compiler)
    ui.say(f"built {directory(preset, arguments.compiler).relative_to(paths.BUILD.parent)}")
    return 0


def directory(preset: str, compiler: str = "clang") -> Path:
    """Where a kernel is built: build/release, build/debug, build/sanitize, build/seed…;
    with gcc build/gcc[-release…]."""
    if compiler == "clang":
        return paths.BUILD / preset
    return paths.BUILD / ("gcc" if preset == "debug" else f"gcc-{preset}")


def ensure(*, kernel: str | None, compiler: str = "clang") -> None:
    """Brings the user programs, the default root and, unless None, one kernel up to date."""
    setup_command.ensure()
    with one_at_a_time(paths.BUILD / ".build.lock", "build"):
        _build_user()
        _build_root()
        if kernel is not None:
            _build_kernel(kernel, compiler)


def build_host(preset: str) -> Path:
    """The unit tests (preset host or host-tsan); returns their build directory."""
    setup_command.ensure()
    with one_at_a_time(paths.BUILD / ".build.lock", "build"):
        where = paths.BUILD / preset
        if not (where / "build.ninja").exists():
            _configure(preset, where)
        _ninja(where, f"unit tests ({preset})")
    return where


def _build_user() -> None:
    if not (paths.USER / "build.ninja").exists():
        _run(
            [
                "cmake",
                "-S",
                paths.ROOT / "user",
                "-B",
                paths.USER,
                "-G",
                "Ninja",
                f"-DCMAKE_TOOLCHAIN_FILE={paths.ROOT}/user/toolchain.cmake",
                f"-DSAMARA_PACKAGES={paths.PACKAGES}",
            ],
            "configure user",
        )
    _ninja(paths.USER, "user programs")


def _build_root() -> None:
    inputs = [
        rootfs.init_binary(),
        rootfs.busybox_binary(),
        Path(rootfs.__file__),
        Path(rootfs.__file__).with_name("cpio.py"),
    ]
    newest = max(path.stat().st_mtime_ns for path in inputs)
    if paths.DEFAULT_ROOT.exists() and paths.DEFAULT_ROOT.stat().st_mtime_ns > newest:
        return
    archive = io.BytesIO()
    rootfs.write_default(archive)
    temporary = paths.DEFAULT_ROOT.with_suffix(".new")
    temporary.write_bytes(archive.getvalue())
    temporary.replace(paths.DEFAULT_ROOT)


def _build_kernel(preset: str, compiler: str) -> None:
    where = directory(preset, compiler)
    if not (where / "build.ninja").exists():
        if compiler == "clang":
            _configure(preset, where)
        else:
            kind, profile = profiles.of_preset(preset)
            _configure(
                "gcc",
                where,
                f"-DCMAKE_BUILD_TYPE={'Release' if kind == 'release' else 'Debug'}",
                f"-DSAMARA_UBSAN={'ON' if kind == 'sanitize' else 'OFF'}",
                f"-DSAMARA_PROFILE={profile}",
            )
    _ninja(where, f"kernel ({preset}, {compiler})")
    if (preset, compiler) == ("release", "clang"):
        for link, target in ((paths.IMAGE, where / "Image"), (paths.ELF, where / "samara.elf")):
            _point(link, target)


def _point(link: Path, target: Path) -> None:
    wanted = os.path.relpath(target, link.parent)
    if link.is_symlink() and os.readlink(link) == wanted:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(wanted)


def _configure(preset: str, where: Path, *definitions: str) -> None:
    _run(
        [
            "cmake",
            "--preset",
            preset,
            "-B",
            where,
            f"-DSAMARA_DEPS={paths.DEPS}",
            f"-DSAMARA_PACKAGES={paths.PACKAGES}",
            *definitions,
        ],
        f"configure {where.name}",
    )


def _run(command: list, what: str) -> None:
    done = subprocess.run(
        command,
        cwd=paths.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise SamaraError(f"{what} failed:\n{done.stdout.rstrip()}", status=1)


def _ninja(where: Path, what: str) -> None:
    """Builds; shows progress on a terminal, and what the compilers said when it fails."""
    process = subprocess.Popen(
        ["ninja", "-C", where],
        cwd=paths.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said, steps = [], 0
    progress = None
    try:
        for line in process.stdout:
            match = _NINJA_STEP.match(line)
            if not match:
                said.append(line)
            if not match or "Re-checking globbed" in line:
                continue
            if progress is None:
                ui.say(f"building {what}")
                progress = ui.Progress(f"building {what}", int(match[2]))
            progress.total = int(match[2])
            progress.advance(int(match[1]) - steps)
            steps = int(match[1])
    finally:
        if progress is not None:
            progress.__exit__()
        if process.wait() != 0:
            raise SamaraError(f"building {what} failed:\n" + "".join(said).rstrip(), status=1)

