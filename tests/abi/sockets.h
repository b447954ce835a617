// SPDX-License-Identifier: MIT
//
// What the socket programs share: pairs, named sockets, messages in one call, and what poll says.

#pragma once

#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <sys/un.h>

#include <linux/sockios.h>

#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE 0x89e0
#endif

static UNUSED void make_pair(int type, int pair[2]) { MUST(socketpair(AF_UNIX, type, 0, pair)); }

static UNUSED void close_pair(int pair[2]) {
  close(pair[0]);
  close(pair[1]);
}

// The length of the address of a path or, with a leading '@', of an abstract name.
static UNUSED socklen_t named(struct sockaddr_un* address, const char* name) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  strcpy(address->sun_path, name);
  size_t length = strlen(name);
  if (name[0] == '@') {
    address->sun_path[0] = 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  }
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

static UNUSED int bind_to(int fd, const char* name) {
  struct sockaddr_un address;
  socklen_t length = named(&address, name);
  return bind(fd, (struct sockaddr*)&address, length);
}

static UNUSED int connect_to(int fd, const char* name) {
  struct sockaddr_un address;
  socklen_t length = named(&address, name);
  return connect(fd, (struct sockaddr*)&address, length);
}

static UNUSED ssize_t send_to(int fd, const char* name, const char* text) {
  struct sockaddr_un address;
  socklen_t length = named(&address, name);
  return sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr*)&address, length);
}

// A socket that listens at a name.
static UNUSED int listener_at(int type, const char* name, int backlog) {
  int fd = (int)MUST(socket(AF_UNIX, type, 0));
  MUST(bind_to(fd, name));
  MUST(listen(fd, backlog));
  return fd;
}

// "IN|RDNORM|HUP": all that a poll without waiting says.
static UNUSED const char* poll_text(int fd) {
  static const struct {
    int bit;
    const char* name;
  } names[] = {{POLLIN, "IN"},         {POLLPRI, "PRI"},       {POLLOUT, "OUT"},
               {POLLERR, "ERR"},       {POLLHUP, "HUP"},       {POLLNVAL, "NVAL"},
               {POLLRDNORM, "RDNORM"}, {POLLRDBAND, "RDBAND"}, {POLLWRNORM, "WRNORM"},
               {POLLWRBAND, "WRBAND"}, {POLLMSG, "MSG"},       {POLLRDHUP, "RDHUP"}};
  static char text[4][128];
  static int next;
  char* out = text[next++ % 4];
  struct pollfd entry = {.fd = fd, .events = (short)0xffff};
  poll(&entry, 1, 0);
  out[0] = 0;
  for (size_t i = 0; i < COUNT(names); i++) {
    if ((entry.revents & names[i].bit) == 0) continue;
    if (out[0] != 0) strcat(out, "|");
    strcat(out, names[i].name);
  }
  return out[0] != 0 ? out : "nothing";
}
#define POLLED(fd) say("poll %s: %s", #fd, poll_text(fd))

static UNUSED const char* message_flags(int flags) {
  static char text[4][128];
  static int next;
  char* out = text[next++ % 4];
  snprintf(out, 128, "%s%s%s%s%s%s", (flags & MSG_TRUNC) != 0 ? "TRUNC " : "",
           (flags & MSG_CTRUNC) != 0 ? "CTRUNC " : "", (flags & MSG_EOR) != 0 ? "EOR " : "",
           (flags & MSG_OOB) != 0 ? "OOB " : "", (flags & MSG_CMSG_CLOEXEC) != 0 ? "CLOEXEC " : "",
           (flags & ~(MSG_TRUNC | MSG_CTRUNC | MSG_EOR | MSG_OOB | MSG_CMSG_CLOEXEC)) != 0
               ? "others "
               : "");
  return out;
}

// What was received, as a line: length or error, text, flags.
static UNUSED ssize_t show_receive(const char* label, int fd, size_t size, int flags) {
  char buffer[4096];
  memset(buffer, 0, sizeof buffer);
  struct iovec vector = {buffer, size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
  errno = 0;
  ssize_t length = recvmsg(fd, &message, flags);
  if (length < 0) {
    say("%s: %s", label, error_name(errno));
  } else {
    say("%s: %zd \"%.60s\" %s", label, length, buffer, message_flags(message.msg_flags));
  }
  return length;
}
#define RECEIVE(fd, size, flags) \
  show_receive("recvmsg(" #fd ", " #size ", " #flags ")", fd, size, flags)

// A buffer with descriptors in it, for sending.
static UNUSED ssize_t send_fds(int socket, const void* data, size_t size, const int* fds,
                               size_t count, int flags) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * 300)];
  } control;
  memset(&control, 0, sizeof control);
  struct iovec vector = {(void*)data, size};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * count);
  memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
  return sendmsg(socket, &message, flags);
}

// Receives data and descriptors; how many of these came.
static UNUSED int receive_fds(int socket, void* data, size_t size, int* fds, size_t room, int flags,
                              int* told, ssize_t* length) {
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * 300)];
  } control;
  struct iovec vector = {data, size};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = room == 0 ? 0 : CMSG_SPACE(sizeof(int) * room)};
  *length = recvmsg(socket, &message, flags);
  *told = message.msg_flags;
  if (*length < 0) return -1;
  int count = 0;
  for (struct cmsghdr* header = CMSG_FIRSTHDR(&message); header != NULL;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds + count, CMSG_DATA(header), here * sizeof(int));
    count += (int)here;
  }
  return count;
}

static UNUSED int queued(int fd, unsigned long request) {
  int value = -1;
  if (ioctl(fd, request, &value) == -1) return -errno;
  return value;
}
