// SPDX-License-Identifier: MIT
// String functions for C libraries in the kernel; byte by byte, so that they also work before the
// MMU is on (alignment). No locks, any context.

#include "lib/libc/string.h"

extern "C" {

void* memchr(const void* memory, int value, size_t size) {
  auto* bytes = static_cast<const unsigned char*>(memory);
  for (size_t i = 0; i < size; ++i) {
    if (bytes[i] == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(bytes + i);
  }
  return nullptr;
}

size_t strnlen(const char* text, size_t limit) {
  size_t length = 0;
  while (length < limit && text[length] != '\0') ++length;
  return length;
}

size_t strlen(const char* text) {
  // Through a volatile-free loop that no compiler may turn into a call of strlen itself.
  return strnlen(text, ~size_t{0});
}

int strncmp(const char* a, const char* b, size_t limit) {
  for (size_t i = 0; i < limit; ++i) {
    int difference = static_cast<unsigned char>(a[i]) - static_cast<unsigned char>(b[i]);
    if (difference != 0 || a[i] == '\0') return difference;
  }
  return 0;
}

int strcmp(const char* a, const char* b) { return strncmp(a, b, ~size_t{0}); }

char* strrchr(const char* text, int value) {
  const char* found = nullptr;
  for (;; ++text) {
    if (*text == static_cast<char>(value)) found = text;
    if (*text == '\0') return const_cast<char*>(found);
  }
}

char* strchr(const char* text, int value) {
  for (;; ++text) {
    if (*text == static_cast<char>(value)) return const_cast<char*>(text);
    if (*text == '\0') return nullptr;
  }
}

}
