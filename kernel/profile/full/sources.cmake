# SPDX-License-Identifier: MIT
# The whole kernel: every source of every layer. A new file is found by itself.
set(PROFILE_SOURCES)
foreach(layer IN ITEMS lib arch/aarch64 sync mm sched task vm dev drivers fs net display ipc process
    procfs syscall boot)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${layer}/*.cc ${layer}/*.S)
  list(APPEND PROFILE_SOURCES ${files})
endforeach()
list(FILTER PROFILE_SOURCES EXCLUDE REGEX "_test\\.cc$|/vdso/")
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  list(FILTER PROFILE_SOURCES EXCLUDE REGEX "_ktest\\.cc$")
endif()
set(PROFILE_LIBRARIES zlib zstd)
set(PROFILE_OPTIMISATION -O2)
set(PROFILE_SYMBOLS_SIZE 0x60000)
