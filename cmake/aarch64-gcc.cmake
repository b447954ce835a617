# SPDX-License-Identifier: MIT
# The second compiler: g++-12 cross, so that the code is not one compiler's dialect.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc-12)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++-12)
set(CMAKE_ASM_COMPILER aarch64-linux-gnu-gcc-12)
set(SAMARA_OBJCOPY llvm-objcopy-19)
set(SAMARA_LINKER ld.lld-19)
set(SAMARA_NM llvm-nm-19)
