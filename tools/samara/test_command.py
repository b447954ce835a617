# SPDX-License-Identifier: MIT
"""`samara test`: the rings of tests, inner ones first, one line per test and one at the end."""

from . import setup_command
from .errors import SamaraError
from .testing import in_kernel, scripts, unit
from .testing.report import Report

RINGS = ("unit", "kernel", "abi", "system")


def run(arguments) -> int:
    unknown = [ring for ring in arguments.ring if ring not in RINGS]
    if unknown:
        raise SamaraError(f"no ring '{unknown[0]}': there are {', '.join(RINGS)}")
    setup_command.ensure()
    report = Report(arguments.pattern, arguments.verbose, notes=arguments.sweep)
    for ring in arguments.ring or RINGS:
        try:
            _run_ring(report, ring, arguments.sweep)
        except SamaraError as failure:
            # One ring that cannot be built is one failure; the others still have something to say.
            report.add("not ok", ring, "could not be run")
            for line in str(failure).splitlines()[-20:]:
                report.detail(line)
    return report.close()


def _run_ring(report: Report, ring: str, sweep: bool) -> None:
    if ring == "unit":
        unit.run(report)
    elif ring == "kernel":
        in_kernel.run(report)
    else:
        scripts.run(report, ring, sweep)
