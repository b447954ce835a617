// SPDX-License-Identifier: MIT
//
// Uses all of a file system that may be damaged in any way: every name and byte is looked at, much
// is changed. Nothing is expected to work; what works is counted.
//
//   use_tree DIR
#include "abi.h"

#include <dirent.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

enum { kMost = 1500, kDeepest = 12 };  // names and levels: a damaged tree may contain itself

static int seen, worked, refused;

static void count(long result) { ++*(result < 0 ? &refused : &worked); }

static void look_at_attributes(int file) {
  char names[4096], value[4096];
  ssize_t size = flistxattr(file, names, sizeof names);
  count(size);
  for (ssize_t at = 0; at < size; at += (ssize_t)strnlen(names + at, (size_t)(size - at)) + 1)
    count(fgetxattr(file, names + at, value, sizeof value));
}

static void look_at_contents(int file, off_t size) {
  static char bytes[1 << 16];
  for (off_t at = 0; at < size && at < (1 << 20); at += (off_t)sizeof bytes)
    count(pread(file, bytes, sizeof bytes, at));
  count(pread(file, bytes, sizeof bytes, size > 5000 ? size - 5000 : 0));
  count(lseek(file, 0, SEEK_HOLE));
  count(lseek(file, size / 2, SEEK_DATA));
  struct {
    struct fiemap map;
    struct fiemap_extent extents[50];
  } query = {.map = {.fm_length = ~0ul, .fm_extent_count = 50}};
  count(ioctl(file, FS_IOC_FIEMAP, &query.map));
}

static void change_contents(int folder, const char* name, off_t size) {
  int file = openat(folder, name, O_RDWR);
  count(file);
  if (file == -1) return;
  static char bytes[9000];
  switch (seen % 6) {
    case 0:
      count(pwrite(file, bytes, sizeof bytes, size));
      break;
    case 1:
      count(pwrite(file, bytes, sizeof bytes, size / 2));
      break;
    case 2:
      count(ftruncate(file, size / 3));
      break;
    case 3:
      count(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 9000));
      break;
    case 4:
      count(fsetxattr(file, "user.new", bytes, 700, 0));
      break;
    default:
      count(pwrite(file, bytes, 5000, 1 << 20));
  }
  count(fsync(file));
  close(file);
}

static void change_names(int folder) {
  char name[250];
  for (int i = 0; i < 12; ++i) {
    snprintf(name, sizeof name, "new%0100d", i);
    int file = openat(folder, name, O_RDWR | O_CREAT, 0600);
    count(file);
    if (file != -1) count(write(file, name, sizeof name)), close(file);
  }
  count(mkdirat(folder, "folder", 0700));
  count(symlinkat("target", folder, "link"));
  count(renameat(folder, name, folder, "folder/moved"));
  snprintf(name, sizeof name, "new%0100d", 3);
  count(linkat(folder, name, folder, "second", 0));
  count(unlinkat(folder, name, 0));
}

static void use(int folder, int depth);

static void use_one(int folder, const char* name, int depth) {
  struct stat status;
  char target[4096];
  count(fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW));
  count(readlinkat(folder, name, target, sizeof target));
  int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  count(file);
  if (file != -1) {
    fstat(file, &status);
    look_at_attributes(file);
    if (S_ISREG(status.st_mode)) {
      look_at_contents(file, status.st_size);
      change_contents(folder, name, status.st_size);
    } else if (S_ISDIR(status.st_mode) && depth < kDeepest) {
      use(file, depth + 1);
    }
    close(file);
  }
  if (seen % 3 == 0) count(unlinkat(folder, name, 0));
  if (seen % 3 == 1) count(renameat(folder, name, folder, "renamed"));
}

static void use(int folder, int depth) {
  DIR* listing = fdopendir(dup(folder));
  for (struct dirent* entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (seen++ == kMost) break;
    use_one(folder, entry->d_name, depth);
  }
  if (listing != NULL) closedir(listing);
  change_names(folder);
  count(fsync(folder));
}

int main(int argc, char** argv) {
  alarm(0);  // how long it may take is up to who runs it
  int folder = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
  if (folder == -1) {
    say("no root");
    return 0;
  }
  struct statfs status;
  count(fstatfs(folder, &status));
  use(folder, 0);
  sync();
  say("%d names, %d calls worked, %d did not", seen, worked, refused);
  return 0;
}
