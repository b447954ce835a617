// SPDX-License-Identifier: MIT
//
// User and group ids, supplementary groups, umask, capabilities, and the parts of prctl that go
// with them.

#include "abi.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static const char* ids(void) {
  static char text[100];
  uid_t r, e, s;
  gid_t rg, eg, sg;
  getresuid(&r, &e, &s);
  getresgid(&rg, &eg, &sg);
  snprintf(text, sizeof text, "uid %d %d %d gid %d %d %d fs %d %d", r, e, s, rg, eg, sg,
           (int)syscall(SYS_setfsuid, -1), (int)syscall(SYS_setfsgid, -1));
  return text;
}

static void as_root(void) {
  section("as root");
  say("%s", ids());
  SHOW(syscall(SYS_setresuid, 1, 2, 3));
  say("%s", ids());
  SHOW(syscall(SYS_setresuid, 3, 3, 3));
  SHOW(syscall(SYS_setresuid, 4, -1, -1));
  SHOW(syscall(SYS_setresuid, -1, -1, -1));
  say("%s", ids());
}
static void real_and_effective(void) {
  section("setreuid");
  SHOW(syscall(SYS_setreuid, 5, 6));
  say("%s", ids());
  SHOW(syscall(SYS_setreuid, 6, 5));
  say("%s", ids());
  SHOW(syscall(SYS_setreuid, -1, 7));
  SHOW(syscall(SYS_setreuid, 0, -1));
  SHOW(syscall(SYS_setuid, 6));
  say("%s", ids());
}
static void set_user(void) {
  section("setuid");
  SHOW(syscall(SYS_setuid, -1));
  SHOW(syscall(SYS_setuid, 1000));
  say("%s", ids());
  SHOW(syscall(SYS_setuid, 0));
  SHOW(syscall(SYS_setuid, 1000));
}
static void saved(void) {
  section("the saved id brings root back");
  SHOW(syscall(SYS_setresuid, -1, 1000, -1));
  say("%s", ids());
  SHOW(open("/proc/1/environ", O_RDONLY));
  SHOW(syscall(SYS_setuid, 0));
  say("%s", ids());
}
static void set_groups_ids(void) {
  section("groups");
  SHOW(syscall(SYS_setresgid, 1, 2, 3));
  SHOW(syscall(SYS_setregid, 4, 5));
  say("%s", ids());
  SHOW(syscall(SYS_setgid, 9));
  say("%s", ids());
  SHOW(syscall(SYS_setresuid, 1000, 1000, 1000));
  SHOW(syscall(SYS_setgid, 10));
  SHOW(syscall(SYS_setresgid, 9, -1, 9));
  SHOW(syscall(SYS_setresgid, 10, -1, -1));
}
static void file_system_ids(void) {
  section("file system ids");
  SHOW(syscall(SYS_setfsuid, 77));
  SHOW(syscall(SYS_setfsuid, -1));
  SHOW(syscall(SYS_setfsgid, 78));
  SHOW(syscall(SYS_setfsgid, -1));
  write_file("mine", "x");
  struct stat st;
  if (stat("mine", &st) == 0) say("owner %d %d", st.st_uid, st.st_gid);
  SHOW(syscall(SYS_setresuid, 0, 0, 0));
  say("%s", ids());
}
static void bad_pointers(void) {
  section("bad pointers");
  uid_t id;
  SHOW(syscall(SYS_getresuid, &id, BAD_KERNEL, &id));
  SHOW(syscall(SYS_getresgid, BAD_NULL, &id, &id));
  SHOW(syscall(SYS_getgroups, 10, BAD_KERNEL));
  SHOW(syscall(SYS_setgroups, 3, BAD_KERNEL));
}

static void supplementary(void) {
  section("supplementary groups");
  gid_t groups[10];
  SHOW(getgroups(0, NULL));
  gid_t set[] = {300, 100, 200};
  SHOW(setgroups(3, set));
  SHOW(getgroups(0, NULL));
  SHOW(getgroups(10, groups));
  say("%d %d %d", groups[0], groups[1], groups[2]);
  SHOW(getgroups(2, groups));
  SHOW(getgroups(-1, groups));
  SHOW(syscall(SYS_setgroups, 65537, set));
  SHOW(syscall(SYS_setgroups, -1, set));
  write_file("group-file", "");
  chown("group-file", 0, 200);
  chmod("group-file", 0040);
  MUST(setresgid(1000, 1000, 1000));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(open("group-file", O_RDONLY) >= 0);
  SHOW(setgroups(0, NULL));
}

static void mask(void) {
  section("umask");
  SHOW(umask(0777));
  SHOW(umask(07022));
  SHOW(umask(022));
}

static const char* capabilities(void) {
  static char text[100];
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) == -1) return error_name(errno);
  snprintf(text, sizeof text, "effective %08x%08x permitted %08x%08x inheritable %08x%08x",
           data[1].effective, data[0].effective, data[1].permitted, data[0].permitted,
           data[1].inheritable, data[0].inheritable);
  return text;
}

static void capability_calls(void) {
  section("capabilities");
  say("%s", capabilities());
  struct __user_cap_header_struct header = {0, 0};
  struct __user_cap_data_struct data[2] = {{0}};
  SHOW(syscall(SYS_capget, &header, NULL));
  say("version %x", header.version);
  header.version = 0;
  SHOW(syscall(SYS_capget, &header, data));
  header = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_3, 1 << 22};
  SHOW(syscall(SYS_capget, &header, data));
  header.pid = -1;
  SHOW(syscall(SYS_capget, &header, data));
  header.pid = 1;
  SHOW(syscall(SYS_capget, &header, data));
  SHOW(syscall(SYS_capset, &header, data));
  SHOW(syscall(SYS_capget, BAD_KERNEL, data));
  header.pid = 0;
  SHOW(syscall(SYS_capget, &header, BAD_KERNEL));
  SHOW(syscall(SYS_capset, &header, BAD_KERNEL));
  header.version = _LINUX_CAPABILITY_VERSION_1;
  SHOW(syscall(SYS_capget, &header, data));
  say("version 1: %08x", data[0].permitted);
  header.version = _LINUX_CAPABILITY_VERSION_3;
  memset(data, 0, sizeof data);
  data[0].permitted = 1 << CAP_KILL | 1 << CAP_CHOWN;
  data[0].effective = 1 << CAP_CHOWN;
  SHOW(syscall(SYS_capset, &header, data));
  say("%s", capabilities());
  write_file("c", "");
  SHOW(chown("c", 1, 1));
  SHOW(kill(1, 0));
  SHOW(chroot("/"));
  SHOW(open("group-file", O_RDONLY) >= 0);
  data[0].effective = 1 << CAP_KILL | 1 << CAP_SYS_CHROOT;
  SHOW(syscall(SYS_capset, &header, data));
  data[0].effective = 1 << CAP_KILL;
  data[0].inheritable = 1 << CAP_SYS_ADMIN;
  SHOW(syscall(SYS_capset, &header, data));
  data[0].inheritable = 1 << CAP_KILL;
  SHOW(syscall(SYS_capset, &header, data));
  say("%s", capabilities());
}

static void over_set_user(void) {
  section("capabilities over setuid");
  SHOW(setresuid(1000, 1000, 0));
  say("%s", capabilities());
  SHOW(setresuid(-1, 0, -1));
  say("%s", capabilities());
  SHOW(prctl(PR_SET_KEEPCAPS, 1));
  SHOW(setresuid(1000, 1000, 1000));
  say("%s", capabilities());
}

static void bounding(void) {
  section("bounding set and others");
  SHOW(prctl(PR_CAPBSET_READ, CAP_CHOWN));
  SHOW(prctl(PR_CAPBSET_READ, 40));
  SHOW(prctl(PR_CAPBSET_READ, 41));
  SHOW(prctl(PR_CAPBSET_READ, 99));
  SHOW(prctl(PR_CAPBSET_DROP, CAP_NET_RAW));
  SHOW(prctl(PR_CAPBSET_READ, CAP_NET_RAW));
  SHOW(prctl(PR_CAPBSET_DROP, 99));
  SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
  SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
  SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  SHOW(prctl(PR_CAP_AMBIENT, 99, 0, 0, 0));
  SHOW(prctl(PR_GET_SECUREBITS));
  SHOW(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT));
  SHOW(prctl(PR_GET_SECUREBITS));
  SHOW(prctl(PR_SET_SECUREBITS, 0x1000));
  SHOW(prctl(PR_SET_SECUREBITS, 0));
}

int main(void) {
  chmod(".", 0777);
  IN_CHILD(as_root);
  IN_CHILD(real_and_effective);
  IN_CHILD(set_user);
  IN_CHILD(saved);
  IN_CHILD(set_groups_ids);
  IN_CHILD(file_system_ids);
  IN_CHILD(bad_pointers);
  IN_CHILD(supplementary);
  mask();
  IN_CHILD(capability_calls);
  IN_CHILD(over_set_user);
  IN_CHILD(bounding);
}
