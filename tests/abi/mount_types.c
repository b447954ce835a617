// SPDX-License-Identifier: MIT
//
// Mount flags as mountinfo and statfs show them, MNT_EXPIRE and UMOUNT_NOFOLLOW, per-mount flags,
// recursive binds, moves, and what statfs says of each file system.

#include "abi.h"

#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

// The mounts below this directory: point, options, propagation, type. Peer groups by order of
// appearance.
static void show(void) {
  char here[4096];
  getcwd(here, sizeof here);
  static char text[65536];
  int file = open("/proc/self/mountinfo", O_RDONLY), length = 0;
  long more;
  while ((more = read(file, text + length, sizeof text - 1 - (size_t)length)) > 0)
    length += (int)more;
  close(file);
  text[length] = 0;
  int groups[32], known = 0;
  for (char* line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    char root[500], point[500], options[200];
    int at = 0;
    if (sscanf(line, "%*d %*d %*s %499s %499s %199s %n", root, point, options, &at) != 3) continue;
    if (strncmp(point, here, strlen(here)) != 0) continue;
    char tags[200] = "";
    char* rest = line + at;
    while (strncmp(rest, "- ", 2) != 0) {
      char tag[50];
      int number, used;
      if (sscanf(rest, "%49[^: ]:%d %n", tag, &number, &used) == 2) {
        int index = 0;
        while (index < known && groups[index] != number) index++;
        if (index == known) groups[known++] = number;
        sprintf(tags + strlen(tags), " %s:%d", tag, index);
      } else {
        sscanf(rest, "%49s %n", tag, &used);
        sprintf(tags + strlen(tags), " %s", tag);
      }
      rest += used;
    }
    char type[40], source[200], super[200];
    sscanf(rest, "- %39s %199s %199s", type, source, super);
    char* inner = strncmp(root, here, strlen(here)) == 0 ? root + strlen(here) : root;
    say("  %s on %s %s%s - %s %s", strlen(inner) > 30 ? "(long)" : inner, point + strlen(here),
        options, tags, type, source);
  }
}

static void expire(void) {
  section("MNT_EXPIRE");
  MUST(mount("e", "a", "tmpfs", 0, NULL));
  SHOW(umount2("a", MNT_EXPIRE));
  SHOW(access("a", F_OK));
  SHOW(umount2("a", MNT_EXPIRE));
  SHOW(umount2("a", MNT_EXPIRE));
  MUST(mount("e", "a", "tmpfs", 0, NULL));
  SHOW(umount2("a", MNT_EXPIRE));
  write_file("a/x", "used");
  SHOW(umount2("a", MNT_EXPIRE));
  int fd = (int)MUST(open("a/x", O_RDONLY));
  SHOW(umount2("a", MNT_EXPIRE));
  close(fd);
  SHOW(umount2("a", MNT_EXPIRE));
  SHOW(umount2("a", MNT_EXPIRE));
  SHOW(umount2("a", MNT_EXPIRE | MNT_DETACH));
  symlink("a", "la");
  MUST(mount("e", "a", "tmpfs", 0, NULL));
  SHOW(umount2("la", UMOUNT_NOFOLLOW));
  SHOW(umount2("la", 0));
  SHOW(umount2("/", UMOUNT_NOFOLLOW | 0x10));
  SHOW(umount2("a", MNT_FORCE));
  MUST(mount("e", "a", "tmpfs", 0, NULL));
  fd = (int)MUST(open("a", O_RDONLY));
  SHOW(umount2("a", MNT_FORCE));
  SHOW(umount2("a", MNT_DETACH));
  SHOW(openat(fd, "y", O_CREAT | O_RDWR, 0600) >= 0);
  SHOW(mkdirat(fd, "d", 0755));
  close(fd);
}

static void flags(void) {
  section("flags");
  static const struct {
    const char* name;
    unsigned long bits;
  } all[] = {{"MS_RDONLY", MS_RDONLY},
             {"MS_NOSUID", MS_NOSUID},
             {"MS_NODEV", MS_NODEV},
             {"MS_NOEXEC", MS_NOEXEC},
             {"MS_NOATIME", MS_NOATIME},
             {"MS_NODIRATIME", MS_NODIRATIME},
             {"MS_RELATIME", MS_RELATIME},
             {"MS_STRICTATIME", MS_STRICTATIME},
             {"MS_SYNCHRONOUS", MS_SYNCHRONOUS},
             {"MS_DIRSYNC", MS_DIRSYNC},
             {"MS_MANDLOCK", MS_MANDLOCK},
             {"MS_LAZYTIME", 1 << 25},
             {"MS_SILENT", MS_SILENT},
             {"MS_POSIXACL", MS_POSIXACL},
             {"MS_I_VERSION", MS_I_VERSION},
             {"MS_NOSYMFOLLOW", 256},
             {"MS_MGC_VAL", MS_MGC_VAL},
             {"MS_ACTIVE", 1 << 30},
             {"MS_KERNMOUNT", 1 << 22}};
  for (unsigned i = 0; i < COUNT(all); i++) {
    errno = 0;
    int result = mount("f", "a", "tmpfs", all[i].bits, NULL);
    say("%s: %d %s", all[i].name, result, error_name(errno));
    if (result == -1) continue;
    struct statvfs fs;
    statvfs("a", &fs);
    struct statfs raw;
    statfs("a", &raw);
    say("  f_flag %lx %lx", (long)fs.f_flag, (long)raw.f_flags);
    show();
    umount("a");
  }
  MUST(mount("f", "a", "tmpfs", 256, NULL));
  symlink("x", "a/link");
  write_file("a/x", "x");
  SHOW(open("a/link", O_RDONLY));
  SHOW(open("a/link", O_PATH | O_NOFOLLOW) >= 0);
  SHOW(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_NOATIME, NULL));
  show();
  SHOW(mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  show();
  SHOW(mount(NULL, "a", NULL, MS_REMOUNT | MS_NODIRATIME, "size=1m"));
  show();
  SHOW(mount(NULL, "a", NULL, MS_REMOUNT, "mode=700"));
  SHOW(mount(NULL, "a", NULL, MS_REMOUNT, "nonsense"));
  SHOW(mount(NULL, "a/x", NULL, MS_REMOUNT, NULL));
  for (int i = 3; i < 20; i++) close(i);
  SHOW(umount("a"));
  static const char* const options[] = {
      "size=50%", "size=0",      "nr_blocks=10", "nr_inodes=5",      "mode=01777",
      "mode=9",   "uid=5,gid=6", "uid=x",        "size=1g,size=64k", "",
      ",",        "size",        "mpol=default", "huge=never",       "huge=always",
      "inode64",  "inode32"};
  for (unsigned i = 0; i < COUNT(options); i++) {
    errno = 0;
    int result = mount("o", "a", "tmpfs", 0, options[i]);
    say("options \"%s\": %d %s", options[i], result, error_name(errno));
    if (result == -1) continue;
    struct statvfs fs;
    struct stat st;
    statvfs("a", &fs);
    stat("a", &st);
    if (fs.f_blocks < 400000 && fs.f_blocks > 0 && strchr(options[i], '%') == NULL &&
        options[i][0] && options[i][0] != ',' &&
        (strstr(options[i], "size=") || strstr(options[i], "blocks")))
      say("  blocks %ld", (long)fs.f_blocks);
    if (strstr(options[i], "inodes"))
      say("  files %ld free %ld", (long)fs.f_files, (long)fs.f_ffree);
    say("  mode %o uid %d gid %d", st.st_mode, st.st_uid, st.st_gid);
    umount("a");
  }
}

static void systems(void) {
  section("statfs");
  static const char* const paths[] = {"/proc", "/sys", "/dev/pts", "/dev/shm", "/dev", "/"};
  for (unsigned i = 0; i < COUNT(paths); i++) {
    struct statfs fs;
    if (statfs(paths[i], &fs) == -1) {
      say("%s: %s", paths[i], error_name(errno));
      continue;
    }
    say("%s: type %lx bsize %ld frsize %ld namelen %ld flags %lx some blocks %d", paths[i],
        (long)fs.f_type, (long)fs.f_bsize, (long)fs.f_frsize, (long)fs.f_namelen, (long)fs.f_flags,
        fs.f_blocks != 0);
  }
  int fds[2];
  pipe(fds);
  struct statfs fs;
  SHOW(fstatfs(fds[0], &fs));
  say("type %lx bsize %ld namelen %ld", (long)fs.f_type, (long)fs.f_bsize, (long)fs.f_namelen);
  int memory = memfd_create("m", 0);
  SHOW(fstatfs(memory, &fs));
  say("type %lx bsize %ld namelen %ld", (long)fs.f_type, (long)fs.f_bsize, (long)fs.f_namelen);
  SHOW(statfs("none", &fs));
  SHOW(statfs("/", BAD_KERNEL));
  SHOW(fstatfs(99, &fs));
}

static void errors(void) {
  section("errors");
  write_file("file", "x");
  SHOW(mount("a", "file", NULL, MS_BIND, NULL));
  SHOW(mount("file", "a", NULL, MS_BIND, NULL));
  SHOW(mount(NULL, "a", NULL, MS_BIND, NULL));
  SHOW(mount("", "a", NULL, MS_BIND, NULL));
  SHOW(mount("a", "b", NULL, MS_MOVE, NULL));
  SHOW(mount("a", "b", NULL, MS_MOVE | MS_BIND, NULL));
  SHOW(umount("b"));
  SHOW(mount("a", "a", NULL, MS_BIND, NULL));
  mkdir("a/in", 0755);
  SHOW(mount("a", "a/in", NULL, MS_MOVE, NULL));
  SHOW(mount(NULL, "file", NULL, MS_PRIVATE, NULL));
  SHOW(mount(NULL, "/", NULL, MS_SLAVE | MS_PRIVATE, NULL));
  SHOW(mount(NULL, "/", NULL, MS_PRIVATE | MS_RDONLY, NULL));
  SHOW(mount(NULL, "/", NULL, MS_PRIVATE | MS_SILENT, NULL));
  SHOW(mount(NULL, "b", NULL, MS_PRIVATE, NULL));
  SHOW(umount("a"));
  SHOW(umount("file"));
  SHOW(umount(""));
  SHOW(umount2("a", -1));
  SHOW(mount("x", "a", "tmpfs.sub", 0, NULL));
  SHOW(mount("x", "a", "", 0, NULL));
  SHOW(syscall(SYS_pivot_root, "a", "b"));
  SHOW(syscall(SYS_pivot_root, "none", "b"));
  SHOW(syscall(SYS_pivot_root, "file", "b"));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(mount("x", "a", "tmpfs", 0, NULL));
  SHOW(mount("x", "none", "tmpfs", 0, NULL));
  SHOW(mount("x", "a", "nothing", 0, NULL));
  SHOW(umount2("none", 0));
  SHOW(umount2("a", 0));
  SHOW(umount2("a", 0x100));
  SHOW(syscall(SYS_pivot_root, "none", "b"));
  SHOW(chroot("none"));
  SHOW(chroot("a"));
}

int main(void) {
  mkdir("a", 0755);
  mkdir("b", 0755);
  expire();
  flags();
  systems();
  errors();
}
