// SPDX-License-Identifier: MIT
// See script.h.

#include "process/script.h"

namespace kernel {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool ends_word(char c) { return is_blank(c) || c == '\0'; }

size_t skip_blanks(StringView text, size_t from) {
  while (from < text.size() && is_blank(text[from])) ++from;
  return from;
}
size_t skip_word(StringView text, size_t from) {
  while (from < text.size() && !ends_word(text[from])) ++from;
  return from;
}

}  // namespace

Result<ScriptLine> parse_script(StringView head) {
  if (!head.starts_with("#!")) return Errno::NoExec;
  size_t end = head.find('\n');
  // A NUL ends the search for the newline, as in the strings that Linux looks through.
  size_t nul = head.find('\0');
  if (end == StringView::npos || nul < end) {
    StringView whole = head.substr(0, head.size() - 1);
    size_t name = skip_blanks(whole, 2);
    if (name == whole.size()) return Errno::NoExec;
    // Nothing ends the name: it may have been cut off.
    if (skip_word(whole, name) == whole.size()) return Errno::NoExec;
    end = whole.size();
  }
  while (end > 2 && is_blank(head[end - 1])) --end;
  StringView line = head.substr(0, end);
  size_t name = skip_blanks(line, 2);
  if (name == line.size()) return Errno::NoExec;
  size_t name_end = skip_word(line, name);
  ScriptLine script{line.substr(name, name_end - name), std::nullopt};
  if (name_end < line.size() && line[name_end] != '\0') {
    size_t argument = skip_blanks(line, name_end);
    if (argument < line.size()) {
      StringView text = line.substr(argument);
      script.argument = text.substr(0, text.find('\0'));
    }
  }
  return script;
}

}  // namespace kernel
