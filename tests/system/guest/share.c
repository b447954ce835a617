// SPDX-License-Identifier: MIT
//
// What share_test.py does in a directory that the host shares. Everything it prints is the same on
// every kernel.
//
//   share operations DIR      calls and their errors
//   share copy FROM TO        a tree, with modes, times, links
//   share workers DIR COUNT   so many processes at once
//   share map FILE            stores through shared mappings
//   share look                reads a path per line, and tells what is there
//   share read FILE           reads it over and over, until it is killed

#include "abi.h"

#include <dirent.h>
#include <sys/file.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

// ---- operations ----------------------------------------------------------------------------

static void put(const char* name, const char* text) {
  int file = (int)MUST(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  MUST(write(file, text, strlen(text)));
  MUST(close(file));
}

static void show_file(const char* name) {
  char text[256];
  int file = open(name, O_RDONLY);
  if (file == -1) {
    say("%s: %s", name, error_name(errno));
    return;
  }
  ssize_t size = read(file, text, sizeof text - 1);
  text[size < 0 ? 0 : size] = '\0';
  say("%s: %zd bytes: %s", name, size, text);
  close(file);
}

static void show_stat(const char* name) {
  struct stat status;
  if (lstat(name, &status) == -1) {
    say("%s: %s", name, error_name(errno));
    return;
  }
  bool sized = !S_ISDIR(status.st_mode);
  say("%s: mode %o, %ju links, %jd bytes", name, status.st_mode, sized ? status.st_nlink : 0ul,
      sized ? (intmax_t)status.st_size : 0);
}

static void names(void) {
  section("names");
  SHOW(open("absent", O_RDONLY));
  SHOW(open("absent/below", O_RDONLY));
  put("plain", "text");
  SHOW(open("plain/below", O_RDONLY));
  SHOW(open("plain", O_WRONLY | O_CREAT | O_EXCL, 0644));
  SHOW(mkdir("plain", 0755));
  SHOW(mkdir("folder", 0750));
  SHOW(mkdir("folder", 0750));
  SHOW(open("folder", O_WRONLY));
  SHOW(rmdir("plain"));
  SHOW(unlink("folder"));
  put("folder/inside", "x");
  SHOW(rmdir("folder"));
  SHOW(symlink("plain", "link"));
  SHOW(symlink("plain", "link"));
  SHOW(symlink("", "nothing"));
  SHOW(open("link", O_RDONLY | O_NOFOLLOW));
  show_file("link");
  char target[64] = "";
  SHOW(readlink("link", target, sizeof target));
  say("to %s", target);
  SHOW(readlink("plain", target, sizeof target));
  SHOW(link("plain", "second"));
  SHOW(link("plain", "second"));
  SHOW(link("folder", "other"));
  show_stat("plain");
  SHOW(unlink("plain"));
  show_stat("second");
  show_file("second");
  char name[300];
  memset(name, 'n', sizeof name);
  name[255] = '\0';
  SHOW_AS("255 bytes", mkdir(name, 0700));
  SHOW_AS("255 bytes", rmdir(name));
  name[255] = 'n', name[256] = '\0';
  SHOW_AS("256 bytes", mkdir(name, 0700));
  put("\xff\xfe\x01 odd\n", "odd");
  show_file("\xff\xfe\x01 odd\n");
  SHOW(unlink("\xff\xfe\x01 odd\n"));
}

static void renames(void) {
  section("rename");
  put("old", "old");
  put("new", "new");
  int file = (int)MUST(open("new", O_RDONLY));
  SHOW(rename("old", "new"));
  show_file("new");
  char text[8] = "";
  SHOW(read(file, text, sizeof text));
  say("%s", text);
  close(file);
  SHOW(rename("absent", "new"));
  SHOW(rename("new", "folder"));
  SHOW(rename("folder", "new"));
  SHOW(mkdir("empty", 0755));
  SHOW(rename("folder", "empty"));
  show_file("empty/inside");
  SHOW(mkdir("empty/deep", 0755));
  SHOW(rename("empty", "empty/deep/x"));
  SHOW(rename("empty/inside", "empty/deep/inside"));
  show_file("empty/deep/inside");
  int folder = (int)MUST(open("empty/deep", O_RDONLY | O_DIRECTORY));
  SHOW(rename("empty/deep", "moved"));
  SHOW_AS("open below a directory that moved", openat(folder, "inside", O_RDONLY) >= 0 ? 0 : -1);
  close(folder);
  SHOW(unlink("moved/inside"));
  SHOW(rmdir("moved"));
  SHOW(rmdir("empty"));
}

static void contents(void) {
  section("contents");
  int file = (int)MUST(open("data", O_RDWR | O_CREAT | O_TRUNC, 0600));
  char text[32] = "";
  SHOW(write(file, "0123456789", 10));
  SHOW(pwrite(file, "AB", 2, 4));
  SHOW(pread(file, text, 32, 2));
  say("%s", text);
  SHOW(lseek(file, -3, SEEK_END));
  SHOW(read(file, text, 32));
  SHOW(read(file, text, 32));
  SHOW(lseek(file, 0, SEEK_DATA));
  SHOW(lseek(file, 0, SEEK_HOLE));
  SHOW(lseek(file, 100, SEEK_DATA));
  SHOW(lseek(file, -1, SEEK_SET));
  SHOW(ftruncate(file, 4));
  show_file("data");
  SHOW(ftruncate(file, 8));
  SHOW(pread(file, text, 32, 0));
  YES(text[3] == '3' && text[4] == 0 && text[7] == 0);
  SHOW(pwrite(file, "end", 3, 3000000));
  show_stat("data");
  SHOW(pread(file, text, 32, 2999998));
  SHOW(fsync(file));
  SHOW(fdatasync(file));
  SHOW(fallocate(file, 0, 0, 100));
  SHOW(ftruncate(file, -1));
  SHOW(read(-1, text, 1));
  SHOW(write(file, BAD_KERNEL, 8));
  SHOW(pread(file, BAD_KERNEL, 8, 0));
  close(file);
  SHOW(truncate("data", 5));
  show_stat("data");
  file = (int)MUST(open("data", O_WRONLY | O_APPEND));
  SHOW(read(file, text, 1));
  SHOW(write(file, "more", 4));
  SHOW(lseek(file, 0, SEEK_CUR));
  close(file);
  show_stat("data");
  file = (int)MUST(open("data", O_RDONLY | O_TRUNC));
  SHOW(write(file, "x", 1));
  close(file);
  show_stat("data");
  file = (int)MUST(open("unreadable", O_WRONLY | O_CREAT | O_EXCL, 0400));
  SHOW(write(file, "made read-only", 14));
  close(file);
  show_stat("unreadable");
  file = (int)MUST(open("gone", O_RDWR | O_CREAT, 0644));
  MUST(write(file, "still here", 10));
  SHOW(unlink("gone"));
  SHOW(pread(file, text, 32, 0));
  SHOW(pwrite(file, "!", 1, 10));
  SHOW(pread(file, text, 32, 0));
  SHOW(open("gone", O_RDONLY));
  close(file);
}

static void attributes(void) {
  section("attributes");
  put("file", "abc");
  SHOW(chmod("file", 06711));
  show_stat("file");
  SHOW(chmod("file", 0640));
  struct timespec times[2] = {{1000000000, 123456789}, {1111111111, 987654321}};
  SHOW(utimensat(AT_FDCWD, "file", times, 0));
  struct stat status;
  MUST(stat("file", &status));
  // Linux cuts a share's times to seconds; share_test.py looks at the rest.
  YES(status.st_mtim.tv_sec == 1111111111);
  YES(status.st_atim.tv_sec == 1000000000);
  MUST(symlink("file", "dated"));
  SHOW(utimensat(AT_FDCWD, "dated", times, AT_SYMLINK_NOFOLLOW));
  MUST(lstat("dated", &status));
  YES(status.st_mtim.tv_sec == 1111111111);
  int file = (int)MUST(open("file", O_WRONLY));
  MUST(write(file, "d", 1));
  close(file);
  MUST(stat("file", &status));
  YES(status.st_mtim.tv_sec > 1111111111);
  YES(status.st_blksize > 4096);
  struct statfs system;
  SHOW(statfs("file", &system));
  YES(system.f_blocks > 0 && system.f_namelen == 255);
  SHOW(access("file", X_OK));
  SHOW(chmod("absent", 0644));
  SHOW(truncate("absent", 0));
  section("extended attributes");
  char value[32] = "";
  SHOW(getxattr("file", "user.absent", value, sizeof value));
  SHOW(setxattr("file", "user.one", "first", 5, 0));
  SHOW(setxattr("file", "user.one", "again", 5, XATTR_CREATE));
  SHOW(setxattr("file", "user.two", "x", 1, XATTR_REPLACE));
  SHOW(getxattr("file", "user.one", value, sizeof value));
  SHOW(getxattr("file", "user.one", value, 2));
  SHOW(getxattr("file", "user.one", NULL, 0));
  SHOW(removexattr("file", "user.one"));
  SHOW(removexattr("file", "user.one"));
}

static void locks(void) {
  section("locks");
  int file = (int)MUST(open("locked", O_RDWR | O_CREAT, 0644));
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5};
  SHOW(fcntl(file, F_SETLK, &lock));
  if (fork() == 0) {
    struct flock other = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    SHOW(fcntl(file, F_GETLK, &other));
    say("type %d from %jd for %jd", other.l_type, (intmax_t)other.l_start, (intmax_t)other.l_len);
    other = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET};
    SHOW(fcntl(file, F_SETLK, &other));
    int own = (int)MUST(open("locked", O_RDWR));
    SHOW(flock(own, LOCK_EX | LOCK_NB));
    exit(0);
  }
  wait(NULL);
  lock.l_type = F_UNLCK;
  SHOW(fcntl(file, F_SETLK, &lock));
  SHOW(flock(file, LOCK_EX));
  int second = (int)MUST(open("locked", O_RDWR));
  SHOW(flock(second, LOCK_SH | LOCK_NB));
  SHOW(flock(file, LOCK_UN));
  SHOW(flock(second, LOCK_SH | LOCK_NB));
  close(file);
  close(second);
}

// A directory that changes while it is read: every name that stays is told, once.
static void listing(void) {
  section("listing");
  enum { kNames = 1000 };
  static char seen[kNames];
  MUST(mkdir("many", 0755));
  int folder = (int)MUST(open("many", O_RDONLY | O_DIRECTORY));
  char name[32];
  for (int i = 0; i < kNames; ++i) {
    snprintf(name, sizeof name, "entry %d", i);
    MUST(close((int)MUST(openat(folder, name, O_WRONLY | O_CREAT, 0644))));
  }
  DIR* all = opendir("many");
  int count = 0, twice = 0, dots = 0;
  for (struct dirent* entry; (entry = readdir(all)) != NULL;) {
    int number = 0;
    if (sscanf(entry->d_name, "entry %d", &number) != 1) {
      ++dots;
      continue;
    }
    if (entry->d_type != DT_REG) say("%s is a %d", entry->d_name, entry->d_type);
    twice += seen[number];
    seen[number] = 1;
    ++count;
    MUST(unlinkat(folder, entry->d_name, 0));
  }
  say("%d names, %d twice, %d others", count, twice, dots);
  rewinddir(all);
  count = 0;
  while (readdir(all) != NULL) ++count;
  say("%d left", count);
  closedir(all);
  close(folder);
  SHOW(rmdir("many"));
}

static void operations(const char* where) {
  MUST(chdir(where));
  umask(022);
  names();
  renames();
  contents();
  attributes();
  locks();
  listing();
}

// ---- copy ------------------------------------------------------------------------------------

enum { kLinked = 4096 };
static struct {
  ino_t inode;
  char* path;
} linked[kLinked];
static size_t linked_count;

static void copy_data(int from, int to) {
  static char data[1 << 20];
  for (ssize_t size; (size = MUST(read(from, data, sizeof data))) > 0;) {
    if (write(to, data, (size_t)size) != size) MUST(-1);
  }
}

static void copy_folder(int from, int to, const char* top, const char* path);

static void copy_entry(int from, int to, const char* name, const char* top, const char* path) {
  struct stat status;
  MUST(fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW));
  struct timespec times[2] = {status.st_atim, status.st_mtim};
  if (S_ISDIR(status.st_mode)) {
    MUST(mkdirat(to, name, 0700));
    int below_from = (int)MUST(openat(from, name, O_RDONLY | O_DIRECTORY));
    int below_to = (int)MUST(openat(to, name, O_RDONLY | O_DIRECTORY));
    copy_folder(below_from, below_to, top, path);
    MUST(fchmod(below_to, status.st_mode & 07777));
    MUST(futimens(below_to, times));
    close(below_from);
    close(below_to);
    return;
  }
  if (S_ISLNK(status.st_mode)) {
    char target[PATH_MAX] = "";
    MUST(readlinkat(from, name, target, sizeof target - 1));
    MUST(symlinkat(target, to, name));
  } else {
    for (size_t i = 0; status.st_nlink > 1 && i < linked_count; ++i) {
      if (linked[i].inode != status.st_ino) continue;
      MUST(linkat(AT_FDCWD, linked[i].path, to, name, 0));
      return;
    }
    if (status.st_nlink > 1 && linked_count < kLinked) {
      linked[linked_count].inode = status.st_ino;
      MUST(asprintf(&linked[linked_count++].path, "%s", path));
    }
    int in = (int)MUST(openat(from, name, O_RDONLY));
    int out = (int)MUST(openat(to, name, O_WRONLY | O_CREAT | O_EXCL, 0600));
    copy_data(in, out);
    MUST(fchmod(out, status.st_mode & 07777));
    close(in);
    close(out);
  }
  MUST(utimensat(to, name, times, AT_SYMLINK_NOFOLLOW));
}

static void copy_folder(int from, int to, const char* top, const char* path) {
  DIR* all = fdopendir(dup(from));
  for (struct dirent* entry; (entry = readdir(all)) != NULL;) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    char* below;
    MUST(asprintf(&below, "%s/%s", path, entry->d_name));
    copy_entry(from, to, entry->d_name, top, below);
    free(below);
  }
  closedir(all);
}

static void copy(const char* from, const char* to) {
  int in = (int)MUST(open(from, O_RDONLY | O_DIRECTORY));
  int out = (int)MUST(open(to, O_RDONLY | O_DIRECTORY));
  umask(0);
  copy_folder(in, out, to, to);
  say("copied");
}

// ---- at once -----------------------------------------------------------------------------------

static void work(const char* where, int number) {
  MUST(chdir(where));
  char own[32], moved[32], line[64];
  snprintf(own, sizeof own, "own %d", number);
  snprintf(moved, sizeof moved, "moved %d", number);
  for (int round = 0; round < 40; ++round) {
    static char data[70000], back[70000];
    memset(data, 'a' + (number + round) % 26, sizeof data);
    int file = (int)MUST(open(own, O_RDWR | O_CREAT | O_TRUNC, 0644));
    MUST(write(file, data, sizeof data));
    MUST(rename(own, moved));
    if (MUST(pread(file, back, sizeof back, 0)) != sizeof back ||
        memcmp(data, back, sizeof data) != 0) {
      say("worker %d: not what was written", number);
    }
    close(file);
    MUST(unlink(moved));
    // The same name by all of them: one makes it.
    file = open("shared name", O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (file >= 0) close(file), unlink("shared name");
    int length = snprintf(line, sizeof line, "%d:%d\n", number, round);
    file = (int)MUST(open("appended", O_WRONLY | O_APPEND | O_CREAT, 0644));
    MUST(write(file, line, (size_t)length));
    close(file);
  }
  exit(0);
}

static void workers(const char* where, int count) {
  for (int i = 0; i < count; ++i) {
    if (fork() == 0) work(where, i);
  }
  for (int status; wait(&status) > 0;) say("%s", status_text(status));
  MUST(chdir(where));
  FILE* lines = fopen("appended", "r");
  int number, round, total = 0;
  while (fscanf(lines, "%d:%d\n", &number, &round) == 2) ++total;
  say("%d lines", total);
}

// ---- mappings ----------------------------------------------------------------------------------

static void map(const char* name) {
  enum { kSize = 3 * 4096 + 100 };
  int file = (int)MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));
  MUST(ftruncate(file, kSize));
  char* shared = mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  SHOW_AS("mmap", shared == MAP_FAILED ? -1 : 0);
  char* again = mmap(NULL, kSize, PROT_READ, MAP_SHARED, file, 0);
  memcpy(shared + 4090, "across two pages", 16);
  SHOW(msync(shared, kSize, MS_SYNC));
  YES(memcmp(again + 4090, "across two pages", 16) == 0);
  memcpy(shared, "behind msync", 12);
  SHOW(msync(shared, kSize, MS_SYNC));
  char text[32] = "";
  SHOW(pread(file, text, 12, 0));
  say("%s", text);
  SHOW(pwrite(file, "by write", 8, 8192));
  char* private = mmap(NULL, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  YES(memcmp(private + 8192, "by write", 8) == 0);
  memcpy(private, "mine alone", 10);
  memcpy(shared + 3 * 4096 + 90, "last ten b", 10);
  SHOW(munmap(shared, kSize));
  SHOW(munmap(again, kSize));
  SHOW(fsync(file));
  close(file);
}

// ---- what the host changes ---------------------------------------------------------------------

static void look(void) {
  char path[256];
  while (fgets(path, sizeof path, stdin) != NULL) {
    path[strcspn(path, "\n")] = '\0';
    struct stat status;
    if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
      int count = 0;
      DIR* all = opendir(path);
      while (all != NULL && readdir(all) != NULL) ++count;
      closedir(all);
      say("%s: %d names, mode %o", path, count, status.st_mode);
    } else {
      show_file(path);
    }
  }
}

static void read_on(const char* name) {
  static char data[1 << 20];
  int file = (int)MUST(open(name, O_RDONLY));
  say("reading");
  for (;;) MUST(pread(file, data, sizeof data, 0));
}

int main(int count, char** words) {
  signal(SIGPIPE, SIG_IGN);
  alarm(0);  // the runner has a limit of its own
  const char* what = count > 1 ? words[1] : "";
  if (strcmp(what, "operations") == 0 && count == 3) operations(words[2]);
  if (strcmp(what, "copy") == 0 && count == 4) copy(words[2], words[3]);
  if (strcmp(what, "workers") == 0 && count == 4) workers(words[2], atoi(words[3]));
  if (strcmp(what, "map") == 0 && count == 3) map(words[2]);
  if (strcmp(what, "look") == 0) look();
  if (strcmp(what, "read") == 0 && count == 3) read_on(words[2]);
  return 0;
}
