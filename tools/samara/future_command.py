# SPDX-License-Identifier: MIT
"""Commands that the design names and that cannot work yet: they say so and fail."""

from .errors import SamaraError

_WHY = {
    "image": "the kernel has no block devices yet, so a root image would be of no use",
}


def run(arguments) -> int:
    raise SamaraError(f"'{arguments.command}' is not available: {_WHY[arguments.command]}")
