# SPDX-License-Identifier: MIT
"""How much of the kernel is built: kernel/profile has a folder for each. A build of another profile
than the full one is a preset of its own, named after both."""

FULL = "full"
NAMES = (FULL, "seed")


def preset(kind: str, profile: str) -> str:
    """`kind`: release, debug or sanitize. What CMakePresets.json and build/ call it."""
    if profile == FULL:
        return kind
    return profile if kind == "release" else f"{profile}-{kind}"


def of_preset(name: str) -> tuple[str, str]:
    """The other way round."""
    for profile in NAMES:
        for kind in ("release", "debug", "sanitize"):
            if preset(kind, profile) == name:
                return kind, profile
    raise ValueError(name)
