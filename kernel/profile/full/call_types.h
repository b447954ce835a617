// SPDX-License-Identifier: MIT
// The structures of the Linux ABI on arm64 that the signatures in calls.def name, one header per
// family. Layouts are our own text; tests/abi_layout_test.cc asserts each size and offset against
// Linux's headers. No implicit padding: holes are written as fields.
#pragma once

#include "syscall/abi/file.h"
#include "syscall/abi/ipc.h"
#include "syscall/abi/memory.h"
#include "syscall/abi/net.h"
#include "syscall/abi/process.h"
#include "syscall/abi/sched.h"
#include "syscall/abi/signal.h"
#include "syscall/abi/time.h"
