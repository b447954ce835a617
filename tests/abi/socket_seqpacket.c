// SPDX-License-Identifier: MIT
//
// SOCK_SEQPACKET of AF_UNIX: whole messages over a connection.

#include "sockets.h"

static int p[2];
static char data[1 << 18];

static int signals;
static void count_signal(int signal UNUSED) { signals++; }

int main(void) {
  handle_with(SIGPIPE, count_signal, 0);
  section("messages");
  make_pair(SOCK_SEQPACKET, p);
  POLLED(p[0]);
  SHOW(write(p[0], "first", 5));
  SHOW(send(p[0], "second", 6, MSG_EOR));
  SHOW(send(p[0], "", 0, 0));
  SHOW(queued(p[1], SIOCINQ));
  POLLED(p[1]);
  RECEIVE(p[1], 3, MSG_PEEK);
  RECEIVE(p[1], 3, 0);
  RECEIVE(p[1], 100, 0);
  RECEIVE(p[1], 100, 0);
  RECEIVE(p[1], 100, MSG_DONTWAIT);
  SHOW(send(p[0], "x", 1, MSG_OOB));
  SHOW(send_to(p[0], "@abi-none", "address ignored"));
  RECEIVE(p[1], 100, 0);
  SHOW(send(p[0], data, 212992 - 31, 0));
  SHOW(send(p[0], data, 212992 - 32, 0));
  SHOW(recv(p[1], data, sizeof data, 0));

  section("ends");
  SHOW(write(p[0], "kept", 4));
  SHOW(shutdown(p[0], SHUT_WR));
  POLLED(p[1]);
  RECEIVE(p[1], 100, 0);
  RECEIVE(p[1], 100, 0);
  RECEIVE(p[1], 100, MSG_DONTWAIT);
  SHOW(write(p[0], "x", 1));
  say("signals %d", signals);
  close(p[0]);
  POLLED(p[1]);
  RECEIVE(p[1], 100, MSG_DONTWAIT);
  SHOW(write(p[1], "x", 1));
  say("signals %d", signals);
  close(p[1]);
  make_pair(SOCK_SEQPACKET, p);
  write(p[0], "unread", 6);
  write(p[1], "mine", 4);
  close(p[1]);
  POLLED(p[0]);
  RECEIVE(p[0], 100, 0);
  RECEIVE(p[0], 100, 0);
  RECEIVE(p[0], 100, 0);
  close(p[0]);

  section("connections");
  int server = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  POLLED(server);
  RECEIVE(server, 10, 0);
  SHOW(write(server, "x", 1));
  SHOW(bind_to(server, "@abi-seqpacket"));
  int client = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  SHOW(connect_to(client, "@abi-seqpacket"));
  SHOW(listen(server, 1));
  RECEIVE(server, 10, MSG_DONTWAIT);
  POLLED(server);
  SHOW(connect_to(client, "@abi-seqpacket"));
  SHOW(connect_to(client, "@abi-seqpacket"));
  struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
  SHOW(connect(client, &unspecified, sizeof unspecified));
  SHOW(write(client, "early", 5));
  SHOW(write(client, "birds", 5));
  POLLED(server);
  int accepted = accept(server, NULL, NULL);
  RECEIVE(accepted, 100, 0);
  RECEIVE(accepted, 100, 0);
  int other = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW(connect_to(other, "@abi-seqpacket"));
  close(other);
  other = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
  SHOW(connect_to(other, "@abi-seqpacket"));
  close(server);
  POLLED(other);
  RECEIVE(other, 10, 0);
  RECEIVE(other, 10, 0);
  close(other);
  close(client);
  close(accepted);
  int count = 0;
  make_pair(SOCK_SEQPACKET | SOCK_NONBLOCK, p);
  while (write(p[0], data, 100) == 100) count++;
  say("%d fit: %s, %d charged", count, error_name(errno), queued(p[0], SIOCOUTQ));
  POLLED(p[0]);
  while (strstr(poll_text(p[0]), "OUT") == NULL) count -= read(p[1], data, 100) == 100;
  say("writable with %d left", count);
  close_pair(p);
  return 0;
}
