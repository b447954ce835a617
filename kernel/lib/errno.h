// SPDX-License-Identifier: MIT
// Error numbers, with Linux's values (asm-generic/errno-base.h and errno.h). A system call returns
// them negated. The Restart family never leaves the kernel: syscall exit translates it (signal(7)).
#pragma once

#include <cstdint>

namespace kernel {

enum class Errno : int32_t {
  // clang-format off
  Perm = 1, NoEnt = 2, Srch = 3, Intr = 4, Io = 5, NxIo = 6, TooBig = 7, NoExec = 8, BadF = 9,
  Child = 10, Again = 11, NoMem = 12, Acces = 13, Fault = 14, NotBlk = 15, Busy = 16, Exist = 17,
  XDev = 18, NoDev = 19, NotDir = 20, IsDir = 21, Inval = 22, NFile = 23, MFile = 24, NoTty = 25,
  TxtBsy = 26, FBig = 27, NoSpc = 28, SPipe = 29, RoFs = 30, MLink = 31, Pipe = 32, Dom = 33,
  Range = 34, DeadLk = 35, NameTooLong = 36, NoLck = 37, NoSys = 38, NotEmpty = 39, Loop = 40,
  NoMsg = 42, IdRm = 43, BadR = 53, NoStr = 60, NoData = 61, Time = 62, NoLink = 67, Proto = 71,
  BadMsg = 74,
  Overflow = 75, NotUniq = 76, BadFd = 77, LibBad = 80, IlSeq = 84, Users = 87, NotSock = 88,
  DestAddrReq = 89, MsgSize = 90, Prototype = 91, NoProtoOpt = 92, ProtoNoSupport = 93,
  SockTNoSupport = 94,
  OpNotSupp = 95, PfNoSupport = 96, AfNoSupport = 97, AddrInUse = 98, AddrNotAvail = 99,
  NetDown = 100, NetUnreach = 101, NetReset = 102, ConnAborted = 103, ConnReset = 104, NoBufs = 105,
  IsConn = 106, NotConn = 107, Shutdown = 108, TooManyRefs = 109, TimedOut = 110,
  ConnRefused = 111, HostDown = 112, HostUnreach = 113, Already = 114, InProgress = 115,
  Stale = 116, Uclean = 117, DQuot = 122, Canceled = 125,
  OwnerDead = 130, NotRecoverable = 131, HwPoison = 133,

  // Internal. Sys: restart if SA_RESTART, else EINTR. NoIntr: always restart. NoHand: restart only
  // if no handler ran, else EINTR. Block: restart_syscall() continues it, else EINTR.
  RestartSys = 512, RestartNoIntr = 513, RestartNoHand = 514, NoIoctlCmd = 515, RestartBlock = 516,
  // clang-format on
};

}  // namespace kernel
