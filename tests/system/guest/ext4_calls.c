// SPDX-License-Identifier: MIT
// Calls on a file system of ext4 in the working directory, with what each answers: the same on
// Linux. "ext4_calls check" compares what an earlier run, of either kernel, has left.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static void say(const char* what, long result) {
  if (result < 0)
    printf("%s: %s\n", what, strerrorname_np(errno));
  else
    printf("%s: %ld\n", what, result);
  fflush(stdout);
}
#define SAY(call) (errno = 0, say(#call, (long)(call)))

static char pattern(long at) { return (char)(at * 7 + at / 4096); }

static void fill(const char* name, long size) {
  char* bytes = malloc((size_t)size);
  for (long i = 0; i < size; ++i) bytes[i] = pattern(i);
  int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0640);
  long done = 0;
  while (done < size) {
    long part = write(fd, bytes + done, (size_t)(size - done < 50000 ? size - done : 50000));
    if (part <= 0) break;
    done += part;
  }
  printf("%s: wrote %ld\n", name, done);
  free(bytes);
  close(fd);
}

static void check(const char* name, long size) {
  int fd = open(name, O_RDONLY);
  struct stat st;
  fstat(fd, &st);
  long wrong = 0, at = 0;
  char bytes[65536];
  for (long got; (got = read(fd, bytes, sizeof bytes)) > 0; at += got)
    for (long i = 0; i < got; ++i) wrong += bytes[i] != pattern(at + i);
  printf("%s: size %ld (%ld), %ld wrong\n", name, (long)st.st_size, size, wrong);
  close(fd);
}

static int compare(const void* a, const void* b) {
  return strcmp(*(char* const*)a, *(char* const*)b);
}

static void list(const char* name) {
  DIR* dir = opendir(name);
  char* names[4000];
  int count = 0;
  unsigned hash = 0;
  for (struct dirent* entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
    // The order is that of hashes, whose seed the image has; "." and ".." may come anywhere.
    bool dots = strspn(entry->d_name, ".") == strlen(entry->d_name);
    for (char* c = entry->d_name; *c != 0 && !dots; ++c) hash = hash * 31 + (unsigned char)*c;
    names[count++] = strdup(entry->d_name);
  }
  closedir(dir);
  qsort(names, (size_t)count, sizeof *names, compare);
  printf("%s: %d names, first %s, last %s, order %08x\n", name, count, names[0], names[count - 1],
         hash);
}

static void show(const char* name) {
  struct stat st;
  if (lstat(name, &st) != 0) {
    say(name, -1);
    return;
  }
  printf("%s: mode %o links %ld size %ld uid %d dev %x\n", name, st.st_mode, (long)st.st_nlink,
         (long)st.st_size, (int)st.st_uid, (unsigned)st.st_rdev);
}

static void names(void) {
  SAY(mkdir("dir", 0751));
  SAY(mkdir("dir", 0751));
  SAY(mkdir("dir/sub", 0700));
  SAY(rmdir("dir"));
  SAY(symlink("dir/sub", "link"));
  char longer[301];
  memset(longer, 'l', 300);
  longer[300] = 0;
  SAY(symlink(longer, "longlink"));
  SAY(readlink("longlink", longer, sizeof longer));
  SAY(mkdir(longer, 0700));
  SAY(mknod("fifo", S_IFIFO | 0600, 0));
  SAY(mknod("dev", S_IFCHR | 0600, makedev(1, 3)));
  SAY(mknod("bigdev", S_IFBLK | 0600, makedev(300, 70000)));
  fill("file", 100000);
  SAY(link("file", "hard"));
  SAY(link("dir", "harddir"));
  SAY(rename("dir/sub", "moved"));
  SAY(rename("moved", "file"));
  SAY(syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "hard", RENAME_NOREPLACE));
  SAY(syscall(SYS_renameat2, AT_FDCWD, "moved", AT_FDCWD, "fifo", RENAME_EXCHANGE));
  const char* shown[] = {"dir", "link",   "longlink", "fifo", "moved",
                         "dev", "bigdev", "file",     "hard"};
  for (size_t i = 0; i < sizeof shown / sizeof *shown; ++i) show(shown[i]);
  SAY(unlink("dir"));
  SAY(unlink("hard"));
  show("file");
}

static void many(void) {
  SAY(mkdir("many", 0755));
  char name[64];
  int made = 0;
  for (int i = 0; i < 1500; ++i) {
    snprintf(name, sizeof name, "many/a-name-of-some-length-%d", i);
    int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
    made += fd >= 0;
    close(fd);
  }
  printf("made %d\n", made);
  for (int i = 0; i < 1500; i += 3) {
    snprintf(name, sizeof name, "many/a-name-of-some-length-%d", i);
    made -= unlink(name) == 0;
  }
  printf("left %d\n", made);
  SAY(rmdir("many"));
  list("many");
}

static void contents(void) {
  fill("big", 3000000);
  int fd = open("big", O_RDWR);
  SAY(ftruncate(fd, 1234567));
  SAY(lseek(fd, 0, SEEK_HOLE));
  SAY(ftruncate(fd, 1300000));
  SAY(pwrite(fd, "x", 1, 9000000));
  SAY(fsync(fd));
  SAY(lseek(fd, 0, SEEK_HOLE));
  SAY(lseek(fd, 2000000, SEEK_DATA));
  SAY(lseek(fd, 9000001, SEEK_DATA));
  SAY(ftruncate(fd, 1234567));
  SAY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 4 << 20));
  SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
  SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000, 100000));
  SAY(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 8192, 4096));
  SAY(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 8192, 100));
  SAY(fallocate(fd, FALLOC_FL_INSERT_RANGE, 8192, 8192));
  SAY(fallocate(fd, FALLOC_FL_ZERO_RANGE, 200000, 50000));
  SAY(fallocate(fd, 0, 2000000, 100000));
  struct stat st;
  fstat(fd, &st);
  printf("size %ld\n", (long)st.st_size);
  unsigned hash = 0;
  char bytes[4096];
  lseek(fd, 0, SEEK_SET);
  for (long got; (got = read(fd, bytes, sizeof bytes)) > 0;)
    for (long i = 0; i < got; ++i) hash = hash * 31 + (unsigned char)bytes[i];
  printf("contents %08x\n", hash);
  char* mapped = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SAY(mapped == MAP_FAILED ? -1 : 0);
  memset(mapped + 6000, 'm', 90000);  // in the hole
  SAY(msync(mapped, 1 << 20, MS_SYNC));
  SAY(munmap(mapped, 1 << 20));
  SAY(pread(fd, bytes, 1, 50000));
  printf("%c\n", bytes[0]);
  close(fd);
  SAY(unlink("big"));
  fd = open(".", O_TMPFILE | O_RDWR, 0600);
  SAY(write(fd, "unnamed", 7));
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  SAY(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  close(fd);
  show("named");
}

static void attributes(void) {
  char value[5000], got[5000];
  memset(value, 'v', sizeof value);
  SAY(setxattr("file", "user.small", "12345", 5, 0));
  SAY(setxattr("file", "user.small", "12345", 5, XATTR_CREATE));
  SAY(setxattr("file", "user.none", "12345", 5, XATTR_REPLACE));
  SAY(setxattr("file", "user.medium", value, 1500, 0));
  SAY(setxattr("file", "user.large", value, 5000, 0));
  SAY(setxattr("file", "trusted.t", "t", 1, 0));
  SAY(getxattr("file", "user.small", got, sizeof got));
  SAY(getxattr("file", "user.medium", got, sizeof got));
  SAY(listxattr("file", got, sizeof got));
  SAY(removexattr("file", "user.small"));
  SAY(removexattr("file", "user.small"));
  struct timespec times[2] = {{.tv_sec = -5, .tv_nsec = 7}, {.tv_sec = 10000000000L, .tv_nsec = 9}};
  SAY(utimensat(AT_FDCWD, "file", times, 0));
  struct stat st;
  stat("file", &st);
  printf("%ld.%ld %ld.%ld\n", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
         (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  SAY(chmod("file", 04755));
  SAY(chown("file", 70000, 80000));
  show("file");
  int fd = open("dir", O_RDONLY), flags = 0;
  SAY(ioctl(fd, FS_IOC_GETFLAGS, &flags));
  printf("flags %x\n", flags);
  close(fd);
  fd = open("named", O_RDWR);
  flags = FS_IMMUTABLE_FL | FS_EXTENT_FL;
  SAY(ioctl(fd, FS_IOC_SETFLAGS, &flags));
  SAY(write(fd, "x", 1));
  SAY(unlink("named"));
  SAY(chmod("named", 0600));
  SAY(open("named", O_WRONLY));
  flags = FS_APPEND_FL | FS_EXTENT_FL;
  SAY(ioctl(fd, FS_IOC_SETFLAGS, &flags));
  SAY(open("named", O_WRONLY));
  SAY(truncate("named", 0));
  flags = FS_EXTENT_FL;
  SAY(ioctl(fd, FS_IOC_SETFLAGS, &flags));
  struct {
    struct fiemap map;
    struct fiemap_extent extents[8];
  } query = {.map = {.fm_length = ~0UL, .fm_flags = FIEMAP_FLAG_SYNC, .fm_extent_count = 8}};
  SAY(ioctl(fd, FS_IOC_FIEMAP, &query.map));
  printf("%u extents, %llu bytes, flags %x\n", query.map.fm_mapped_extents,
         (unsigned long long)query.extents[0].fe_length, query.extents[0].fe_flags);
  close(fd);
  struct statfs fs;
  SAY(statfs(".", &fs));
  printf("type %lx block %ld blocks %ld files %ld name %ld\n", (long)fs.f_type, (long)fs.f_bsize,
         (long)fs.f_blocks, (long)fs.f_files, (long)fs.f_namelen);
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "check") == 0) {
    check("file", 100000);
    list("many");
    list(".");
    show("bigdev");
    show("link");
    char got[5000];
    SAY(getxattr("file", "user.medium", got, sizeof got));
    return 0;
  }
  umask(022);
  names();
  many();
  contents();
  attributes();
  sync();
  return 0;
}
