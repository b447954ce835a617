// SPDX-License-Identifier: MIT
//
// uname, sethostname, setdomainname and sysinfo: what the machine says of itself. The release and
// version differ between kernels, so only their form is looked at.

#include "abi.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>

static void names(void) {
  section("uname");
  struct utsname name;
  SHOW(uname(&name));
  say("sysname %s, machine %s", name.sysname, name.machine);
  int major = 0, minor = 0, patch = 0;
  YES(sscanf(name.release, "%d.%d.%d", &major, &minor, &patch) >= 2 && major == 6);
  YES(name.version[0] == '#');
  SHOW(syscall(SYS_uname, BAD_NULL));
  SHOW(syscall(SYS_uname, BAD_KERNEL));
  SHOW(syscall(SYS_uname, edge(sizeof name)));
  SHOW(syscall(SYS_uname, edge(sizeof name - 1)));
  SHOW(syscall(SYS_uname, page_with(PROT_READ)));
}

static void host_name(void) {
  section("sethostname");
  struct utsname name;
  SHOW(sethostname("samara-test", 11));
  uname(&name);
  say("nodename %s", name.nodename);
  SHOW(sethostname("x", -1));
  SHOW(sethostname("x", 65));
  SHOW(syscall(SYS_sethostname, BAD_NULL, 4));
  SHOW(syscall(SYS_sethostname, edge(3), 4));
  SHOW(sethostname("", 0));
  uname(&name);
  YES(name.nodename[0] == 0);
  SHOW(setdomainname("example.org", 11));
  uname(&name);
  say("domainname %s", name.domainname);
  SHOW(setdomainname("x", 65));
  SHOW(syscall(SYS_setdomainname, BAD_KERNEL, 4));
  MUST(setresuid(1000, 1000, 1000));
  SHOW(sethostname("no", 2));
  SHOW(setdomainname("no", 2));
}

static void memory(void) {
  section("sysinfo");
  struct sysinfo info;
  memset(&info, 0xee, sizeof info);
  SHOW(sysinfo(&info));
  YES(info.totalram > 0 && info.freeram > 0 && info.freeram < info.totalram);
  YES(info.totalram * info.mem_unit > 400ul << 20);
  YES(info.totalram * info.mem_unit <= 512ul << 20);
  YES(info.mem_unit == 1);
  YES(info.totalswap == 0 && info.freeswap == 0);
  YES(info.uptime >= 0 && info.procs >= 1);
  SHOW(syscall(SYS_sysinfo, BAD_NULL));
  SHOW(syscall(SYS_sysinfo, BAD_KERNEL));
  SHOW(syscall(SYS_sysinfo, edge(sizeof info - 1)));
}

int main(void) {
  names();
  memory();
  host_name();
}
