// SPDX-License-Identifier: MIT
// The system-call trace; see trace.h. Arguments are printed from their type names in the .def
// files: strings are fetched without sleeping, descriptors and integers in decimal, the rest in
// hexadecimal.

#include "syscall/trace.h"

#include "lib/log.h"
#include "syscall/errno_name.h"
#include "syscall/table.h"

namespace kernel::syscall {
namespace {

void print_string(FormatSink& sink, uint64_t address) {
  char buffer[65];
  size_t length = 0;
  while (length < sizeof buffer - 1) {
    if (copy_in_nofault(&buffer[length], UserAddr{address + length}, 1) != 1) break;
    if (buffer[length] == '\0') break;
    if (buffer[length] < ' ' || buffer[length] > '~') buffer[length] = '?';
    ++length;
  }
  if (length == 0 && address != 0 && copy_in_nofault(buffer, UserAddr{address}, 1) != 1) {
    format(sink, "0x{x}", address);
    return;
  }
  format(sink, "\"{}\"{}", StringView(buffer, length), length == sizeof buffer - 1 ? "..." : "");
}

void print_argument(FormatSink& sink, StringView parameter, uint64_t value) {
  if (parameter.starts_with("UserString")) {
    if (value == 0) return sink.write("NULL");
    return print_string(sink, value);
  }
  if (parameter.starts_with("Fd") || parameter.starts_with("int32_t") ||
      parameter.starts_with("PidNumber")) {
    int32_t narrow = static_cast<int32_t>(value);
    if (narrow == -100 && parameter.starts_with("Fd")) return sink.write("AT_FDCWD");
    return format(sink, "{}", narrow);
  }
  if (parameter.starts_with("size_t") || parameter.starts_with("int64_t"))
    return format(sink, "{}", static_cast<int64_t>(value));
  if (parameter.starts_with("uint32_t") || parameter.starts_with("Flags32"))
    value = static_cast<uint32_t>(value);
  if (value == 0 && parameter.starts_with("User")) return sink.write("NULL");
  format(sink, value < 10 ? "{}" : "0x{x}", value);
}

void print_call(FormatSink& sink, const Context& context, uint64_t number) {
  if (number >= kTableSize || entry(number).name == nullptr)
    return format(sink, "syscall_{}(", number);
  format(sink, "{}(", entry(number).name);
  StringView rest(entry(number).signature);
  for (size_t index = 0; !rest.empty() && index < 6; ++index) {
    StringView parameter = rest.take_until(',').trimmed();
    if (index > 0) sink.write(", ");
    print_argument(sink, parameter, arch::original_argument(context.frame, index));
  }
}

}  // namespace

// The line is printed at entry, so that strings are seen before the call and a call that never
// returns shows; the result follows on a line of its own.
void trace_enter(const Context& context, uint64_t number) {
  char buffer[kLogLine];
  BufferSink sink(buffer);
  format(sink, "strace: [{}] ", context.task.tid());
  print_call(sink, context, number);
  sink.write(")");
  log_text(LogLevel::Info, sink.view());
}

void trace_exit(const Context& context, uint64_t number, int64_t result) {
  char buffer[kLogLine];
  BufferSink sink(buffer);
  const char* name = number < kTableSize ? entry(number).name : nullptr;
  format(sink, "strace: [{}] {} = ", context.task.tid(), name == nullptr ? "?" : name);
  if (result < 0 && result >= -4095) {
    format(sink, "-1 {}", errno_name(static_cast<Errno>(-result)));
  } else if (result > 0xffff) {
    format(sink, "0x{x}", result);
  } else {
    format(sink, "{}", result);
  }
  log_text(LogLevel::Info, sink.view());
}

}  // namespace kernel::syscall
