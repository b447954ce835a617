// SPDX-License-Identifier: MIT
//
// The machine around the program; see machine.h. Every step goes on when it fails: a root without
// /sys is still worth a shell, and the log says what was missing.
#include "machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/text.h"
#include "protocol.h"

namespace machine {
namespace {

constexpr const char* kOwnFolder = "/.samara";
constexpr const char* kModuleFolder = "/.samara/modules";
constexpr size_t kMaxModules = 32;
constexpr const char* kNewRoot = "/root";
constexpr int kDeviceTimeoutMs = 20000;
constexpr int kPollMs = 5;

bool on_disk = false;  // the root is

struct Mount {
  const char* type;
  const char* path;
  unsigned long flags;
  const char* options;
};

constexpr Mount kDevices = {"devtmpfs", "/dev", MS_NOSUID, "mode=0755"};
constexpr Mount kMounts[] = {
    {"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr},
    {"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr},
    kDevices,
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,ptmxmode=0666"},
    {"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777"},
    {"tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777"},
};

void mount_one(const Mount& mount) {
  mkdir(mount.path, 0755);
  if (::mount(mount.type, mount.path, mount.type, mount.flags, mount.options) != 0 &&
      errno != EBUSY) {
    log("cannot mount ", mount.path);
  }
}

// As switch_root(8): what init runs from is covered, and stays. False: see errno.
bool change_root(const char* folder) {
  return chdir(folder) == 0 && mount(".", "/", nullptr, MS_MOVE, nullptr) == 0 &&
         chroot(".") == 0 && chdir("/") == 0;
}

void load_module(const char* path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || syscall(SYS_finit_module, file, "", 0) != 0) {
    log("cannot load a kernel module: ", path);
  }
  if (file >= 0) {
    close(file);
  }
}

// The folder again, with what is written to it kept in memory. Null: see errno.
const char* cover_with_memory(const char* folder) {
  constexpr const char* kMemory = "/.memory";
  constexpr const char* kCovered = "/.covered";
  Text<PATH_MAX> layers;
  layers << "lowerdir=" << folder << ",upperdir=" << kMemory << "/upper,workdir=" << kMemory
         << "/work";
  mkdir(kMemory, 0755);
  mkdir(kCovered, 0755);
  if (mount("tmpfs", kMemory, "tmpfs", 0, "mode=0755") != 0 || mkdir("/.memory/upper", 0755) != 0 ||
      mkdir("/.memory/work", 0755) != 0 ||
      mount("overlay", kCovered, "overlay", 0, layers.c_str()) != 0) {
    return nullptr;
  }
  return kCovered;
}

// The folder becomes the root, with what is mounted already.
int make_root(const char* folder) {
  for (const Mount& mount : kMounts) {
    Text<PATH_MAX> place;
    place << folder << mount.path;
    // What is below another one moves with it.
    if (strchr(mount.path + 1, '/') != nullptr) {
      continue;
    }
    mkdir(place.c_str(), 0755);
    if (::mount(mount.path, place.c_str(), nullptr, MS_MOVE, nullptr) != 0) {
      log("cannot move to the new root: ", mount.path);
    }
  }
  return change_root(folder) ? 0 : errno;
}

void sleep_ms(long milliseconds) {
  timespec time{milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, nullptr);
}

bool wait_for_device(const char* path) {
  for (int waited = 0; access(path, F_OK) != 0; waited += kPollMs) {
    if (waited >= kDeviceTimeoutMs) {
      return false;
    }
    sleep_ms(kPollMs);
  }
  return true;
}

int compare_names(const void* a, const void* b) {
  return strcmp(*static_cast<char* const*>(a), *static_cast<char* const*>(b));
}

}  // namespace

void make_parents(const char* path) {
  Text<PATH_MAX> parent;
  parent << path;
  char* text = parent.data();
  for (char* at = strchr(text + 1, '/'); at != nullptr; at = strchr(at + 1, '/')) {
    *at = '\0';
    mkdir(text, 0755);
    *at = '/';
  }
}

void mount_all() {
  for (const Mount& mount : kMounts) {
    mount_one(mount);
  }
  // What devtmpfs does not make, and every program expects.
  symlink("/proc/self/fd", "/dev/fd");
  symlink("fd/0", "/dev/stdin");
  symlink("fd/1", "/dev/stdout");
  symlink("fd/2", "/dev/stderr");
}

void load_modules() {
  DIR* folder = opendir(kModuleFolder);
  if (folder == nullptr) {
    return;
  }
  char* names[kMaxModules];
  size_t count = 0;
  while (dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.' && count < kMaxModules) {
      names[count++] = strdup(entry->d_name);
    }
  }
  closedir(folder);
  qsort(names, count, sizeof(names[0]), compare_names);
  for (size_t i = 0; i < count; ++i) {
    Text<256> path;
    path << kModuleFolder << "/" << names[i];
    load_module(path.c_str());
    // The program shall see the same root on every kernel.
    unlink(path.c_str());
    free(names[i]);
  }
  rmdir(kModuleFolder);
  rmdir(kOwnFolder);
}

bool enter_root(const char* device_and_type, bool read_only) {
  Text<256> device;
  device << device_and_type;
  char* colon = strchr(device.data(), ':');
  if (colon == nullptr) {
    log("no type: ", device_and_type);
    return false;
  }
  *colon = '\0';
  const char* type = colon + 1;
  mount_one(kDevices);
  mkdir(kNewRoot, 0700);
  if (!wait_for_device(device.c_str())) {
    log("no such device: ", device.c_str());
    return false;
  }
  if (mount(device.c_str(), kNewRoot, type, read_only ? MS_RDONLY : 0, nullptr) != 0) {
    Text<64> why;
    why << device.c_str() << " (" << type << "): " << strerror(errno);
    log("cannot mount the root ", why.c_str());
    return false;
  }
  // Nothing is left of the initramfs but what this program runs from.
  unlink("/.samara/init");
  rmdir(kOwnFolder);
  umount2("/dev", MNT_DETACH);
  rmdir("/dev");
  if (!change_root(kNewRoot)) {
    log("cannot change to the root on ", device.c_str());
    return false;
  }
  on_disk = true;
  return true;
}

void become(const char* program, char** argv) {
  Text<PATH_MAX> path;
  path << program;
  // As a kernel that mounts its root itself.
  mount_one(kDevices);
  unsetenv(protocol::kInitEnvironment);
  unsetenv(protocol::kRootEnvironment);
  argv[0] = path.data();
  execv(path.c_str(), argv);
  log("cannot run ", path.c_str());
  power_off();
}

void set_host_name() {
  char name[64] = "samara";
  int file = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    ssize_t got = read(file, name, sizeof(name) - 1);
    close(file);
    if (got > 0) {
      name[got] = '\0';
      name[strcspn(name, "\n")] = '\0';
    }
  }
  sethostname(name, strlen(name));
}

int mount_share(const char* tag, const char* path, const char* options, bool keep_changes) {
  bool is_root = strcmp(path, "/") == 0;
  const char* place = is_root ? "/.root" : path;
  make_parents(place);
  mkdir(place, 0755);
  if (::mount(tag, place, "9p", 0, options) != 0) {
    return errno;
  }
  if (!is_root) {
    return 0;
  }
  if (!keep_changes) {
    place = cover_with_memory(place);
  }
  int error = place != nullptr ? make_root(place) : errno;
  if (error == 0) {
    set_host_name();
  }
  return error;
}

void log(const char* message, const char* detail) {
  Text<512> line;
  line << "init: " << message << detail << "\n";
  int file = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
  int to = file >= 0 ? file : STDERR_FILENO;
  if (write(to, line.c_str(), line.length()) < 0) {
    // Nowhere left to complain.
  }
  if (file >= 0) {
    close(file);
  }
}

void power_off() {
  kill(-1, SIGKILL);
  sync();
  // A root on a disk is left clean: read-only, as soon as the last writer is dead.
  for (int tries = 0; on_disk && tries < 200; ++tries) {
    if (mount(nullptr, "/", nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0 || errno != EBUSY) {
      break;
    }
    sleep_ms(kPollMs);
  }
  reboot(RB_POWER_OFF);
  // Without a way to switch off: PID 1 must not return.
  for (;;) {
    pause();
  }
}

}  // namespace machine
