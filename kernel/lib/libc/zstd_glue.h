/* SPDX-License-Identifier: MIT */
/* Included before each file of zstd: its memory comes from the functions that the caller gives to
 * ZSTD_createDCtx_advanced, so its own allocator is never called. */
#pragma once

#include <string.h>

#define ZSTD_DEPS_MALLOC
#define ZSTD_malloc(size) ((void)(size), (void*)0)
#define ZSTD_calloc(count, size) ((void)(count), (void)(size), (void*)0)
#define ZSTD_free(memory) ((void)(memory))
