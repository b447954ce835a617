// SPDX-License-Identifier: MIT
//
// Mappings and page faults.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/row.h"

namespace {

constexpr size_t kPage = 4096;
constexpr unsigned kPages = 64 * 256;  // 64 MiB

char* map(size_t size, int flags, int file) {
  void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, file, 0);
  expect(mapped != MAP_FAILED, "mmap");
  return static_cast<char*>(mapped);
}

void map_loop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    munmap(map(kPage, MAP_PRIVATE | MAP_ANONYMOUS, -1), kPage);
  }
}

void touch(char* memory, unsigned pages) {
  for (unsigned i = 0; i < pages; ++i) {
    static_cast<volatile char*>(memory)[i * kPage] = 1;
  }
}

// Mapping and unmapping is part of it: a page costs its share of both.
void touch_fresh_loop(unsigned count) {
  char* memory = map(count * kPage, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  touch(memory, count);
  munmap(memory, count * kPage);
}

int file = -1;

bool prepare_cached() {
  mkdir("/tmp/bench", 0755);
  file = open("/tmp/bench/cached", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0 || ftruncate(file, kPages * kPage) != 0) return false;
  char* memory = map(kPages * kPage, MAP_SHARED, file);
  touch(memory, kPages);
  munmap(memory, kPages * kPage);
  return true;
}

void finish_cached() {
  close(file);
  unlink("/tmp/bench/cached");
}

void touch_cached_loop(unsigned count) {
  char* memory = map(count * kPage, MAP_SHARED, file);
  char sum = 0;
  for (unsigned i = 0; i < count; ++i) {
    sum = static_cast<char>(sum + static_cast<volatile char*>(memory)[i * kPage]);
  }
  munmap(memory, count * kPage);
}

constexpr Row kRows[] = {
    {"mmap and munmap 4 KiB", 2000, map_loop},
    {"touch a fresh page", kPages, touch_fresh_loop},
    {"touch a cached file page", kPages, touch_cached_loop, prepare_cached, finish_cached},
};

}  // namespace

Rows memory_rows() { return {kRows, sizeof(kRows) / sizeof(kRows[0])}; }
