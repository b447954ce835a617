# SPDX-License-Identifier: MIT
"""Ring 2: the tests inside the kernel, booted with `test=all` on 1 and on 4 CPUs, with assertions
and lock-order checks on. The kernel prints `ok NAME`, `not ok NAME` or `skip NAME REASON` for each
and a last line `tests: N passed, N failed`; without that line something is wrong, whatever else was
printed."""

import re
import time

from .. import build_command, kernel_log, kernels, symbols
from ..machine import Machine
from ..qemu import Qemu
from .report import Report

# CPUs and memory. With 6G some of it lies above 4 GiB (RAM starts at 1 GiB).
MACHINES = ((1, "512M"), (4, "6G"))
_LIMIT = 300.0  # seconds without a new line: a hang detector
_STAMP = re.compile(r"^\[ *\d+\.\d+\] ")
_RESULT = re.compile(r"^(ok|not ok|skip) (\S.*)$")
_CLOSING = re.compile(r"^tests: (\d+) passed, (\d+) failed")


def run(report: Report) -> None:
    build_command.ensure(kernel="debug")
    kernel = kernels.choose("samara", "debug")
    for cpus, memory in MACHINES:
        _boot(report, kernel, cpus, memory)


def _boot(report: Report, kernel: kernels.Kernel, cpus: int, memory: str) -> None:
    wanted = report.pattern or "all"
    log = kernel_log.KernelLog(kernel_log.new_log_file())
    machine = Machine(smp=cpus, memory=memory, append=[*kernel.append, f"test={wanted}"])
    qemu = Qemu(machine, kernel.image, None, log.path)
    shown, closing = 0, None
    last_news = time.monotonic()
    try:
        while closing is None and time.monotonic() - last_news < _LIMIT:
            ended = qemu.wait(0.1)
            log.poll()
            if len(log.lines) > shown:
                last_news = time.monotonic()
            for line in log.lines[shown:]:
                line = _STAMP.sub("", line)
                closing = closing or _CLOSING.match(line)
                _report_line(report, cpus, line)
            shown = len(log.lines)
            if ended or log.panicked:
                qemu.wait(1.0)
                break
    finally:
        qemu.stop()
        log.poll()
    _conclude(report, kernel, log, cpus, closing)


def _report_line(report: Report, cpus: int, line: str) -> None:
    result = _RESULT.match(line)
    if result:
        report.add(result[1], "kernel", f"smp{cpus} {result[2]}")
    elif not _CLOSING.match(line):
        report.feed("kernel", line)


def _conclude(report: Report, kernel, log, cpus: int, closing) -> None:
    if log.panicked:
        report.add("not ok", "kernel", f"smp{cpus}: kernel panic")
        for line in symbols.symbolize_text(log.tail(), kernel.elf, log.text()).splitlines():
            report.detail(line)
    elif closing is None:
        report.add(
            "not ok", "kernel", f"smp{cpus}: the tests did not come to their end; see {log.path}"
        )
        for line in log.tail().splitlines()[-15:]:
            report.detail(line)
    log.close()
