# SPDX-License-Identifier: MIT
"""Layers: a kernel file includes its own layer or a lower one; nobody includes drivers. Of the C++
library only the headers that stand without a C library."""

import re
from pathlib import Path

from source import File, Finding

ORDER = (
    ("lib",),
    ("arch",),
    ("sync",),
    ("mm",),
    ("sched",),
    ("task",),
    ("vm",),
    ("dev",),
    ("fs", "drivers"),
    ("net", "display", "ipc"),
    ("process",),
    ("procfs",),
    ("syscall",),
    ("boot",),
    ("profile",),
)
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}

STANDARD = set(
    """cstdint cstddef type_traits concepts utility bit limits compare new array span optional
    expected tuple variant numeric source_location initializer_list""".split()
)
# Libraries from Debian's source packages, and where their headers may be named.
INITRAMFS = ("kernel/fs/initramfs/",)
LIBRARIES = {
    "libfdt.h": ("kernel/dev/", "kernel/boot/", "kernel/arch/aarch64/early_map.cc"),
    "zlib.h": INITRAMFS,
    "zstd.h": INITRAMFS,
    "zstd_errors.h": INITRAMFS,
    "lwip/": ("kernel/net/lwip_port/",),
    "cstdarg": ("kernel/boot/panic.cc",),  # panic() takes printf's arguments: C code calls it too
}
# The bodies of an architecture need per-CPU data and memory; its headers stay at the bottom.
ARCH_BODY = re.compile(r"^kernel/arch/\w+/\w+\.cc$")
ARCH_BODY_REACHES = ("sync", "mm")
# The vDSO is a program of its own; it shares this with the kernel.
VDSO_SHARES = "sched/vdso_data.h"

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def layer_of(path: str) -> str | None:
    parts = Path(path).parts
    return parts[1] if len(parts) > 2 and parts[0] == "kernel" else None


def included_layer(name: str, includer: File) -> str | None:
    first = name.split("/")[0]
    if first == "arch_impl":
        return "arch"
    if "/" not in name or first == "..":
        return layer_of(includer.path)  # beside the file
    return first


def check(root: Path, files: list[File]) -> list[Finding]:
    findings = []
    for file in files:
        if not file.is_cpp or file.is_test:
            continue
        layer = layer_of(file.path)
        if layer not in RANK:
            findings.append(Finding(file.path, 1, "layers", f"{layer} is not a layer"))
            continue
        for number, line in enumerate(file.lines, 1):
            match = INCLUDE.match(line)
            if match is None:
                continue
            quote, name = match.groups()
            if quote == "<":
                problem = system_problem(name, file)
            else:
                problem = local_problem(name, file, layer)
            if problem:
                findings.append(Finding(file.path, number, "layers", problem))
    return findings


def local_problem(name: str, file: File, layer: str) -> str | None:
    target = included_layer(name, file)
    if target == layer:
        return None
    if target not in RANK:
        return f"{name} is in no layer"
    if ARCH_BODY.match(file.path) and target in ARCH_BODY_REACHES:
        return None
    if "/vdso/" in file.path and name == VDSO_SHARES:
        return None
    if target == "drivers":
        return f"nobody includes drivers: {name}"
    if RANK[target] >= RANK[layer]:
        return f"{layer} must not include {target}: {name}"
    return None


def system_problem(name: str, file: File) -> str | None:
    if name in STANDARD:
        return None
    for header, places in LIBRARIES.items():
        if name.startswith(header):
            return None if file.path.startswith(places) else f"<{name}> belongs in {places[0]}"
    if file.path.startswith("kernel/lib/libc/"):
        return None
    return f"<{name}> is not one of the freestanding headers"
