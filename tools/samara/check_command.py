# SPDX-License-Identifier: MIT
"""`samara check`: hands over to tools/check."""

import subprocess
import sys

from . import paths
from .errors import SamaraError


def run(arguments) -> int:
    for name in ("check", "check.py", "check/__main__.py", "check/check.py"):
        tool = paths.ROOT / "tools" / name
        if tool.is_file():
            return subprocess.run([sys.executable, tool]).returncode
    raise SamaraError("tools/check is not there")
