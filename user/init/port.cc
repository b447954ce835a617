// SPDX-License-Identifier: MIT
//
// Ports of the host channel; see port.h. Only what every kernel's /dev/vportNpM offers is used:
// open, read, write, poll, EAGAIN. A read of 0 bytes or POLLHUP means that the host has closed its
// end.
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "lib/text.h"

namespace port {
namespace {

constexpr unsigned kFirstPort = protocol::kControlPort;
constexpr unsigned kLastPort = protocol::kFilePort;
constexpr unsigned kMaxDevices = 64;  // N of /dev/vportNpM counts all virtio devices, not consoles

int fds[kLastPort + 1];
int job[kLastPort + 1] = {-1, -1, -1, -1, -1, -1};  // what is read in the place of a port, or -1

int open_port(unsigned device, unsigned number) {
  Text<32> path;
  path << "/dev/vport" << device << "p" << number;
  return open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

bool open_device(unsigned device) {
  // The kernel adds ports one by one: the last being there says that all are.
  int last = open_port(device, kLastPort);
  if (last < 0) {
    return false;
  }
  fds[kLastPort] = last;
  for (unsigned number = kFirstPort; number < kLastPort; ++number) {
    fds[number] = open_port(device, number);
    if (fds[number] < 0) {
      while (number-- > kFirstPort) {
        close(fds[number]);
      }
      close(last);
      return false;
    }
  }
  return true;
}

void open_job_file(unsigned number, const char* path) {
  job[number] = open(path, O_RDONLY | O_CLOEXEC);
  unlink(path);
}

int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

bool open_any_device() {
  for (unsigned device = 0; device < kMaxDevices; ++device) {
    if (open_device(device)) {
      return true;
    }
  }
  return false;
}

// A port exists before the kernel has heard that its other end is open; until then it looks closed.
bool host_is_there() {
  pollfd entries[kLastPort];
  for (unsigned number = kFirstPort; number <= kLastPort; ++number) {
    entries[number - kFirstPort] = {fds[number], 0, 0};
  }
  return poll(entries, kLastPort, 0) == 0;
}

// Tries again, less and less often, until it works or the time is over.
bool retry_until(int64_t deadline_ms, bool (*attempt)()) {
  for (long step_ms = 1; !attempt(); step_ms = step_ms < 16 ? 2 * step_ms : 16) {
    if (now_ms() >= deadline_ms) {
      return false;
    }
    timespec step{0, step_ms * 1000000L};
    nanosleep(&step, nullptr);
  }
  return true;
}

bool wait_for(int fd, short events) {
  pollfd entry{fd, events, 0};
  while (poll(&entry, 1, -1) < 0) {
    if (errno != EINTR) {
      return false;
    }
  }
  return (entry.revents & events) != 0;
}

}  // namespace

void open_job() {
  open_job_file(protocol::kControlPort, protocol::kJobMessages);
  open_job_file(protocol::kFilePort, protocol::kJobFiles);
  open_job_file(protocol::kStdinPort, protocol::kJobInput);
  rmdir("/.samara/job");
  rmdir("/.samara");
}

bool is_job() {
  return job[protocol::kControlPort] >= 0;
}

void close_job_files() {
  close(job[protocol::kFilePort]);
  job[protocol::kFilePort] = -1;
}

bool open_all(int timeout_ms) {
  const int64_t deadline = now_ms() + timeout_ms;
  return retry_until(deadline, open_any_device) && retry_until(deadline, host_is_there);
}

int from_host(unsigned number) {
  return is_job() ? job[number] : fds[number];
}

int to_host(unsigned number) {
  return fds[number];
}

bool read_all(int fd, void* buffer, size_t length) {
  auto* to = static_cast<char*>(buffer);
  while (length > 0) {
    ssize_t got = read(fd, to, length);
    if (got > 0) {
      to += got;
      length -= static_cast<size_t>(got);
    } else if (got == 0) {
      return false;
    } else if (errno == EAGAIN) {
      if (!wait_for(fd, POLLIN)) {
        return false;
      }
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool write_all(int fd, const void* buffer, size_t length) {
  const auto* from = static_cast<const char*>(buffer);
  while (length > 0) {
    ssize_t put = write(fd, from, length);
    if (put >= 0) {
      from += put;
      length -= static_cast<size_t>(put);
    } else if (errno == EAGAIN) {
      if (!wait_for(fd, POLLOUT)) {
        return false;
      }
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool send_parts(protocol::Type type, const Part* parts, size_t count) {
  size_t length = 0;
  for (size_t i = 0; i < count; ++i) {
    length += parts[i].length;
  }
  protocol::Header header{static_cast<uint32_t>(type), static_cast<uint32_t>(length)};
  int control = to_host(protocol::kControlPort);
  bool sent = write_all(control, &header, sizeof(header));
  for (size_t i = 0; i < count && sent; ++i) {
    sent = write_all(control, parts[i].data, parts[i].length);
  }
  return sent;
}

bool send(protocol::Type type) {
  return send_parts(type, nullptr, 0);
}

bool send(protocol::Type type, uint32_t value) {
  const Part parts[] = {{&value, sizeof(value)}};
  return send(type, parts);
}

}  // namespace port
