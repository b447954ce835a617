// SPDX-License-Identifier: MIT
//
// What system calls say about block devices: /dev/vda is a disk with a GPT, /dev/vdb the same bytes
// read-only, /dev/vdc has an MBR, /dev/vdd fails from its second half on. Printed alike on every
// kernel. tests/system/disk_test.py makes the disks.

#include "../../abi/abi.h"  // first: it asks for GNU extensions

#include <linux/fs.h>
#include <linux/hdreg.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

static char* page;  // aligned, two of them

static void show_number(const char* name, int fd, unsigned long request, size_t size) {
  uint64_t value = 0;
  int result = ioctl(fd, request, &value);
  if (result != 0) {
    say("%s = %d %s", name, result, error_name(errno));
    return;
  }
  if (size == 2) value = (uint16_t)value;
  if (size == 4) value = (uint32_t)value;
  say("%s: %llu", name, (unsigned long long)value);
}
#define NUMBER(fd, request, type) show_number(#request, fd, request, sizeof(type))

static void numbers(const char* path) {
  say("-- %s", path);
  int fd = open(path, O_RDONLY);
  NUMBER(fd, BLKGETSIZE64, uint64_t);
  NUMBER(fd, BLKGETSIZE, long);
  NUMBER(fd, BLKSSZGET, int);
  NUMBER(fd, BLKPBSZGET, unsigned);
  NUMBER(fd, BLKBSZGET, int);
  NUMBER(fd, BLKIOMIN, unsigned);
  NUMBER(fd, BLKIOOPT, unsigned);
  NUMBER(fd, BLKALIGNOFF, int);
  NUMBER(fd, BLKDISCARDZEROES, unsigned);
  NUMBER(fd, BLKROTATIONAL, short);
  NUMBER(fd, BLKSECTGET, short);
  NUMBER(fd, BLKROGET, int);
  NUMBER(fd, BLKRAGET, long);
  NUMBER(fd, BLKFRAGET, long);
  NUMBER(fd, BLKGETDISKSEQ, uint64_t);
  NUMBER(fd, 0x80041284, unsigned);  // BLKGETZONESZ
  struct hd_geometry geometry = {0};
  SHOW(ioctl(fd, HDIO_GETGEO, &geometry));
  say("start %lu heads %d sectors %d cylinders %d", geometry.start, geometry.heads,
      geometry.sectors, geometry.cylinders);
  struct stat status;
  SHOW(fstat(fd, &status));
  say("block device: %d, %u:%u, size %lld", S_ISBLK(status.st_mode), major(status.st_rdev),
      minor(status.st_rdev), (long long)status.st_size);
  close(fd);
}

static void positions(void) {
  int fd = open("/dev/vda2", O_RDWR);
  off_t end = lseek(fd, 0, SEEK_END);
  say("end at %lld", (long long)end);
  SHOW(lseek(fd, 1, SEEK_END));
  SHOW(lseek(fd, -1, SEEK_SET));
  SHOW(lseek(fd, 0, SEEK_DATA));
  SHOW(lseek(fd, 0, SEEK_HOLE));
  SHOW(pread(fd, page, 100, end - 10));
  SHOW(pread(fd, page, 100, end));
  SHOW(pread(fd, page, 100, end + 10));
  memset(page, 'x', 4096);
  SHOW(pwrite(fd, page, 100, end - 10));
  SHOW(pwrite(fd, page, 100, end));
  SHOW(pwrite(fd, page, 0, end));
  SHOW(pread(fd, page, 20, end - 20));
  say("%.10s", page + 10);
  SHOW(pread(fd, NULL, 4096, 0));
  SHOW(pwrite(fd, NULL, 4096, 0));
  SHOW(ftruncate(fd, 0));
  SHOW(fsync(fd));
  SHOW(fdatasync(fd));
  close(fd);
  SHOW((fd = open("/dev/vda2", O_RDWR | O_TRUNC)) >= 0);
  close(fd);
}

static void mapping(void) {
  int fd = open("/dev/vda3", O_RDWR);
  char* bytes = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  YES(bytes != MAP_FAILED);
  memcpy(bytes + 4000, "through the mapping", 20);
  SHOW(msync(bytes, 8192, MS_SYNC));
  SHOW(pread(fd, page, 20, 4000));
  say("%s", page);
  munmap(bytes, 8192);
  SHOW(fsync(fd));
  int direct = open("/dev/vda3", O_RDONLY | O_DIRECT);
  SHOW(pread(direct, page, 4096, 4096 - 512));
  say("%s", page + 4000 - (4096 - 512));
  close(direct);
  close(fd);
}

static void direct(void) {
  int fd = open("/dev/vda3", O_RDWR | O_DIRECT);
  memset(page, 'd', 8192);
  SHOW(pwrite(fd, page, 4096, 8192));
  SHOW(pwrite(fd, page, 512, 512));
  SHOW(pwrite(fd, page, 511, 512));
  SHOW(pwrite(fd, page, 512, 100));
  SHOW(pwrite(fd, page + 512, 512, 512));
  SHOW(pwrite(fd, page + 8, 512, 512));
  SHOW(pread(fd, page + 4, 512, 0));
  SHOW(pread(fd, page, 1, 0));
  SHOW(pread(fd, page, 0, 1));
  struct iovec two[2] = {{page, 512}, {page + 1024, 1024}};
  SHOW(pwritev(fd, two, 2, 16384));
  two[1].iov_len = 1000;
  SHOW(pwritev(fd, two, 2, 16384));
  off_t end = lseek(fd, 0, SEEK_END);
  SHOW(pread(fd, page, 4096, end - 512));
  SHOW(pwrite(fd, page, 4096, end - 512));
  SHOW(pread(fd, page, 4096, end));
  SHOW(pwrite(fd, page, 4096, end));
  SHOW(pread(fd, (void*)4096, 4096, 0));
  int cached = open("/dev/vda3", O_RDONLY);
  SHOW(pread(cached, page + 4096, 512, 512));
  say("%.3s", page + 4096);
  memset(page, 'e', 512);
  SHOW(pwrite(fd, page, 512, 512));
  SHOW(pread(cached, page + 4096, 512, 512));
  say("%.3s", page + 4096);
  close(cached);
  close(fd);
}

static void discards(void) {
  int fd = open("/dev/vda2", O_RDWR);
  memset(page, 'z', 8192);
  SHOW(pwrite(fd, page, 8192, 0));
  uint64_t range[2] = {0, 4096};
  SHOW(ioctl(fd, BLKZEROOUT, range));
  SHOW(pread(fd, page, 8192, 0));
  say("zeroed %d, kept %c", page[0] == 0 && page[4095] == 0, page[4096]);
  SHOW(ioctl(fd, BLKDISCARD, range));
  static const uint64_t bad[][2] = {{1, 512}, {0, 100}, {0, 1 << 30}, {1ull << 63, 1ull << 63}};
  for (size_t i = 0; i < COUNT(bad); ++i) {
    SHOW(ioctl(fd, BLKDISCARD, bad[i]));
    SHOW(ioctl(fd, BLKZEROOUT, bad[i]));
  }
  SHOW(ioctl(fd, BLKDISCARD, NULL));
  SHOW(ioctl(fd, BLKSECDISCARD, range));
  close(fd);
  fd = open("/dev/vda2", O_RDONLY);
  SHOW(ioctl(fd, BLKDISCARD, range));
  SHOW(ioctl(fd, BLKZEROOUT, range));
  SHOW(pwrite(fd, page, 512, 0));
  close(fd);
}

static void settings(void) {
  int fd = open("/dev/vda3", O_RDWR);
  int size = 1024;
  SHOW(ioctl(fd, BLKBSZSET, &size));
  NUMBER(fd, BLKBSZGET, int);
  size = 100;
  SHOW(ioctl(fd, BLKBSZSET, &size));
  size = 8192;
  SHOW(ioctl(fd, BLKBSZSET, &size));
  SHOW(ioctl(fd, BLKBSZSET, NULL));
  size = 4096;
  SHOW(ioctl(fd, BLKBSZSET, &size));
  int yes = 1, no = 0;
  SHOW(ioctl(fd, BLKROSET, &yes));
  NUMBER(fd, BLKROGET, int);
  SHOW(pwrite(fd, page, 512, 0));
  SHOW(ioctl(fd, BLKROSET, &no));
  SHOW(pwrite(fd, page, 512, 0));
  SHOW(ioctl(fd, BLKFLSBUF, 0));
  SHOW(ioctl(fd, BLKRRPART, 0));
  SHOW(ioctl(fd, 0x1299, 0));
  SHOW(ioctl(fd, 0x2285, page));  // SG_IO
  int disk = open("/dev/vda", O_RDONLY);
  SHOW(ioctl(disk, BLKRRPART, 0));
  close(fd);
  SHOW(ioctl(disk, BLKRRPART, 0));
  YES(access("/dev/vda3", F_OK) == 0);
  close(disk);
}

static void exclusive(void) {
  int first = open("/dev/vda2", O_RDWR | O_EXCL);
  YES(first >= 0);
  SHOW(open("/dev/vda2", O_RDWR | O_EXCL));
  SHOW(open("/dev/vda", O_RDONLY | O_EXCL));
  int plain = open("/dev/vda2", O_RDWR);
  YES(plain >= 0);
  int other = open("/dev/vda1", O_RDWR | O_EXCL);
  YES(other >= 0);
  close(other);
  close(plain);
  close(first);
  first = open("/dev/vda", O_RDONLY | O_EXCL);
  YES(first >= 0);
  SHOW(open("/dev/vda2", O_RDWR | O_EXCL));
  close(first);
}

static void read_only(void) {
  int fd = open("/dev/vdb", O_RDWR);
  say("opens for writing: %d %s", fd >= 0, fd >= 0 ? "" : error_name(errno));
  NUMBER(fd, BLKROGET, int);
  SHOW(pwrite(fd, page, 512, 0));
  uint64_t range[2] = {0, 4096};
  SHOW(ioctl(fd, BLKDISCARD, range));
  SHOW(pread(fd, page, 512, 0));
  close(fd);
}

static void errors(void) {
  int fd = open("/dev/vdd", O_RDWR);
  off_t half = lseek(fd, 0, SEEK_END) / 2;
  SHOW(pread(fd, page, 4096, 0));
  SHOW(pread(fd, page, 4096, half));
  close(fd);
  fd = open("/dev/vdd", O_RDWR | O_DIRECT);
  SHOW(pread(fd, page, 4096, half + 65536));
  SHOW(pread(fd, page, 4096, 4096));
  close(fd);
}

static void mounts(void) {
  mkdir("/tmp/place", 0755);
  SHOW(mount("/dev/null", "/tmp/place", "ext4", 0, NULL));
  SHOW(mount("/tmp/none", "/tmp/place", "ext4", 0, NULL));
  SHOW(mount("/tmp", "/tmp/place", "ext4", 0, NULL));
  SHOW(mount(NULL, "/tmp/place", "ext4", 0, NULL));
  mknod("/tmp/nobody", S_IFBLK | 0600, makedev(254, 200));
  SHOW(mount("/tmp/nobody", "/tmp/place", "ext4", 0, NULL));
  SHOW(open("/tmp/nobody", O_RDONLY));
  SHOW(mount("/dev/vdc1", "/tmp/place", "ext4", 0, NULL));
  SHOW(mount("/dev/vdb", "/tmp/place", "ext4", 0, NULL));
  unlink("/tmp/nobody");
  rmdir("/tmp/place");
}

static void show_file(const char* path) {
  char text[4096];
  int fd = open(path, O_RDONLY);
  ssize_t got = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
  text[got > 0 ? got : 0] = '\0';
  say("%s:\n%s", path, text);
  close(fd);
}

int main(int argc, char** argv) {
  (void)argv;
  page = aligned_alloc(4096, 16384);
  bool with_mounts = argc > 1;
  show_file("/proc/partitions");
  static const char* const attributes[] = {"dev",  "size",   "start",     "partition",
                                           "ro",   "uevent", "ext_range", "removable"};
  for (size_t i = 0; i < COUNT(attributes); ++i) {
    char path[64];
    snprintf(path, sizeof path, "/sys/class/block/vda2/%s", attributes[i]);
    show_file(path);
    snprintf(path, sizeof path, "/sys/block/vdc/%s", attributes[i]);
    show_file(path);
  }
  numbers("/dev/vda");
  numbers("/dev/vda2");
  numbers("/dev/vdc5");
  positions();
  mapping();
  direct();
  discards();
  settings();
  exclusive();
  read_only();
  errors();
  if (with_mounts) mounts();
  return 0;
}
