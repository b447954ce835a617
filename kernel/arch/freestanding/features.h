// SPDX-License-Identifier: MIT
// libstdc++'s configuration header asks for the C library's <features.h>; there is no C library
// here.
#pragma once
#define __GLIBC_PREREQ(major, minor) 0
