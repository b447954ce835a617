// SPDX-License-Identifier: MIT
//
// capabilities(7): capget(2) and capset(2) by version, capabilities of files (security.capability),
// and what execve(2) makes of them and of set-user-id bits.

#include "abi.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <linux/xattr.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/xattr.h>

static struct __user_cap_data_struct data[2];

static long get(uint32_t version, int pid) {
  struct __user_cap_header_struct header = {version, pid};
  errno = 0;
  long result = syscall(SYS_capget, &header, data);
  if (header.version != version) say("version is now %x", header.version);
  return result;
}

static long set(uint32_t version, int pid) {
  struct __user_cap_header_struct header = {version, pid};
  errno = 0;
  return syscall(SYS_capset, &header, data);
}

static void versions(void) {
  section("versions");
  SHOW(get(_LINUX_CAPABILITY_VERSION_1, 0));
  SHOW(get(_LINUX_CAPABILITY_VERSION_2, 0));
  SHOW(get(_LINUX_CAPABILITY_VERSION_3, 0));
  SHOW(get(7, 0));
  SHOW(get(_LINUX_CAPABILITY_VERSION_3, -1));
  SHOW(get(_LINUX_CAPABILITY_VERSION_3, 1 << 30));
  SHOW(get(_LINUX_CAPABILITY_VERSION_3, 1));
  SHOW(get(_LINUX_CAPABILITY_VERSION_3, getpid()));
  struct __user_cap_header_struct header = {7, 0};
  SHOW(syscall(SYS_capget, &header, NULL));
  header = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_3, -4};
  SHOW(syscall(SYS_capget, &header, NULL));
  SHOW(syscall(SYS_capget, &header, BAD_KERNEL));
  header.pid = 0;
  SHOW(syscall(SYS_capget, &header, BAD_KERNEL));
  SHOW(syscall(SYS_capget, NULL, data));
  SHOW(syscall(SYS_capset, NULL, data));
  SHOW(syscall(SYS_capset, &header, NULL));
  SHOW(set(7, 0));
  SHOW(get(_LINUX_CAPABILITY_VERSION_3, 0));
  SHOW(set(_LINUX_CAPABILITY_VERSION_3, 1));
  SHOW(set(_LINUX_CAPABILITY_VERSION_3, -1));
  SHOW(set(_LINUX_CAPABILITY_VERSION_3, getpid()));
  data[0].effective = 0;
  data[0].permitted = 1;
  data[1].permitted = 0;
  data[1].effective = 0;
  SHOW(set(_LINUX_CAPABILITY_VERSION_3, 0));
  data[0].permitted = 3;
  SHOW(set(_LINUX_CAPABILITY_VERSION_3, 0));
  data[0].permitted = 1;
  data[0].effective = 2;
  SHOW(set(_LINUX_CAPABILITY_VERSION_3, 0));
  data[0].effective = 0;
  data[0].inheritable = 4;
  SHOW(set(_LINUX_CAPABILITY_VERSION_3, 0));
  data[0].inheritable = 1;
  SHOW(set(_LINUX_CAPABILITY_VERSION_3, 0));
}

// ---- files' capabilities ------------------------------------------------------------------------

#define PROGRAM "./capabilities_program"

static void report(void) {
  get(_LINUX_CAPABILITY_VERSION_3, 0);
  uid_t real, effective, saved;
  getresuid(&real, &effective, &saved);
  long ambient = 0;
  for (int i = 0; i <= 40; i++)
    ambient |= (long)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) << i;
  say("  uids %d %d %d permitted %x %x effective %x %x inheritable %x %x ambient %lx secure %lu "
      "dumpable %d bits %x",
      real, effective, saved, data[0].permitted, data[1].permitted, data[0].effective,
      data[1].effective, data[0].inheritable, data[1].inheritable, ambient, getauxval(AT_SECURE),
      prctl(PR_GET_DUMPABLE), prctl(PR_GET_SECUREBITS));
}

static void file_capability(uint32_t magic, uint32_t permitted, uint32_t inheritable, size_t size) {
  struct vfs_ns_cap_data value = {.magic_etc = magic};
  value.data[0].permitted = permitted;
  value.data[0].inheritable = inheritable;
  errno = 0;
  long result = setxattr(PROGRAM, "security.capability", &value, size, 0);
  say("setxattr magic %x permitted %x inheritable %x size %zu: %s", magic, permitted, inheritable,
      size, result == 0 ? "ok" : error_name(errno));
}

static uid_t run_uid;
static uint32_t run_inheritable, run_bounding_drop, run_ambient, run_bits;
static bool run_no_new_privileges;

static void execute(void) {
  if (run_bits != 0) MUST(prctl(PR_SET_SECUREBITS, run_bits));
  if (run_bounding_drop != 0) MUST(prctl(PR_CAPBSET_DROP, run_bounding_drop, 0, 0, 0));
  if (run_inheritable != 0) {
    get(_LINUX_CAPABILITY_VERSION_3, 0);
    data[0].inheritable = run_inheritable;
    MUST(set(_LINUX_CAPABILITY_VERSION_3, 0));
  }
  if (run_ambient != 0) MUST(prctl(PR_SET_KEEPCAPS, 1));
  if (run_uid != 0) MUST(setresuid(run_uid, run_uid, run_uid));
  if (run_ambient != 0) MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, run_ambient, 0, 0));
  if (run_no_new_privileges) MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  execl(PROGRAM, "program", "report", NULL);
  say("  execve: %s", error_name(errno));
}

static void run(const char* label) {
  say("%s", label);
  say("  %s", status_text(in_child(execute)));
}

static void files(const char* self) {
  section("capabilities of files");
  char command[4096];
  int from = (int)MUST(open(self, O_RDONLY)), to;
  unlink(PROGRAM);
  to = (int)MUST(open(PROGRAM, O_WRONLY | O_CREAT, 0755));
  ssize_t length;
  while ((length = read(from, command, sizeof command)) > 0)
    MUST(write(to, command, (size_t)length));
  close(from);
  close(to);
  run("root, no capabilities");
  run_uid = 1000;
  run("user, no capabilities");

  section("values");
  file_capability(0, 1, 0, 20);
  file_capability(VFS_CAP_REVISION_1, 1, 0, 12);
  file_capability(VFS_CAP_REVISION_2, 1, 0, 12);
  file_capability(VFS_CAP_REVISION_2, 1, 0, 24);
  file_capability(VFS_CAP_REVISION_3, 1, 0, 20);
  file_capability(VFS_CAP_REVISION_3 | 4, 1, 0, 24);
  char value[64];
  SHOW(getxattr(PROGRAM, "security.capability", value, sizeof value));
  file_capability(VFS_CAP_REVISION_3, 1, 0, 24);
  SHOW(getxattr(PROGRAM, "security.capability", value, sizeof value));
  SHOW(getxattr(PROGRAM, "security.capability", NULL, 0));
  SHOW(getxattr(PROGRAM, "security.capability", value, 8));
  file_capability(VFS_CAP_REVISION_2, 1, 0, 20);
  SHOW(getxattr(PROGRAM, "security.capability", value, sizeof value));
  SHOW(setxattr(PROGRAM, "security.capability", NULL, 0, 0));

  section("execution");
  file_capability(VFS_CAP_REVISION_2, 1u << CAP_CHOWN, 0, 20);
  run("user, permitted");
  file_capability(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, 1u << CAP_CHOWN, 0, 20);
  run("user, permitted and effective");
  run_bounding_drop = CAP_KILL;
  file_capability(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, 1u << CAP_KILL, 0, 20);
  run("user, effective outside the bounding set");
  file_capability(VFS_CAP_REVISION_2, 1u << CAP_KILL | 1u << CAP_CHOWN, 0, 20);
  run("user, permitted outside the bounding set");
  run_bounding_drop = 0;
  file_capability(VFS_CAP_REVISION_2, 0, 1u << CAP_CHOWN, 20);
  run("user, inheritable of the file alone");
  run_inheritable = 1u << CAP_CHOWN;
  run("user, inheritable of both");
  run_inheritable = 0;
  file_capability(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, 1u << CAP_CHOWN, 0, 20);
  run_no_new_privileges = true;
  run("user, no new privileges");
  run_no_new_privileges = false;
  run_inheritable = 1u << CAP_KILL;
  run_ambient = CAP_KILL;
  run("user with an ambient capability, a file with some");
  removexattr(PROGRAM, "security.capability");
  run("user with an ambient capability, a file without");
  run_ambient = 0;
  run_inheritable = 0;
  file_capability(VFS_CAP_REVISION_2, 0, 0, 20);
  run("user, an empty set");
  run_uid = 0;
  file_capability(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, 1u << CAP_CHOWN, 0, 20);
  run("root, effective");
  run_bits = SECBIT_NOROOT;
  run("root without the root privilege, effective");
  file_capability(VFS_CAP_REVISION_2, 1u << CAP_CHOWN, 0, 20);
  run("root without the root privilege, permitted");
  run_bits = 0;

  section("with set-user-id root");
  run_uid = 1000;
  removexattr(PROGRAM, "security.capability");
  MUST(chmod(PROGRAM, 04755));
  run("user, set-user-id");
  run_no_new_privileges = true;
  run("user, set-user-id, no new privileges");
  run_no_new_privileges = false;
  file_capability(VFS_CAP_REVISION_2, 1u << CAP_CHOWN, 0, 20);
  run("user, set-user-id and capabilities");
  MUST(chown(PROGRAM, 1001, 1001));
  SHOW(getxattr(PROGRAM, "security.capability", value, sizeof value));
  MUST(chmod(PROGRAM, 06755));
  run("user, set-user-id of another user");
  MUST(chmod(PROGRAM, 02745));
  run("user, set-group-id without group execute");
  run_uid = 0;
  MUST(chmod(PROGRAM, 04755));
  run("root, set-user-id of a user");

  section("what takes them away");
  MUST(chmod(PROGRAM, 0755));
  file_capability(VFS_CAP_REVISION_2, 1u << CAP_CHOWN, 0, 20);
  int fd = (int)MUST(open(PROGRAM, O_WRONLY | O_APPEND));
  SHOW(getxattr(PROGRAM, "security.capability", value, sizeof value));
  MUST(write(fd, "x", 1));
  SHOW(getxattr(PROGRAM, "security.capability", value, sizeof value));
  file_capability(VFS_CAP_REVISION_2, 1u << CAP_CHOWN, 0, 20);
  MUST(ftruncate(fd, 100000));
  SHOW(getxattr(PROGRAM, "security.capability", value, sizeof value));
  file_capability(VFS_CAP_REVISION_2, 1u << CAP_CHOWN, 0, 20);
  MUST(chmod(PROGRAM, 0700));
  SHOW(getxattr(PROGRAM, "security.capability", value, sizeof value));
  MUST(chown(PROGRAM, -1u, -1u));
  SHOW(getxattr(PROGRAM, "security.capability", value, sizeof value));
  close(fd);
  unlink(PROGRAM);
}

static void as_user(void) {
  section("attributes as a user");
  write_file("capabilities_file", "x");
  MUST(chown("capabilities_file", 1000, 1000));
  MUST(setresuid(1000, 1000, 1000));
  struct vfs_cap_data value = {.magic_etc = VFS_CAP_REVISION_2};
  SHOW(setxattr("capabilities_file", "security.capability", &value, sizeof value, 0));
  SHOW(setxattr("capabilities_file", "security.capability", &value, 3, 0));
  SHOW(setxattr("capabilities_file", "security.other", &value, 3, 0));
  SHOW(getxattr("capabilities_file", "security.capability", &value, sizeof value));
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "report") == 0) {
    report();
    return 0;
  }
  IN_CHILD(versions);
  files(argv[0]);
  IN_CHILD(as_user);
  unlink("capabilities_file");
  return 0;
}
