// SPDX-License-Identifier: MIT
// A pipe under fire: writers and readers of odd sizes on several CPUs; every byte arrives, in
// order, and short writes arrive whole.

#include "fs/pipe/pipe.h"
#include "lib/ktest.h"

namespace kernel {
namespace {

constexpr size_t kTotal = 4 * MiB;

struct Stream {
  Ref<Pipe> pipe;
  Atomic<bool> done;
};

uint8_t byte_at(size_t position) { return static_cast<uint8_t>(position * 131 >> 3); }

void write_all(void* argument) {
  auto& stream = *static_cast<Stream*>(argument);
  static uint8_t chunk[9000];
  size_t position = 0;
  for (size_t size = 1; position < kTotal; size = size * 7 % 8999 + 1) {
    if (size > kTotal - position) size = kTotal - position;
    for (size_t i = 0; i < size; ++i) chunk[i] = byte_at(position + i);
    IoBuffer buffer = IoBuffer::kernel(static_cast<const void*>(chunk), size);
    Result<size_t> moved = stream.pipe->write(buffer, false, false);
    EXPECT(moved.ok() && *moved == size);
    position += size;
  }
  stream.pipe->remove_writer();
  stream.done.store_release(true);
}

KTEST(pipe_stream) {
  Result<Ref<Pipe>> made = Pipe::create();
  EXPECT(made.ok());
  Stream stream{*made, {}};
  stream.pipe->add_reader();
  stream.pipe->add_writer();
  Result<Ref<Thread>> writer = Thread::create_kernel("writer", write_all, &stream);
  EXPECT(writer.ok());
  (*writer)->start();
  static uint8_t chunk[7001];
  size_t position = 0;
  bool right = true;
  for (size_t size = 1;; size = size * 11 % 7000 + 1) {
    IoBuffer buffer = IoBuffer::kernel(static_cast<void*>(chunk), size);
    Result<size_t> moved = stream.pipe->read(buffer, false);
    EXPECT(moved.ok());
    if (!moved.ok() || *moved == 0) break;
    for (size_t i = 0; i < *moved; ++i) right = right && chunk[i] == byte_at(position + i);
    position += *moved;
  }
  EXPECT(right);
  EXPECT(position == kTotal);
  while (!stream.done.load_acquire()) sched::sleep_until(Deadline::after(1'000'000));
  stream.pipe->remove_reader();
}

KTEST(pipe_rules) {
  Result<Ref<Pipe>> made = Pipe::create();
  EXPECT(made.ok());
  Pipe& pipe = **made;
  pipe.add_reader();
  pipe.add_writer();
  static uint8_t page[kPageSize];
  // Sixteen pages fit, not one byte more.
  for (int i = 0; i < 16; ++i) {
    IoBuffer buffer = IoBuffer::kernel(static_cast<const void*>(page), sizeof page);
    EXPECT(pipe.write(buffer, true, false).ok());
  }
  IoBuffer one = IoBuffer::kernel(static_cast<const void*>(page), 1);
  EXPECT(pipe.write(one, true, false).failed_with(Errno::Again));
  EXPECT(pipe.readable_bytes() == 16 * kPageSize);
  EXPECT(pipe.set_capacity(kPageSize).failed_with(Errno::Busy));
  EXPECT(pipe.set_capacity(33 * kPageSize).ok());
  EXPECT(pipe.capacity() == 64 * kPageSize);
  // Packets keep their bounds.
  IoBuffer drain = IoBuffer::kernel(static_cast<void*>(page), sizeof page);
  for (int i = 0; i < 16; ++i) {
    IoBuffer buffer = IoBuffer::kernel(static_cast<void*>(page), sizeof page);
    EXPECT(pipe.read(buffer, true).ok());
  }
  IoBuffer packet = IoBuffer::kernel(static_cast<const void*>(page), 10);
  EXPECT(pipe.write(packet, true, true).ok());
  packet = IoBuffer::kernel(static_cast<const void*>(page), 20);
  EXPECT(pipe.write(packet, true, true).ok());
  Result<size_t> first = pipe.read(drain, true);
  EXPECT(first.ok() && *first == 10);
  IoBuffer part = IoBuffer::kernel(static_cast<void*>(page), 5);
  EXPECT(pipe.read(part, true).ok());  // the rest of the packet is lost
  EXPECT(pipe.read(drain, true).failed_with(Errno::Again));
  pipe.remove_writer();
  Result<size_t> end = pipe.read(drain, false);
  EXPECT(end.ok() && *end == 0);
  pipe.remove_reader();
}

}  // namespace
}  // namespace kernel
