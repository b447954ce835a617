// SPDX-License-Identifier: MIT
// See core_name.h. Slashes in what is put in become exclamation marks.

#include "process/core_name.h"

#include "lib/format.h"

namespace kernel {
namespace {

void put_escaped(FormatSink& sink, StringView text) {
  if (text == "." || text == "..") {  // would lead out of the directory
    sink.write("!");
    text = text.substr(1);
  }
  for (char c : text) {
    char safe = c == '/' ? '!' : c;
    sink.write({&safe, 1});
  }
}

StringView last_part(StringView path) {
  size_t slash = path.rfind('/');
  return slash == StringView::npos ? path : path.substr(slash + 1);
}

void put(FormatSink& sink, char letter, const CoreNameFacts& facts) {
  switch (letter) {
    case '%': sink.write("%"); return;
    case 'p':
    case 'P': format(sink, "{}", facts.pid); return;
    case 'i':
    case 'I': format(sink, "{}", facts.tid); return;
    case 'u': format(sink, "{}", facts.uid); return;
    case 'g': format(sink, "{}", facts.gid); return;
    case 'd': format(sink, "{}", facts.dumpable); return;
    case 's': format(sink, "{}", facts.signal); return;
    case 't': format(sink, "{}", facts.time); return;
    case 'h': put_escaped(sink, facts.host); return;
    case 'e': put_escaped(sink, facts.command); return;
    case 'f': put_escaped(sink, last_part(facts.path)); return;
    case 'E': put_escaped(sink, facts.path); return;
    case 'c': format(sink, "{}", facts.limit); return;
    default: return;  // unknown ones are left out
  }
}

}  // namespace

Result<String> core_name(StringView pattern, bool append_pid, const CoreNameFacts& facts) {
  StringSink sink;
  bool names_pid = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      sink.write(pattern.substr(i, 1));
    } else if (++i < pattern.size()) {
      names_pid = names_pid || pattern[i] == 'p';
      put(sink, pattern[i], facts);
    }
  }
  if (append_pid && !names_pid) format(sink, ".{}", facts.pid);
  return sink.take();
}

}  // namespace kernel
