// SPDX-License-Identifier: MIT
// The interpreter of format patterns; see format.h.

#include "lib/format.h"

namespace kernel {
namespace {

struct Specification {
  bool left = false;
  bool zero = false;
  size_t width = 0;
  char type = 0;
};

Specification parse(StringView text) {
  Specification result;
  if (!text.empty() && text.front() == ':') text = text.substr(1);
  while (!text.empty()) {
    char c = text.front();
    if (c == '-') {
      result.left = true;
    } else if (c == '0' && result.width == 0) {
      result.zero = true;
    } else if (c >= '0' && c <= '9') {
      result.width = result.width * 10 + static_cast<size_t>(c - '0');
    } else {
      result.type = c;
    }
    text = text.substr(1);
  }
  return result;
}

void pad(FormatSink& sink, char with, size_t count) {
  for (size_t i = 0; i < count; ++i) sink.write(StringView(&with, 1));
}

void write_padded(FormatSink& sink, StringView text, const Specification& spec) {
  size_t missing = spec.width > text.size() ? spec.width - text.size() : 0;
  if (!spec.left) pad(sink, ' ', missing);
  sink.write(text);
  if (spec.left) pad(sink, ' ', missing);
}

void write_number(FormatSink& sink, uint64_t value, bool negative, const Specification& spec) {
  char buffer[32];
  size_t at = sizeof buffer;
  unsigned base = spec.type == 'x' ? 16 : spec.type == 'o' ? 8 : 10;
  do {
    buffer[--at] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  size_t signs = negative ? 1 : 0;
  if (spec.zero) {
    while (sizeof buffer - at + signs < spec.width && at > 1) buffer[--at] = '0';
  }
  if (negative) buffer[--at] = '-';
  write_padded(sink, StringView(buffer + at, sizeof buffer - at), spec);
}

void write_argument(FormatSink& sink, const FormatArgument& argument, const Specification& spec) {
  switch (argument.kind) {
    case FormatArgument::Kind::Text:
      return write_padded(sink, argument.text, spec);
    case FormatArgument::Kind::Character: {
      if (spec.type == 'x') return write_number(sink, argument.number, false, spec);
      char c = static_cast<char>(argument.number);
      return write_padded(sink, StringView(&c, 1), spec);
    }
    case FormatArgument::Kind::Unsigned:
    case FormatArgument::Kind::Signed:
      break;
  }
  if (spec.type == 'c') {
    char c = static_cast<char>(argument.number);
    return write_padded(sink, StringView(&c, 1), spec);
  }
  bool is_signed = argument.kind == FormatArgument::Kind::Signed;
  bool negative = is_signed && static_cast<int64_t>(argument.number) < 0;
  write_number(sink, negative ? 0 - argument.number : argument.number, negative, spec);
}

}  // namespace

void format_arguments(FormatSink& sink, StringView pattern,
                      std::span<const FormatArgument> arguments) {
  size_t used = 0;
  while (!pattern.empty()) {
    size_t open = pattern.find('{');
    sink.write(pattern.substr(0, open));
    if (open == StringView::npos) return;
    pattern = pattern.substr(open + 1);
    if (!pattern.empty() && pattern.front() == '{') {  // "{{" is a literal brace
      sink.write("{");
      pattern = pattern.substr(1);
      continue;
    }
    Specification spec = parse(pattern.take_until('}'));
    if (used < arguments.size()) write_argument(sink, arguments[used++], spec);
  }
}

}  // namespace kernel
