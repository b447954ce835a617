// SPDX-License-Identifier: MIT
//
// What concerns the whole system, and identity: uname, host names, personality, getrandom, syslog,
// reboot, setuid and its relatives, groups, process groups and sessions by their raw calls.

#include "abi.h"

#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>

static void personalities(void) {
  section("personality");
  struct utsname name;
  SHOW(personality(0xffffffff));
  SHOW(personality(0x0040000));
  SHOW(personality(0xffffffff));
  SHOW(personality(0xfffffffe));
  SHOW(personality(0));
  uname(&name);
  YES(strncmp(name.release, "6.1.", 4) == 0);
  SHOW(personality(UNAME26));
  uname(&name);
  YES(strncmp(name.release, "2.6.61", 6) == 0);
  say("\"%s\"", name.release[6] == '.' ? "dot" : name.release[6] == '-' ? "dash" : "other");
  SHOW(personality(0));
  // Of the process, or of the thread?
  SHOW(personality(READ_IMPLIES_EXEC));
  pid_t pid = fork();
  if (pid == 0) {
    SHOW_AS("child's personality", personality(0xffffffff));
    _exit(0);
  }
  waitpid(pid, NULL, 0);
  SHOW(personality(0));
  SHOW(uname(NULL));
  SHOW(uname(BAD_KERNEL));
  SHOW(uname((struct utsname*)edge(100)));
}

static void hosts(void) {
  section("host names");
  char name[100];
  struct utsname before;
  uname(&before);
  memset(name, 'h', sizeof name);
  SHOW(syscall(SYS_sethostname, name, -1));
  SHOW(syscall(SYS_sethostname, name, 65));
  SHOW(syscall(SYS_sethostname, BAD_KERNEL, 5));
  SHOW(syscall(SYS_setdomainname, name, 65));
  SHOW(syscall(SYS_sethostname, name, 64));
  SHOW(gethostname(name, 100));
  SHOW(strlen(name));
  SHOW(syscall(SYS_sethostname, "ab", 2));
  struct utsname now;
  uname(&now);
  say("%s", now.nodename);
  SHOW(syscall(SYS_sethostname, "", 0));
  uname(&now);
  say("\"%s\"", now.nodename);
  SHOW(sethostname(before.nodename, strlen(before.nodename)));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(syscall(SYS_sethostname, name, 65));
  SHOW(syscall(SYS_sethostname, name, 5));
}

static void randoms(void) {
  section("getrandom");
  char bytes[64];
  SHOW(syscall(SYS_getrandom, bytes, 64, 0));
  SHOW(syscall(SYS_getrandom, bytes, 64, 1));
  SHOW(syscall(SYS_getrandom, bytes, 64, 2));
  SHOW(syscall(SYS_getrandom, bytes, 64, 4));
  SHOW(syscall(SYS_getrandom, bytes, 64, 5));
  SHOW(syscall(SYS_getrandom, bytes, 64, 6));
  SHOW(syscall(SYS_getrandom, bytes, 64, 8));
  SHOW(syscall(SYS_getrandom, NULL, 0, 0));
  SHOW(syscall(SYS_getrandom, NULL, 1, 0));
  SHOW(syscall(SYS_getrandom, BAD_KERNEL, 1, 0));
  SHOW(syscall(SYS_getrandom, BAD_KERNEL, 1, 8));
  YES(syscall(SYS_getrandom, edge(16), 32, 0) > 0);
  SHOW(syscall(SYS_getrandom, unmapped(), 20, 0));
}

static void logs(void) {
  section("syslog and reboot");
  char text[16];
  SHOW(syscall(SYS_syslog, 0, NULL, 0));
  SHOW(syscall(SYS_syslog, 1, NULL, 0));
  SHOW(syscall(SYS_syslog, 2, NULL, 0));
  SHOW(syscall(SYS_syslog, 3, text, -1));
  SHOW(syscall(SYS_syslog, 3, text, 0));
  SHOW(syscall(SYS_syslog, 3, NULL, 10));
  SHOW(syscall(SYS_syslog, 3, BAD_KERNEL, 10));
  SHOW(syscall(SYS_syslog, 8, NULL, 0));
  SHOW(syscall(SYS_syslog, 8, NULL, 9));
  SHOW(syscall(SYS_syslog, 11, NULL, 0));
  SHOW(syscall(SYS_syslog, -1, NULL, 0));
  YES(syscall(SYS_syslog, 9, NULL, 0) >= 0);
  YES(syscall(SYS_syslog, 10, NULL, 0) > 0);
  SHOW(syscall(SYS_reboot, 1, 672274793, 0, NULL));
  SHOW(syscall(SYS_reboot, 0xfee1dead, 1, 0, NULL));
  SHOW(syscall(SYS_reboot, 0xfee1dead, 672274793, 12345, NULL));
  SHOW(syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL));
  SHOW(syscall(SYS_reboot, 0xfee1dead, 85072278, 0, NULL));
  SHOW(syscall(SYS_reboot, 0xfee1dead, 672274793, 0xa1b2c3d4, BAD_KERNEL));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(syscall(SYS_syslog, 0, NULL, 0));
  SHOW(syscall(SYS_syslog, 3, text, 0));
  SHOW(syscall(SYS_syslog, 10, NULL, 0));
  SHOW(syscall(SYS_syslog, 99, NULL, 0));
  SHOW(syscall(SYS_reboot, 1, 1, 0, NULL));
}

static void show_ids(void) {
  unsigned a, b, c, d, e, f;
  syscall(SYS_getresuid, &a, &b, &c);
  syscall(SYS_getresgid, &d, &e, &f);
  say("  %d %d %d fs %ld, %d %d %d fs %ld, dumpable %d", a, b, c, syscall(SYS_setfsuid, -1), d, e,
      f, syscall(SYS_setfsgid, -1), prctl(PR_GET_DUMPABLE));
}

static void identities(void) {
  section("identity");
  SHOW(syscall(SYS_setuid, -1));
  SHOW(syscall(SYS_setgid, -1));
  SHOW(syscall(SYS_setresuid, -1, -1, -1));
  SHOW(syscall(SYS_setreuid, -1, -1));
  SHOW(syscall(SYS_getresuid, NULL, NULL, NULL));
  SHOW(syscall(SYS_setfsuid, 5));
  SHOW(syscall(SYS_setfsuid, 6));
  SHOW(syscall(SYS_setfsuid, 0));
  show_ids();
  SHOW(syscall(SYS_setresgid, 10, 20, 30));
  show_ids();
  SHOW(syscall(SYS_setregid, 11, -1));
  show_ids();
  SHOW(syscall(SYS_setregid, -1, 21));
  show_ids();
  SHOW(syscall(SYS_setgid, 40));
  show_ids();
  SHOW(syscall(SYS_setresuid, 100, 200, 300));
  show_ids();
  SHOW(syscall(SYS_setresuid, 200, 300, 100));
  show_ids();
  SHOW(syscall(SYS_setresuid, 400, -1, -1));
  SHOW(syscall(SYS_setresuid, -1, 0, -1));
  SHOW(syscall(SYS_setuid, 0));
  SHOW(syscall(SYS_setuid, 100));
  show_ids();
  SHOW(syscall(SYS_setreuid, 300, -1));
  SHOW(syscall(SYS_setreuid, -1, 200));
  show_ids();
  SHOW(syscall(SYS_setreuid, 200, 100));
  show_ids();
  SHOW(syscall(SYS_setfsuid, 300));
  SHOW(syscall(SYS_setfsuid, 200));
  show_ids();
  SHOW(syscall(SYS_setgid, 0));
  SHOW(syscall(SYS_setresgid, 0, 0, 0));
  SHOW(syscall(SYS_setfsgid, 0));
  SHOW(syscall(SYS_setgroups, 0, NULL));
}

static void groups(void) {
  section("groups");
  unsigned list[] = {9, 3, 7, 3}, got[8] = {0};
  SHOW(syscall(SYS_setgroups, -1, list));
  SHOW(syscall(SYS_setgroups, 65537, list));
  SHOW(syscall(SYS_setgroups, 4, BAD_KERNEL));
  SHOW(syscall(SYS_setgroups, 4, list));
  SHOW(syscall(SYS_getgroups, 0, NULL));
  SHOW(syscall(SYS_getgroups, 3, got));
  SHOW(syscall(SYS_getgroups, -1, got));
  SHOW(syscall(SYS_getgroups, 8, got));
  say("%u %u %u %u", got[0], got[1], got[2], got[3]);
  SHOW(syscall(SYS_getgroups, 8, BAD_KERNEL));
  list[0] = -1u;
  SHOW(syscall(SYS_setgroups, 4, list));
  SHOW(syscall(SYS_setgroups, 0, BAD_KERNEL));
  SHOW(syscall(SYS_getgroups, 8, BAD_KERNEL));
}

static void process_groups(void) {
  section("process groups");
  SHOW(syscall(SYS_setpgid, -1, 0));
  SHOW(syscall(SYS_setpgid, 0, -1));
  SHOW(syscall(SYS_setpgid, 1, 0));
  SHOW(syscall(SYS_setpgid, 1 << 30, 0));
  SHOW(syscall(SYS_setpgid, 0, 1 << 30));
  SHOW(syscall(SYS_setpgid, 0, 1));
  SHOW(syscall(SYS_getpgid, -1));
  SHOW(syscall(SYS_getpgid, 1 << 30));
  SHOW(syscall(SYS_getsid, -1));
  SHOW(syscall(SYS_getsid, 1 << 30));
  SHOW(syscall(SYS_getpgid, 1));
  SHOW(syscall(SYS_setpgid, 0, 0));
  SHOW(syscall(SYS_setsid));
  pid_t pid = fork();
  if (pid == 0) {
    YES(syscall(SYS_setsid) == getpid());
    SHOW(syscall(SYS_setsid));
    SHOW(syscall(SYS_setpgid, 0, 0));
    pid_t inner = fork();
    if (inner == 0) {
      SHOW_AS("to its own group", syscall(SYS_setpgid, 0, 0));
      pause();
      _exit(0);
    }
    sleep_ms(50);
    YES(getpgid(inner) == inner);
    SHOW_AS("back to ours", syscall(SYS_setpgid, inner, getpid()));
    SHOW_AS("to a group of nobody", syscall(SYS_setpgid, inner, 1 << 29));
    kill(inner, SIGKILL);
    waitpid(inner, NULL, WNOWAIT | WEXITED);
    _exit(0);
  }
  waitpid(pid, NULL, 0);
}

static void misc(void) {
  section("others");
  SHOW(syscall(SYS_getrusage, 2, NULL));
  SHOW(syscall(SYS_getrusage, -2, NULL));
  SHOW(syscall(SYS_getrusage, 0, NULL));
  SHOW(syscall(SYS_getrusage, 1, BAD_KERNEL));
  SHOW(syscall(SYS_sysinfo, NULL));
  SHOW(syscall(SYS_sysinfo, BAD_KERNEL));
  SHOW(syscall(SYS_unshare, 0));
  SHOW(syscall(SYS_unshare, 1));
  SHOW(syscall(SYS_unshare, CLONE_FILES | CLONE_FS));
  SHOW(syscall(SYS_unshare, CLONE_THREAD));
  SHOW(syscall(SYS_unshare, CLONE_VM));
  SHOW(syscall(SYS_unshare, CLONE_SIGHAND));
  SHOW(syscall(SYS_unshare, CLONE_VFORK));
  SHOW(syscall(SYS_unshare, CLONE_SYSVSEM));
  SHOW(syscall(SYS_setns, -1, 0));
  SHOW(syscall(SYS_setns, 0, 0));
  SHOW(syscall(SYS_set_tid_address, NULL) == getpid());
  SHOW(syscall(SYS_restart_syscall));
}

int main(void) {
  IN_CHILD(personalities);
  IN_CHILD(hosts);
  IN_CHILD(randoms);
  IN_CHILD(logs);
  IN_CHILD(identities);
  IN_CHILD(groups);
  IN_CHILD(process_groups);
  IN_CHILD(misc);
  return 0;
}
