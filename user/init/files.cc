// SPDX-License-Identifier: MIT
//
// File transfer; see files.h. An error on the guest's side never desynchronises the stream: what
// was announced is always read, or padded.
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"
#include "port.h"
#include "lib/text.h"

namespace files {
namespace {

using protocol::EntryPayload;
using protocol::Type;
using Path = Text<PATH_MAX>;

constexpr size_t kChunk = 32 * 1024;
char chunk[kChunk];

bool report(Type type, int error, const char* path) {
  auto code = static_cast<uint32_t>(error);
  const port::Part parts[] = {{&code, sizeof(code)}, {path, strlen(path) + 1}};
  return port::send(type, parts);
}

int write_file(int file, const char* data, size_t length) {
  while (length > 0) {
    ssize_t put = write(file, data, length);
    if (put < 0) {
      if (errno == EINTR) {
        continue;
      }
      return errno;
    }
    data += put;
    length -= static_cast<size_t>(put);
  }
  return 0;
}

// Receives `size` bytes into `file` (or nowhere, after an error); `error` keeps the first failure.
bool receive(int file, uint64_t size, int& error) {
  while (size > 0) {
    size_t step = size < kChunk ? static_cast<size_t>(size) : kChunk;
    if (!port::read_all(port::from_host(protocol::kFilePort), chunk, step)) {
      return false;
    }
    if (error == 0) {
      error = write_file(file, chunk, step);
    }
    size -= step;
  }
  return true;
}

void set_times(const char* path, int64_t mtime_ns) {
  constexpr int64_t kSecond = 1000000000;
  timespec time{mtime_ns / kSecond, mtime_ns % kSecond};
  const timespec times[] = {time, time};
  utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

bool put_regular(const EntryPayload& entry, const char* path) {
  int error = 0;
  unlink(path);
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, entry.mode & 07777);
  if (file < 0) {
    error = errno;
  }
  if (!receive(file, entry.size, error)) {
    return false;
  }
  if (file >= 0) {
    fchmod(file, entry.mode & 07777);
    if (close(file) != 0 && error == 0) {
      error = errno;
    }
  }
  set_times(path, entry.mtime_ns);
  return error == 0 || report(Type::PutFailed, error, path);
}

// Sends a file's bytes; when it turns out shorter than announced the rest is zeros and `error` says
// so.
bool send_regular(int file, uint64_t size, int& error) {
  while (size > 0) {
    size_t step = size < kChunk ? static_cast<size_t>(size) : kChunk;
    ssize_t got = error == 0 ? read(file, chunk, step) : 0;
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      error = got < 0 ? errno : EIO;
      memset(chunk, 0, step);
      got = static_cast<ssize_t>(step);
    }
    if (!port::write_all(port::to_host(protocol::kFilePort), chunk, static_cast<size_t>(got))) {
      return false;
    }
    size -= static_cast<uint64_t>(got);
  }
  return true;
}

bool get_entry(Path& path, size_t base);

bool get_folder(Path& path, size_t base) {
  DIR* folder = opendir(path.c_str());
  if (folder == nullptr) {
    return report(Type::GetFailed, errno, path.c_str());
  }
  bool alive = true;
  size_t length = path.length();
  while (alive) {
    dirent* item = readdir(folder);
    if (item == nullptr) {
      break;
    }
    if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0) {
      path << "/" << item->d_name;
      alive = path.complete() ? get_entry(path, base)
                              : report(Type::GetFailed, ENAMETOOLONG, item->d_name);
      path.truncate(length);
    }
  }
  closedir(folder);
  return alive;
}

bool get_entry(Path& path, size_t base) {
  struct stat status;
  // The wanted path itself may be a link to the result; below it links are links.
  bool top = path.length() == base;
  if ((top ? stat(path.c_str(), &status) : lstat(path.c_str(), &status)) != 0) {
    return report(Type::GetFailed, errno, path.c_str());
  }
  char target[PATH_MAX] = "";
  int file = -1;
  if (S_ISREG(status.st_mode)) {
    file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
      return report(Type::GetFailed, errno, path.c_str());
    }
  } else if (S_ISLNK(status.st_mode)) {
    ssize_t got = readlink(path.c_str(), target, sizeof(target) - 1);
    target[got < 0 ? 0 : got] = '\0';
  } else if (!S_ISDIR(status.st_mode)) {
    return report(Type::GetFailed, EINVAL, path.c_str());
  }
  EntryPayload entry{};
  entry.mode = status.st_mode;
  entry.size = S_ISREG(status.st_mode) ? static_cast<uint64_t>(status.st_size) : 0;
  entry.mtime_ns = status.st_mtim.tv_sec * 1000000000LL + status.st_mtim.tv_nsec;
  const char* name = path.c_str() + base;
  const port::Part parts[] = {
      {&entry, sizeof(entry)}, {name, strlen(name) + 1}, {target, strlen(target) + 1}};
  bool alive = port::send(Type::Entry, parts);
  if (file >= 0) {
    int error = 0;
    alive = alive && send_regular(file, entry.size, error);
    close(file);
    return alive && (error == 0 || report(Type::GetFailed, error, path.c_str()));
  }
  return alive && (!S_ISDIR(status.st_mode) || get_folder(path, base));
}

}  // namespace

bool put(const char* payload, size_t length) {
  EntryPayload entry;
  if (length < sizeof(entry) + 2 || payload[length - 1] != '\0') {
    return false;
  }
  memcpy(&entry, payload, sizeof(entry));
  const char* path = payload + sizeof(entry);
  machine::make_parents(path);
  if (S_ISREG(entry.mode)) {
    return put_regular(entry, path);
  }
  int failed = 0;
  if (S_ISDIR(entry.mode)) {
    failed = mkdir(path, entry.mode & 07777) != 0 && errno != EEXIST;
    if (!failed) {
      chmod(path, entry.mode & 07777);
    }
  } else {
    const char* target = path + strlen(path) + 1;
    unlink(path);
    failed = target >= payload + length || symlink(target, path) != 0;
  }
  return !failed || report(Type::PutFailed, errno, path);
}

bool get(const char* wanted) {
  Path path;
  path << wanted;
  return get_entry(path, path.length()) && port::send(Type::GetEnd);
}

}  // namespace files
