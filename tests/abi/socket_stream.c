// SPDX-License-Identifier: MIT
//
// SOCK_STREAM of AF_UNIX: bytes, ends, limits, urgent data, connections.

#include "sockets.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/sendfile.h>

static int p[2];
static char data[1 << 20];

static void bytes(void) {
  section("bytes");
  make_pair(SOCK_STREAM, p);
  SHOW(write(p[0], "hello ", 6));
  SHOW(write(p[0], "world", 5));
  SHOW(queued(p[1], SIOCINQ));
  RECEIVE(p[1], 3, MSG_PEEK);
  RECEIVE(p[1], 100, MSG_PEEK);
  RECEIVE(p[1], 3, 0);
  RECEIVE(p[1], 0, 0);
  RECEIVE(p[1], 100, MSG_TRUNC);
  RECEIVE(p[1], 100, MSG_DONTWAIT);
  SHOW(write(p[0], "", 0));
  SHOW(send(p[0], "", 0, 0));
  RECEIVE(p[1], 10, MSG_DONTWAIT);
  SHOW(read(p[1], data, 0));
  struct iovec parts[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
  SHOW(writev(p[0], parts, 3));
  char a[2], b[10];
  struct iovec into[2] = {{a, 2}, {b, 10}};
  SHOW(readv(p[1], into, 2));
  say("%.2s %.3s", a, b);
  SHOW(pread(p[0], a, 1, 0));
  SHOW(pwrite(p[0], a, 1, 0));
  SHOW(lseek(p[0], 0, SEEK_SET));
  SHOW(ftruncate(p[0], 0));
  SHOW(fsync(p[0]));
  SHOW(read(p[1], BAD_KERNEL, 1));
  SHOW(fcntl(p[1], F_SETFL, O_NONBLOCK));
  SHOW(fcntl(p[1], F_GETFL));
  SHOW(read(p[1], a, 1));
  SHOW(recv(p[1], a, 1, MSG_WAITALL));
  SHOW(write(p[0], BAD_NULL, 4));
  SHOW(write(p[0], edge(4), 8));
  SHOW(write(p[0], "xyz", 3));
  SHOW(recv(p[1], edge(2), 3, 0));
  RECEIVE(p[1], 10, 0);
  SHOW(recv(p[1], a, 1, MSG_ERRQUEUE));
  close_pair(p);
}

static void ends(void) {
  section("ends");
  make_pair(SOCK_STREAM, p);
  POLLED(p[0]);
  SHOW(write(p[0], "x", 1));
  POLLED(p[1]);
  SHOW(shutdown(p[0], SHUT_WR));
  POLLED(p[0]);
  POLLED(p[1]);
  RECEIVE(p[1], 10, 0);
  RECEIVE(p[1], 10, 0);
  SHOW(send(p[0], "y", 1, MSG_NOSIGNAL));
  SHOW(send(p[1], "z", 1, MSG_NOSIGNAL));
  SHOW(shutdown(p[0], SHUT_RD));
  POLLED(p[0]);
  POLLED(p[1]);
  RECEIVE(p[0], 10, 0);
  RECEIVE(p[0], 10, 0);
  SHOW(send(p[1], "z", 1, MSG_NOSIGNAL));
  SHOW(shutdown(p[0], 3));
  SHOW(shutdown(p[0], -1));
  close_pair(p);

  make_pair(SOCK_STREAM, p);
  SHOW(write(p[0], "left", 4));
  close(p[1]);
  POLLED(p[0]);
  SHOW(read(p[0], data, 1));
  SHOW(read(p[0], data, 1));
  SHOW(send(p[0], "y", 1, MSG_NOSIGNAL));
  close(p[0]);

  make_pair(SOCK_STREAM, p);
  SHOW(write(p[1], "left", 4));
  close(p[1]);
  POLLED(p[0]);
  RECEIVE(p[0], 10, 0);
  RECEIVE(p[0], 10, 0);
  SHOW(send(p[0], "y", 1, MSG_NOSIGNAL));
  close(p[0]);

  make_pair(SOCK_STREAM, p);
  SHOW(write(p[0], "left", 4));
  close(p[1]);
  SHOW(send(p[0], "y", 1, MSG_NOSIGNAL));
  int error = -1;
  socklen_t size = sizeof error;
  SHOW(getsockopt(p[0], SOL_SOCKET, SO_ERROR, &error, &size));
  say("error %s", error_name(error));
  SHOW(send(p[0], "y", 1, MSG_NOSIGNAL));
  close(p[0]);
}

static void broken(void) {
  make_pair(SOCK_STREAM, p);
  close(p[1]);
  write(p[0], "x", 1);
}

static int signals;
static siginfo_t seen;
static void on_pipe(int signal UNUSED, siginfo_t* info, void* context UNUSED) {
  signals++;
  seen = *info;
}

static void sigpipe(void) {
  section("SIGPIPE");
  IN_CHILD(broken);
  struct sigaction action = {.sa_sigaction = on_pipe, .sa_flags = SA_SIGINFO};
  sigaction(SIGPIPE, &action, NULL);
  make_pair(SOCK_STREAM, p);
  close(p[1]);
  SHOW(write(p[0], "x", 1));
  say("signals %d, code %d, mine %d", signals, seen.si_code, seen.si_pid == getpid());
  SHOW(send(p[0], "x", 1, 0));
  SHOW(send(p[0], "x", 1, MSG_NOSIGNAL));
  SHOW(write(p[0], "", 0));
  say("signals %d", signals);
  close(p[0]);
  signal(SIGPIPE, SIG_IGN);
}

static int fill(int fd, size_t chunk) {
  int count = 0;
  while (send(fd, data, chunk, MSG_DONTWAIT) == (ssize_t)chunk) count++;
  return count;
}

static void limits(void) {
  section("limits");
  static const size_t sizes[] = {1,    64,   65,   192,  193,  704,  1000,
                                 2000, 3776, 3777, 4096, 8192, 30000};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    make_pair(SOCK_STREAM | SOCK_NONBLOCK, p);
    int count = fill(p[0], sizes[i]);
    say("%zu: %d fit, %d charged, %d in", sizes[i], count, queued(p[0], SIOCOUTQ),
        queued(p[1], SIOCINQ));
    close_pair(p);
  }
  make_pair(SOCK_STREAM | SOCK_NONBLOCK, p);
  SHOW(write(p[0], data, sizeof data));
  SHOW(write(p[0], data, 1));
  say("out %d in %d", queued(p[0], SIOCOUTQ), queued(p[1], SIOCINQ));
  POLLED(p[0]);
  size_t taken = 0;
  while (strstr(poll_text(p[0]), "OUT") == NULL) taken += (size_t)read(p[1], data, 1000);
  say("writable behind %zu", taken);
  close_pair(p);
  make_pair(SOCK_STREAM | SOCK_NONBLOCK, p);
  int small = 1;
  SHOW(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small));
  SHOW(write(p[0], data, 100000));
  say("out %d in %d", queued(p[0], SIOCOUTQ), queued(p[1], SIOCINQ));
  close_pair(p);
}

static void* read_all(void* argument UNUSED) {
  sleep_ms(20);
  size_t total = 0;
  uint32_t sum = 0;
  ssize_t length;
  static char into[70000];
  while ((length = read(p[1], into, sizeof into)) > 0) {
    for (ssize_t i = 0; i < length; i++) sum = sum * 31 + (unsigned char)into[i];
    total += (size_t)length;
  }
  say("read %zu sum %u", total, sum);
  return NULL;
}

static void bulk(void) {
  section("bulk");
  for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(i * 7 + i / 251);
  make_pair(SOCK_STREAM, p);
  pthread_t thread;
  pthread_create(&thread, NULL, read_all, NULL);
  SHOW(write(p[0], data, sizeof data));
  SHOW(write(p[0], data, 12345));
  close(p[0]);
  pthread_join(thread, NULL);
  close(p[1]);
  make_pair(SOCK_STREAM, p);
  pthread_create(&thread, NULL, read_all, NULL);
  for (int i = 0; i < 1000; i++) write(p[0], data + i, (size_t)(i % 500) + 1);
  close(p[0]);
  pthread_join(thread, NULL);
  close(p[1]);
}

static void* write_later(void* argument) {
  const char* const* texts = argument;
  for (; *texts != NULL; texts++) {
    sleep_ms(20);
    write(p[0], *texts, strlen(*texts));
  }
  shutdown(p[0], SHUT_WR);
  return NULL;
}

static void waiting(void) {
  section("waiting");
  static const char* texts[] = {"one", "two", "three", NULL};
  pthread_t thread;
  make_pair(SOCK_STREAM, p);
  pthread_create(&thread, NULL, write_later, texts);
  RECEIVE(p[1], 100, 0);
  RECEIVE(p[1], 6, MSG_WAITALL);
  RECEIVE(p[1], 100, MSG_WAITALL);
  pthread_join(thread, NULL);
  close_pair(p);
  make_pair(SOCK_STREAM, p);
  int low = 8;
  SHOW(setsockopt(p[1], SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low));
  pthread_create(&thread, NULL, write_later, texts);
  RECEIVE(p[1], 100, 0);
  RECEIVE(p[1], 100, 0);
  pthread_join(thread, NULL);
  close_pair(p);
  make_pair(SOCK_STREAM, p);
  struct timeval limit = {0, 30000};
  SHOW(setsockopt(p[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
  SHOW(setsockopt(p[1], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
  int64_t before = now_ns();
  RECEIVE(p[1], 100, 0);
  YES(now_ns() - before >= 28000000);
  write(p[0], "ab", 2);
  RECEIVE(p[1], 100, MSG_WAITALL);
  fill(p[1], 4096);
  SHOW(write(p[1], "x", 1));
  close_pair(p);
}

static void on_alarm(int signal UNUSED) {}

static void interrupted(void) {
  section("interrupted");
  make_pair(SOCK_STREAM, p);
  struct itimerval timer = {.it_value.tv_usec = 20000};
  handle_with(SIGALRM, on_alarm, 0);
  setitimer(ITIMER_REAL, &timer, NULL);
  SHOW(read(p[0], data, 1));
  handle_with(SIGALRM, on_alarm, SA_RESTART);
  pid_t child = fork();
  if (child == 0) {
    sleep_ms(100);
    write(p[1], "r", 1);
    _exit(0);
  }
  setitimer(ITIMER_REAL, &timer, NULL);
  SHOW(read(p[0], data, 1));
  waitpid(child, NULL, 0);
  struct timeval limit = {5, 0};
  setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setitimer(ITIMER_REAL, &timer, NULL);
  SHOW(read(p[0], data, 1));
  close_pair(p);
  alarm(kHang);
}

static void peeking(void) {
  section("SO_PEEK_OFF");
  make_pair(SOCK_STREAM, p);
  int offset = 0;
  socklen_t size = sizeof offset;
  SHOW(getsockopt(p[1], SOL_SOCKET, SO_PEEK_OFF, &offset, &size));
  say("offset %d", offset);
  offset = 2;
  SHOW(setsockopt(p[1], SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset));
  write(p[0], "abcd", 4);
  write(p[0], "efgh", 4);
  RECEIVE(p[1], 3, MSG_PEEK);
  RECEIVE(p[1], 2, MSG_PEEK);
  RECEIVE(p[1], 3, 0);
  RECEIVE(p[1], 9, MSG_PEEK);
  RECEIVE(p[1], 9, MSG_PEEK | MSG_DONTWAIT);
  getsockopt(p[1], SOL_SOCKET, SO_PEEK_OFF, &offset, &size);
  say("offset %d", offset);
  RECEIVE(p[1], 9, 0);
  getsockopt(p[1], SOL_SOCKET, SO_PEEK_OFF, &offset, &size);
  say("offset %d", offset);
  close_pair(p);
}

static void urgent(void) {
  section("urgent");
  make_pair(SOCK_STREAM, p);
  SHOW(recv(p[1], data, 1, MSG_OOB));
  SHOW(send(p[0], "abc", 3, MSG_OOB));
  POLLED(p[1]);
  SHOW(queued(p[1], SIOCINQ));
  SHOW(queued(p[1], SIOCATMARK));
  RECEIVE(p[1], 1, MSG_OOB | MSG_PEEK);
  RECEIVE(p[1], 10, 0);
  SHOW(queued(p[1], SIOCATMARK));
  POLLED(p[1]);
  RECEIVE(p[1], 1, MSG_OOB);
  RECEIVE(p[1], 1, MSG_OOB);
  SHOW(queued(p[1], SIOCINQ));
  write(p[0], "def", 3);
  SHOW(queued(p[1], SIOCATMARK));
  RECEIVE(p[1], 10, 0);
  RECEIVE(p[1], 10, MSG_DONTWAIT);
  send(p[0], "x", 1, MSG_OOB);
  send(p[0], "y", 1, MSG_OOB);
  write(p[0], "z", 1);
  RECEIVE(p[1], 10, MSG_PEEK);
  RECEIVE(p[1], 10, 0);
  RECEIVE(p[1], 1, MSG_OOB);
  RECEIVE(p[1], 10, MSG_DONTWAIT);
  RECEIVE(p[1], 10, MSG_DONTWAIT);
  int on = 1;
  setsockopt(p[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
  send(p[0], "12", 2, MSG_OOB);
  write(p[0], "3", 1);
  RECEIVE(p[1], 1, MSG_OOB);
  RECEIVE(p[1], 10, MSG_DONTWAIT);
  SHOW(queued(p[1], SIOCATMARK));
  RECEIVE(p[1], 10, MSG_DONTWAIT);
  RECEIVE(p[1], 10, MSG_DONTWAIT);
  SHOW(send(p[0], "", 0, MSG_OOB));
  close_pair(p);
}

static void files(void) {
  section("sendfile and splice");
  write_file("/tmp/source", "0123456789abcdef");
  make_pair(SOCK_STREAM, p);
  int fd = open("/tmp/source", O_RDONLY);
  SHOW(sendfile(p[0], fd, NULL, 10));
  RECEIVE(p[1], 100, 0);
  off_t offset = 12;
  SHOW(sendfile(p[0], fd, &offset, 100));
  say("offset %ld", offset);
  RECEIVE(p[1], 100, 0);
  SHOW(sendfile(fd, p[0], NULL, 10));
  int ends_[2];
  MUST(pipe(ends_));
  write(ends_[1], "through a pipe", 14);
  SHOW(splice(ends_[0], NULL, p[0], NULL, 9, 0));
  SHOW(splice(p[1], NULL, ends_[1], NULL, 100, 0));
  char text[64] = "";
  SHOW(read(ends_[0], text, 60));
  say("%s", text);
  SHOW(splice(p[1], NULL, ends_[1], NULL, 100, SPLICE_F_NONBLOCK));
  shutdown(p[0], SHUT_WR);
  SHOW(splice(p[1], NULL, ends_[1], NULL, 100, 0));
  write(ends_[1], "x", 1);
  SHOW(splice(ends_[0], NULL, p[0], NULL, 9, 0));
  close(ends_[0]);
  close(ends_[1]);
  close(fd);
  close_pair(p);
  unlink("/tmp/source");
}

static void connections(void) {
  section("connections");
  unlink("/tmp/stream");
  int server = socket(AF_UNIX, SOCK_STREAM, 0);
  POLLED(server);
  SHOW(listen(server, 1));
  SHOW(accept(server, NULL, NULL));
  SHOW(write(server, "x", 1));
  SHOW(send(server, "x", 1, MSG_OOB));
  SHOW(read(server, data, 1));
  SHOW(bind_to(server, "/tmp/stream"));
  int client = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(connect_to(client, "/tmp/stream"));
  SHOW(listen(server, 1));
  POLLED(server);
  SHOW(queued(server, SIOCINQ));
  SHOW(queued(server, SIOCOUTQ));
  SHOW(read(server, data, 1));
  SHOW(write(server, "x", 1));
  SHOW(connect_to(client, "/tmp/stream"));
  SHOW(connect_to(client, "/tmp/stream"));
  POLLED(client);
  POLLED(server);
  SHOW(write(client, "early", 5));
  struct sockaddr_un address;
  socklen_t size = sizeof address;
  memset(&address, 0xee, sizeof address);
  int accepted = accept4(server, (struct sockaddr*)&address, &size, SOCK_CLOEXEC);
  say("accepted: size %u family %u flags %d", size, address.sun_family, fcntl(accepted, F_GETFD));
  RECEIVE(accepted, 100, 0);
  SHOW(listen(accepted, 1));
  SHOW(accept(accepted, NULL, NULL));
  SHOW(connect_to(accepted, "/tmp/stream"));
  SHOW(connect_to(server, "/tmp/stream"));
  SHOW(send_to(client, "/tmp/stream", "x"));
  size = sizeof address;
  SHOW(getsockname(accepted, (struct sockaddr*)&address, &size));
  say("%u %s", size, address.sun_path);
  size = sizeof address;
  SHOW(getpeername(client, (struct sockaddr*)&address, &size));
  say("%u %s", size, address.sun_path);
  size = sizeof address;
  SHOW(getpeername(accepted, (struct sockaddr*)&address, &size));
  say("%u", size);
  SHOW(getpeername(server, (struct sockaddr*)&address, &size));
  close(client);
  POLLED(accepted);
  size = sizeof address;
  SHOW(getpeername(accepted, (struct sockaddr*)&address, &size));
  say("%u", size);
  RECEIVE(accepted, 100, 0);
  close(accepted);

  // One more than the backlog.
  int clients[8];
  for (int i = 0; i < 4; i++) {
    clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect_to(clients[i], "/tmp/stream"));
  }
  struct timeval limit = {0, 30000};
  fcntl(clients[3], F_SETFL, 0);
  setsockopt(clients[3], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  SHOW(connect_to(clients[3], "/tmp/stream"));
  SHOW(listen(server, 2));
  SHOW(connect_to(clients[3], "/tmp/stream"));
  SHOW(write(clients[0], "lost", 4));
  fcntl(server, F_SETFL, O_NONBLOCK);
  accepted = accept(server, NULL, NULL);
  RECEIVE(accepted, 10, 0);
  close(accepted);
  close(server);
  for (int i = 0; i < 4; i++) {
    POLLED(clients[i]);
    RECEIVE(clients[i], 10, 0);
    RECEIVE(clients[i], 10, 0);
    SHOW(send(clients[i], "x", 1, MSG_NOSIGNAL));
    close(clients[i]);
  }
  client = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(connect_to(client, "/tmp/stream"));
  SHOW(read(client, data, 1));
  SHOW(send(client, "x", 1, MSG_NOSIGNAL));
  POLLED(client);
  SHOW(shutdown(client, SHUT_RDWR));
  POLLED(client);
  close(client);
  unlink("/tmp/stream");
}

static int shared_server;
static void* connect_later(void* argument UNUSED) {
  sleep_ms(30);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  return (void*)(intptr_t)(connect_to(fd, "@abi-stream-later") == 0 ? fd : -1);
}

static void* accept_later(void* argument UNUSED) {
  sleep_ms(30);
  int fd = accept(shared_server, NULL, NULL);
  close(fd);
  return NULL;
}

static void blocking(void) {
  section("blocking connections");
  shared_server = listener_at(SOCK_STREAM, "@abi-stream-later", 0);
  pthread_t thread;
  void* value;
  pthread_create(&thread, NULL, connect_later, NULL);
  int accepted = accept(shared_server, NULL, NULL);
  YES(accepted >= 0);
  pthread_join(thread, &value);
  YES((intptr_t)value >= 0);
  close((int)(intptr_t)value);
  close(accepted);
  int first = socket(AF_UNIX, SOCK_STREAM, 0), second = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(connect_to(first, "@abi-stream-later"));
  pthread_create(&thread, NULL, accept_later, NULL);
  SHOW(connect_to(second, "@abi-stream-later"));
  pthread_join(thread, NULL);
  struct timeval limit = {0, 20000};
  setsockopt(shared_server, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  YES(accept(shared_server, NULL, NULL) >= 0);
  SHOW(accept(shared_server, NULL, NULL));
  SHOW(shutdown(shared_server, SHUT_RD));
  POLLED(shared_server);
  SHOW(accept(shared_server, NULL, NULL));
  fcntl(shared_server, F_SETFL, O_NONBLOCK);
  SHOW(accept(shared_server, NULL, NULL));
  close(second);
  second = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(connect_to(second, "@abi-stream-later"));
  close(first);
  close(second);
  close(shared_server);
}

int main(void) {
  bytes();
  ends();
  sigpipe();
  limits();
  bulk();
  waiting();
  interrupted();
  peeking();
  urgent();
  files();
  connections();
  blocking();
  return 0;
}
