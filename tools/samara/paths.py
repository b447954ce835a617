# SPDX-License-Identifier: MIT
"""Where things are: the checkout, the build directory (SAMARA_BUILD_DIR overrides it), and what
lies in them. Nothing here touches the file system."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SAMARA_BUILD_DIR") or ROOT / "build").resolve()

APT = BUILD / "apt"  # the private apt state and its download cache
DEPS = BUILD / "deps"  # unpacked sources: deps/dtc, deps/zlib, deps/zstd
PACKAGES = BUILD / "packages"  # unpacked arm64 packages: packages/busybox-static, …
IMAGES = BUILD / "images"  # root file systems that `samara image` has built
USER = BUILD / "user"  # our user programs
DEFAULT_ROOT = BUILD / "root.cpio"  # the default root file system
LOGS = BUILD / "log"  # kernel logs of runs
IMAGE = BUILD / "Image"  # the latest release kernel, as a bootable image …
ELF = BUILD / "samara.elf"  # … and with symbols
