// SPDX-License-Identifier: MIT
//
// overlayfs over directories of one tmpfs, and over two: what shows through, copy-up, whiteouts and
// opaque directories as the upper layer has them, rename, links, the file numbers that stat tells,
// and the errors of mount(2). renameat2's RENAME_WHITEOUT, which it is made of.

#include "abi.h"

#include <dirent.h>
#include <linux/fs.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define LAYERS "lowerdir=l/one:l/two,upperdir=l/upper,workdir=l/work"

// Debian's Linux has it as a module, which the runner puts there.
static void load_module(void) {
  int file = open("/modules/overlay.ko", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  syscall(SYS_finit_module, file, "", 0);
  close(file);
}

static int by_name(const void* a, const void* b) {
  return strcmp(*(char* const*)a, *(char* const*)b);
}

// Names and types, whiteouts as such.
static void list(const char* path) {
  char *names[64], line[2000];
  int count = 0, length = 0;
  DIR* directory = opendir(path);
  if (directory == NULL) {
    say("%s: %s", path, error_name(errno));
    return;
  }
  struct dirent* entry;
  while ((entry = readdir(directory)) != NULL) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      names[count++] = strdup(entry->d_name);
  }
  closedir(directory);
  qsort(names, (size_t)count, sizeof names[0], by_name);
  for (int i = 0; i < count; i++) {
    char full[300];
    struct stat st;
    snprintf(full, sizeof full, "%s/%s", path, names[i]);
    int error = lstat(full, &st);
    bool whiteout = error == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
    length += snprintf(line + length, sizeof line - (size_t)length, " %s%s", names[i],
                       error != 0 ? "?" : whiteout ? "(whiteout)" : S_ISDIR(st.st_mode) ? "/" : "");
  }
  line[length] = 0;
  say("%s:%s", path, line);
}

static void opaque(const char* path) {
  char value[8];
  long length = getxattr(path, "trusted.overlay.opaque", value, sizeof value);
  say("%s is %s", path, length == 1 && value[0] == 'y' ? "opaque" : "not opaque");
}

static void about(const char* path) {
  struct stat st;
  if (lstat(path, &st) != 0) {
    say("%s: %s", path, error_name(errno));
    return;
  }
  say("%s: mode %o uid %d gid %d links %d size %ld rdev %x", path, st.st_mode, st.st_uid, st.st_gid,
      (int)st.st_nlink, S_ISDIR(st.st_mode) ? 0L : (long)st.st_size, (int)st.st_rdev);
}

static void make_layers(void) {
  mkdir("l", 0755);
  mkdir("m", 0755);
  MUST(mount("none", "l", "tmpfs", 0, NULL));
  static const char* const kDirectories[] = {"l/one", "l/two", "l/upper", "l/work", "l/one/both",
                                             "l/two/both", "l/two/deep", "l/two/deep/er",
                                             "l/one/full", "l/one/gone"};
  for (size_t i = 0; i < COUNT(kDirectories); i++) MUST(mkdir(kDirectories[i], 0755));
  write_file("l/one/a", "a of one");
  write_file("l/two/a", "a of two");
  write_file("l/two/b", "b of two");
  write_file("l/one/both/x", "x");
  write_file("l/two/both/y", "y");
  write_file("l/two/deep/er/file", "deep down");
  write_file("l/one/full/inside", "inside");
  write_file("l/one/linked", "linked");
  MUST(link("l/one/linked", "l/one/linked2"));
  MUST(symlink("a", "l/one/link"));
  MUST(chmod("l/two/b", 0640));
  MUST(chown("l/two/b", 1000, 1001));
  MUST(setxattr("l/two/b", "trusted.note", "hi", 2, 0));
  write_file("l/one/own", "own");
}

static void merged(void) {
  section("what shows");
  SHOW(mount("ov", "m", "overlay", 0, LAYERS));
  list("m");
  list("m/both");
  say("%s", read_file("m/a"));
  say("%s", read_file("m/b"));
  say("%s", read_file("m/link"));
  about("m/b");
  about("m/both");
  about("m/deep");
  struct statfs fs;
  statfs("m", &fs);
  say("type %lx name limit %ld", (long)fs.f_type, (long)fs.f_namelen);
  char text[4096];
  FILE* mounts = fopen("/proc/mounts", "r");
  while (fgets(text, sizeof text, mounts) != NULL) {
    if (strncmp(text, "ov ", 3) == 0) say("%s", strstr(text, " overlay "));
  }
  fclose(mounts);
}

static void numbers(void) {
  section("numbers on one file system");
  struct stat top, file, lower, directory, lower_directory;
  stat("m", &top);
  stat("m/b", &file);
  stat("l/two/b", &lower);
  stat("m/deep", &directory);
  stat("l/two/deep", &lower_directory);
  YES(top.st_dev == file.st_dev);
  YES(top.st_dev == directory.st_dev);
  YES(file.st_dev == lower.st_dev);
  YES(file.st_ino == lower.st_ino);
  YES(directory.st_ino == lower_directory.st_ino);
  SHOW(chmod("m/b", 0600));
  struct stat after;
  stat("m/b", &after);
  YES(after.st_ino == file.st_ino);
  YES(after.st_dev == file.st_dev);
}

static void copy_up(void) {
  section("copy-up");
  struct stat before, after;
  char value[8];
  list("l/upper");
  about("l/upper/b");
  say("xattr %ld", (long)getxattr("l/upper/b", "trusted.note", value, sizeof value));
  stat("l/two/deep/er/file", &before);
  int reader = open("m/deep/er/file", O_RDONLY);
  char* mapped = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0);
  int writer = open("m/deep/er/file", O_WRONLY | O_APPEND);
  stat("m/deep/er/file", &after);
  YES(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
      before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
  list("l/upper/deep/er");
  SHOW(write(writer, " and more", 9));
  char text[64] = "";
  SHOW(pread(reader, text, sizeof text, 0));
  say("%s", text);
  say("mapped %.18s", mapped);
  munmap(mapped, PAGE);
  say("%s", read_file("l/two/deep/er/file"));
  say("%s", read_file("l/upper/deep/er/file"));
  close(reader);
  close(writer);
  SHOW(truncate("m/a", 3));
  say("%s", read_file("m/a"));
  SHOW(close(open("m/own", O_WRONLY | O_TRUNC)));
  about("l/upper/own");
  SHOW(lchown("m/link", 7, 8));
  about("l/upper/link");
  SHOW(setxattr("m/both", "trusted.x", "1", 1, 0));
  SHOW(setxattr("m/both", "trusted.overlay.x", "1", 1, 0));
  SHOW(getxattr("m/both", "trusted.overlay.opaque", value, sizeof value));
  list("l/upper/both");
  section("hard links");
  about("m/linked");
  SHOW(chmod("m/linked", 0600));
  about("m/linked");
  about("m/linked2");
  SHOW(link("m/linked", "m/linked3"));
  about("m/linked3");
  struct stat one, three;
  stat("m/linked", &one);
  stat("m/linked3", &three);
  YES(one.st_ino == three.st_ino);
}

static void removal(void) {
  section("removal");
  SHOW(unlink("m/a"));
  SHOW(unlink("m/a"));
  list("l/upper");
  SHOW(rmdir("m/full"));
  SHOW(unlink("m/full/inside"));
  SHOW(rmdir("m/full"));
  SHOW(rmdir("m/gone"));
  list("m");
  list("l/upper");
  SHOW(mkdir("m/full", 0711));
  about("m/full");
  list("m/full");
  opaque("l/upper/full");
  write_file("m/full/new", "new");
  SHOW(rmdir("m/full"));
  SHOW(unlink("m/full/new"));
  SHOW(rmdir("m/full"));
  list("l/upper");
  write_file("m/a", "a again");
  about("l/upper/a");
  say("%s", read_file("m/a"));
  SHOW(mkdir("m/fresh", 0755));
  opaque("l/upper/fresh");
  SHOW(rmdir("m/fresh"));
  SHOW(mkdir("m/both/in", 0755));
  SHOW(mknod("m/null", S_IFCHR | 0600, makedev(1, 3)));
  about("l/upper/null");
  SHOW(close(open("m/null", O_RDONLY)));
  SHOW(mknod("m/whiteout", S_IFCHR | 0600, 0));
  SHOW(symlink("b", "m/gone"));
  say("%s", read_file("m/gone"));
  list("m");
}

static void renaming(void) {
  section("rename");
  SHOW(rename("m/b", "m/c"));
  list("l/upper");
  say("%s", read_file("m/c"));
  SHOW(rename("m/both", "m/other"));
  SHOW(rename("m/deep/er/file", "m/file"));
  list("l/upper/deep/er");
  SHOW(mkdir("m/new", 0755));
  write_file("m/new/f", "f");
  SHOW(rename("m/new", "m/b"));
  opaque("l/upper/b");
  list("m/b");
  SHOW(rename("m/c", "m/file"));
  SHOW(syscall(SYS_renameat2, AT_FDCWD, "m/file", AT_FDCWD, "m/b", RENAME_EXCHANGE));
  list("m");
  about("m/file");
  SHOW(syscall(SYS_renameat2, AT_FDCWD, "m/both", AT_FDCWD, "m/b", RENAME_EXCHANGE));
  SHOW(syscall(SYS_renameat2, AT_FDCWD, "m/a", AT_FDCWD, "m/b", RENAME_NOREPLACE));
  SHOW(syscall(SYS_renameat2, AT_FDCWD, "m/a", AT_FDCWD, "m/z", RENAME_WHITEOUT));
  SHOW(rename("m/linked2", "m/both/y"));
  list("m/both");
  list("l/upper/both");
}

static void again(void) {
  section("mounted again");
  SHOW(umount("m"));
  list("l/upper");
  SHOW(mount("ov", "m", "overlay", 0, LAYERS));
  list("m");
  list("m/both");
  say("%s", read_file("m/b"));
  SHOW(umount("m"));
}

static void read_only(void) {
  section("without an upper layer");
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/upper:l/one:l/two"));
  list("m");
  SHOW(open("m/b", O_WRONLY));
  SHOW(mkdir("m/x", 0755));
  SHOW(unlink("m/b"));
  SHOW(mount("ov", "m", NULL, MS_REMOUNT, NULL));
  SHOW(umount("m"));
}

static void two_file_systems(void) {
  section("layers on two file systems");
  MUST(mkdir("u", 0755));
  MUST(mount("none", "u", "tmpfs", 0, NULL));
  mkdir("u/upper", 0755);
  mkdir("u/work", 0755);
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/two,upperdir=u/upper,workdir=u/work"));
  struct stat top, directory, file, lower, made;
  write_file("m/made", "made");
  stat("m", &top);
  stat("m/deep", &directory);
  stat("m/b", &file);
  stat("l/two/b", &lower);
  stat("m/made", &made);
  YES(directory.st_dev == top.st_dev);
  YES(file.st_dev == top.st_dev);
  YES(file.st_dev == lower.st_dev);
  YES(file.st_ino == lower.st_ino);
  YES(made.st_dev == file.st_dev);
  SHOW(chmod("m/b", 0777));
  struct stat copied;
  stat("m/b", &copied);
  YES(copied.st_ino == file.st_ino);
  YES(copied.st_dev == file.st_dev);
  SHOW(umount("u"));
  SHOW(umount("m"));
  SHOW(umount("u"));
  rmdir("u");
}

static void errors(void) {
  section("errors");
  write_file("l/file", "");
  SHOW(mount("ov", "m", "overlay", 0, NULL));
  SHOW(mount("ov", "m", "overlay", 0, "upperdir=l/upper,workdir=l/work"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/one"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/one:l/nope"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/one:l/file"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/one::l/two"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/one:l/one"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/one,upperdir=l/upper"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/one,upperdir=l/upper,workdir=l/upper"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/one,upperdir=l/upper,workdir=l/upper/b"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/one,upperdir=l/upper,workdir=/"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/one,upperdir=l/file,workdir=l/work"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/one,upperdir=l/nope,workdir=l/work"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/upper,upperdir=l/upper,workdir=l/work"));
  SHOW(mount("ov", "m", "overlay", 0, "lowerdir=l/one:l/two,nosuch=1"));
  SHOW(mount("ov", "m", "overlay", 0,
             "lowerdir=l/one:l/two,redirect_dir=off,index=off,metacopy=off,workdir=l/nope"));
  SHOW(umount("m"));
}

static void whiteouts(void) {
  section("RENAME_WHITEOUT");
  SHOW(mkdir("l/w", 0755));
  write_file("l/w/a", "a");
  write_file("l/w/b", "b");
  SHOW(syscall(SYS_renameat2, AT_FDCWD, "l/w/a", AT_FDCWD, "l/w/c", RENAME_WHITEOUT));
  SHOW(syscall(SYS_renameat2, AT_FDCWD, "l/w/b", AT_FDCWD, "l/w/c", RENAME_WHITEOUT));
  about("l/w/a");
  list("l/w");
  SHOW(syscall(SYS_renameat2, AT_FDCWD, "l/w/b", AT_FDCWD, "l/w/c",
               RENAME_WHITEOUT | RENAME_EXCHANGE));
  SHOW(syscall(SYS_renameat2, AT_FDCWD, "l/w/c", AT_FDCWD, "l/w/b",
               RENAME_WHITEOUT | RENAME_NOREPLACE));
}

int main(void) {
  umask(022);
  load_module();
  make_layers();
  merged();
  numbers();
  copy_up();
  removal();
  renaming();
  again();
  read_only();
  two_file_systems();
  errors();
  whiteouts();
  SHOW(umount("l"));
  rmdir("l");
  rmdir("m");
  return 0;
}
