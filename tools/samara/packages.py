# SPDX-License-Identifier: MIT
"""What Samara takes from Debian, by name and pinned version: data, and nothing else.
`docs/dependencies.md` says what each is for. A pin that Debian no longer serves is replaced by the
candidate, with a warning."""

from dataclasses import dataclass

# Packages of the build machine, installed by `apt-get install` where missing. The distribution's
# own release (Debian 12) fixes their versions; the compilers' major version is in their name.
HOST_PACKAGES = {
    "kernel and user build": [
        "clang-19",
        "lld-19",
        "llvm-19",
        "g++-12-aarch64-linux-gnu",
        "libc6-dev-arm64-cross",
        "linux-libc-dev-arm64-cross",
        "cmake",
        "ninja-build",
        "device-tree-compiler",
    ],
    "unit tests": ["g++-12", "libgtest-dev", "zlib1g-dev", "libzstd-dev"],
    "emulator": ["qemu-system-arm", "ipxe-qemu", "qemu-user-static"],
    "fetching and unpacking": ["dpkg-dev", "xz-utils", "zstd", "cpio", "debian-archive-keyring"],
    "images and their tests": ["e2fsprogs"],
}


@dataclass(frozen=True)
class Embedded:
    """The same upstream code as another source package carries it: what to take when a mirror does
    not have the archive of the first choice. `folders` maps folders of that package to ours."""

    package: str
    version: str
    folders: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Source:
    """A Debian source package, unpacked to build/deps/<directory>."""

    directory: str
    package: str
    version: str
    fallback: Embedded | None = None


@dataclass(frozen=True)
class Binary:
    """A binary package for arm64 or for all architectures, unpacked to build/packages/<directory>.

    With `via`, `package` is what the meta package `via` depended on when the version was pinned;
    when it is gone, the meta package of today is asked again.
    """

    directory: str
    package: str
    version: str
    via: str | None = None


SOURCES = [
    Source(
        "dtc",
        "device-tree-compiler",
        "1.6.1-4",
        # libfdt of dtc 1.6.1 too, without fdt_check.c.
        fallback=Embedded(
            "arm-trusted-firmware",
            "2.8.0+dfsg-1",
            (("lib/libfdt", "libfdt"), ("include/lib/libfdt", "libfdt")),
        ),
    ),
    Source("zlib", "zlib", "1:1.2.13.dfsg-1"),
    Source("zstd", "libzstd", "1.5.4+dfsg2-5"),
]

LINUX = Binary(
    "linux", "linux-image-6.1.0-56-cloud-arm64", "6.1.192-2", via="linux-image-cloud-arm64"
)

BINARIES = [
    Binary("busybox-static", "busybox-static", "1:1.35.0-4+deb12u1+b1"),
    Binary("musl-dev", "musl-dev", "1.2.3-1"),
    Binary("console-fonts", "console-setup-linux", "1.221"),
    LINUX,
]

# The same kernel with more modules, 9p among them: fetched when a share is first asked of Linux.
LINUX_WITH_9P = Binary(
    "linux-generic", "linux-image-6.1.0-56-arm64", "6.1.192-2", via="linux-image-arm64"
)
