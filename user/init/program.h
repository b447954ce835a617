// SPDX-License-Identifier: MIT
//
// The program that init runs for the host: its descriptors, its start, its end. Its session is its
// own; its standard streams are pipes, or a pseudo terminal when the host's are a terminal.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol.h"

namespace program {

struct Program {
  pid_t pid = -1;
  bool terminal = false;
  bool nothing_after_failure = false;
  // Our ends. With a terminal `input` and `output` are two descriptors of its master; -1: not
  // there.
  int input = -1;
  int output = -1;
  int error = -1;
};

// Why a program could not be started; `error` is an errno, 0 when it was.
struct Failure {
  int error = 0;
  protocol::StartStage stage = protocol::StartStage::Streams;
};

// Starts what a Start message describes.
Failure start(char* payload, size_t length, Program& program);

void resize(const Program& program, uint32_t rows, uint32_t columns);

void signal(const Program& program, int number, bool whole_group);

}  // namespace program
