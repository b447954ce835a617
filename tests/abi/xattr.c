// SPDX-License-Identifier: MIT
//
// Extended attributes on tmpfs. Debian's 6.1 tmpfs has the trusted and security name spaces and no
// user one.

#include "abi.h"

#include <grp.h>
#include <sys/xattr.h>

static int by_name(const void* a, const void* b) {
  return strcmp(*(char* const*)a, *(char* const*)b);
}

static void list(const char* path) {
  char text[1000];
  char* names[20];
  int count = 0;
  long length = SHOW(listxattr(path, text, sizeof text));
  for (long at = 0; at < length; at += (long)strlen(text + at) + 1) names[count++] = text + at;
  qsort(names, (size_t)count, sizeof names[0], by_name);
  for (int i = 0; i < count; i++) say("  %s", names[i]);
}

static void values(void) {
  section("set, get, list, remove");
  write_file("f", "");
  char value[100];
  SHOW(getxattr("f", "trusted.a", value, sizeof value));
  SHOW(setxattr("f", "trusted.a", "hello", 5, 0));
  SHOW(getxattr("f", "trusted.a", value, sizeof value));
  say("%.5s", value);
  SHOW(getxattr("f", "trusted.a", NULL, 0));
  SHOW(getxattr("f", "trusted.a", value, 3));
  SHOW(getxattr("f", "trusted.a", BAD_KERNEL, 100));
  SHOW(setxattr("f", "trusted.a", "again", 5, XATTR_CREATE));
  SHOW(setxattr("f", "trusted.b", "x", 1, XATTR_REPLACE));
  SHOW(setxattr("f", "trusted.b", "", 0, XATTR_CREATE));
  SHOW(getxattr("f", "trusted.b", value, sizeof value));
  SHOW(setxattr("f", "trusted.a", "longer value", 12, XATTR_REPLACE));
  SHOW(getxattr("f", "trusted.a", value, sizeof value));
  list("f");
  SHOW(listxattr("f", NULL, 0));
  SHOW(listxattr("f", value, 5));
  SHOW(removexattr("f", "trusted.b"));
  SHOW(removexattr("f", "trusted.b"));
  list("f");
  SHOW(setxattr("f", "security.test", "s", 1, 0));
  list("f");
}

static void errors(void) {
  section("errors");
  static char longest[300], big[70000];
  memset(longest, 'n', sizeof longest);
  memcpy(longest, "trusted.", 8);
  longest[255] = 0;
  SHOW_AS("setxattr(255 byte name)", setxattr("f", longest, "x", 1, 0));
  longest[255] = 'n';
  longest[256] = 0;
  SHOW_AS("setxattr(256 byte name)", setxattr("f", longest, "x", 1, 0));
  SHOW_AS("setxattr(65536 bytes)", setxattr("f", "trusted.big", big, 65536, 0));
  SHOW_AS("setxattr(65537 bytes)", setxattr("f", "trusted.big", big, 65537, 0));
  SHOW(setxattr("f", "", "x", 1, 0));
  SHOW(setxattr("f", "nodot", "x", 1, 0));
  SHOW(setxattr("f", "unknown.x", "x", 1, 0));
  SHOW(setxattr("f", "trusted.", "x", 1, 0));
  SHOW(setxattr("f", "user.x", "x", 1, 0));
  SHOW(getxattr("f", "user.x", big, 10));
  SHOW(setxattr("f", "trusted.x", "x", 1, 8));
  SHOW(setxattr("f", "trusted.x", "x", 1, XATTR_CREATE | XATTR_REPLACE));
  SHOW(setxattr("f", "trusted.x", BAD_KERNEL, 1, 0));
  SHOW(setxattr("f", BAD_NULL, "x", 1, 0));
  SHOW(setxattr("nope", "trusted.x", "x", 1, 0));
  SHOW(setxattr(BAD_NULL, "trusted.x", "x", 1, 0));
  symlink("f", "l");
  SHOW(lsetxattr("l", "trusted.on-link", "x", 1, 0));
  SHOW(getxattr("l", "trusted.on-link", big, 10));
  SHOW(lgetxattr("l", "trusted.on-link", big, 10));
  int fd = open("f", O_RDONLY);
  SHOW(fsetxattr(fd, "trusted.fd", "x", 1, 0));
  SHOW(fgetxattr(fd, "trusted.fd", big, 10));
  SHOW(fremovexattr(fd, "trusted.fd"));
  SHOW(fsetxattr(99, "trusted.fd", "x", 1, 0));
  close(fd);
  fd = open("f", O_PATH);
  SHOW(fgetxattr(fd, "trusted.a", big, 10));
  SHOW(getxattr("/proc/self/status", "trusted.a", big, 10));
}

static void unprivileged(void) {
  section("without CAP_SYS_ADMIN");
  chmod("f", 0666);
  setgroups(0, NULL);
  MUST(setresgid(1000, 1000, 1000));
  MUST(setresuid(1000, 1000, 1000));
  char value[100];
  SHOW(getxattr("f", "trusted.a", value, sizeof value));
  SHOW(setxattr("f", "trusted.a", "x", 1, 0));
  SHOW(removexattr("f", "trusted.a"));
  SHOW(getxattr("f", "security.test", value, sizeof value));
  // Setting it is refused by the rules and let through by some of Debian's security modules.
  list("f");
}

int main(void) {
  values();
  errors();
  IN_CHILD(unprivileged);
}
