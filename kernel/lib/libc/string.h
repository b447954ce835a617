/* SPDX-License-Identifier: MIT */
/* The C library functions that libraries in the kernel (libfdt, zlib, zstd) use. memcpy and its
 * kind are in arch, the rest in string.cc. Kernel code includes lib/string_view.h instead. */
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void* memcpy(void* to, const void* from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* to, int value, size_t size);
int memcmp(const void* a, const void* b, size_t size);
void* memchr(const void* memory, int value, size_t size);
size_t strlen(const char* text);
size_t strnlen(const char* text, size_t limit);
int strcmp(const char* a, const char* b);
int strncmp(const char* a, const char* b, size_t limit);
char* strchr(const char* text, int value);
char* strrchr(const char* text, int value);

#ifdef __cplusplus
}
#endif
