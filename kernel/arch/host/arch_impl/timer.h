// SPDX-License-Identifier: MIT
// The system counter on the build machine: nanoseconds of the host's monotonic clock. Body in
// cpu.cc.
#pragma once
