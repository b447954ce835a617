// SPDX-License-Identifier: MIT
//
// --put and --get: files, folders and symbolic links between the host and the guest's file systems.
// The bytes travel on the file port, what they are on the control port. Both calls wait until the
// whole transfer is done: they happen before the program starts and after it has ended.
#pragma once

#include <stddef.h>

namespace files {

// One Put message; false when the host has gone.
bool put(const char* payload, size_t length);

// One Get message: sends an Entry for each object below `path`, then GetEnd.
bool get(const char* path);

}  // namespace files
