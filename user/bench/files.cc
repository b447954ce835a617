// SPDX-License-Identifier: MIT
//
// Files of a tmpfs, and one device. Everything lies below /tmp/bench.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/row.h"
#include "lib/text.h"

namespace {

constexpr char kFile[] = "/tmp/bench/file";
constexpr size_t kChunk = 64 << 10;
constexpr unsigned kChunks = (64 << 20) / kChunk;
constexpr unsigned kEntries = 500;
alignas(4096) char buffer[kChunk];
int file = -1;

bool make_directory() { return mkdir("/tmp/bench", 0755) == 0 || errno == EEXIST; }

bool open_file(const char* path, int flags) {
  if (!make_directory()) return false;
  file = open(path, flags | O_CLOEXEC, 0644);
  return file >= 0;
}

void close_file() { close(file); }

bool prepare_small() {
  return open_file(kFile, O_RDWR | O_CREAT) && write(file, buffer, 4096) == 4096;
}
bool prepare_zero() { return open_file("/dev/zero", O_RDONLY); }
bool prepare_big() { return open_file("/tmp/bench/big", O_RDWR | O_CREAT); }
void finish_big() {
  close_file();
  unlink("/tmp/bench/big");
}

void read_byte_loop(unsigned count) {
  lseek(file, 0, SEEK_SET);
  for (unsigned i = 0; i < count; ++i) expect(read(file, buffer, 1) == 1, "read");
}

void write_byte_loop(unsigned count) {
  lseek(file, 0, SEEK_SET);
  for (unsigned i = 0; i < count; ++i) expect(write(file, buffer, 1) == 1, "write");
}

void pread_loop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) expect(pread(file, buffer, 4096, 0) == 4096, "pread");
}

void open_loop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    int opened = open(kFile, O_RDONLY);
    expect(opened >= 0, "open");
    close(opened);
  }
}

void stat_loop(unsigned count) {
  struct stat status;
  for (unsigned i = 0; i < count; ++i) {
    expect(fstatat(AT_FDCWD, kFile, &status, 0) == 0, "stat");
  }
}

void create_loop(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    int created = open("/tmp/bench/new", O_WRONLY | O_CREAT | O_EXCL, 0644);
    expect(created >= 0, "create");
    close(created);
    expect(unlink("/tmp/bench/new") == 0, "unlink");
  }
}

bool prepare_entries() {
  if (!make_directory()) return false;
  mkdir("/tmp/bench/many", 0755);
  for (unsigned i = 0; i < kEntries; ++i) {
    Text<40> name;
    name << "/tmp/bench/many/entry" << i;
    close(open(name.c_str(), O_WRONLY | O_CREAT, 0644));
  }
  return open_file("/tmp/bench/many", O_RDONLY | O_DIRECTORY);
}

void list_loop(unsigned count) {
  for (unsigned i = 0; i < count; i += kEntries + 2) {
    lseek(file, 0, SEEK_SET);
    while (syscall(SYS_getdents64, file, buffer, sizeof(buffer)) > 0) {
    }
  }
}

// 64 KiB each.
void write_big_loop(unsigned count) {
  expect(ftruncate(file, 0) == 0, "ftruncate");
  lseek(file, 0, SEEK_SET);
  for (unsigned i = 0; i < count; ++i) {
    expect(write(file, buffer, kChunk) == static_cast<ssize_t>(kChunk), "write");
  }
}

void read_big_loop(unsigned count) {
  lseek(file, 0, SEEK_SET);
  for (unsigned i = 0; i < count; ++i) {
    expect(read(file, buffer, kChunk) == static_cast<ssize_t>(kChunk), "read");
  }
}

bool prepare_read_big() {
  if (!prepare_big()) return false;
  write_big_loop(kChunks);
  return true;
}

constexpr Row kRows[] = {
    {"read 1 byte, tmpfs", 4000, read_byte_loop, prepare_small, close_file},
    {"write 1 byte, tmpfs", 4000, write_byte_loop, prepare_small, close_file},
    {"read 1 byte, /dev/zero", 5000, read_byte_loop, prepare_zero, close_file},
    {"pread 4 KiB, tmpfs", 2000, pread_loop, prepare_small, close_file},
    {"open and close, tmpfs", 2000, open_loop, prepare_small, close_file},
    {"stat of 3 components", 2000, stat_loop, prepare_small, close_file},
    {"create and unlink, tmpfs", 1000, create_loop, make_directory},
    {"getdents, per entry", 10 * (kEntries + 2), list_loop, prepare_entries, close_file},
    {"write 64 MiB, tmpfs", kChunks, write_big_loop, prepare_big, finish_big, kChunk},
    {"read 64 MiB, tmpfs", kChunks, read_big_loop, prepare_read_big, finish_big, kChunk},
};

}  // namespace

Rows file_rows() { return {kRows, sizeof(kRows) / sizeof(kRows[0])}; }
