// SPDX-License-Identifier: MIT
// What tcc's configure finds on Debian 12 for arm64.
#define TCC_VERSION "0.9.27"
#define TCC_TARGET_ARM64 1
#define CONFIG_TRIPLET "aarch64-linux-gnu"
#define CONFIG_TCCDIR "/usr/lib/aarch64-linux-gnu/tcc"
