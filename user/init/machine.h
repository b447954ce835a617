// SPDX-License-Identifier: MIT
//
// What init does with the machine rather than with the program: mounts, kernel modules, host name,
// log lines, power.
#pragma once

namespace machine {

// Mounts /proc, /sys, /dev, /dev/pts, /dev/shm and /tmp; what is mounted already stays as it is.
void mount_all();

// Loads the modules in /.samara/modules in the order of their names, then removes /.samara. A
// kernel that has its drivers built in gets none.
void load_modules();

// Makes the file system on DEVICE:TYPE the root, in the place of the initramfs, which goes. False
// when it cannot be mounted: the log says why.
bool enter_root(const char* device_and_type, bool read_only);

// Makes way for another process 1, which finds what a kernel that mounts its root itself leaves:
// devtmpfs on /dev.
[[noreturn]] void become(const char* program, char** argv);

void set_host_name();

// The folders above the last component that are not there yet, as mkdir -p makes them.
void make_parents(const char* path);

// Mounts what the host calls `tag` by 9p; at "/" it becomes the root, and what is mounted already
// moves there, and what is written to it stays in memory unless it is to be kept. Returns an errno,
// 0 when it is there.
int mount_share(const char* tag, const char* path, const char* options, bool keep_changes);

// One line on the kernel log, for a person who looks why a boot went wrong.
void log(const char* message, const char* detail = "");

// Ends all processes, writes back what is dirty, switches off.
[[noreturn]] void power_off();

}  // namespace machine
