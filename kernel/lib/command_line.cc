// SPDX-License-Identifier: MIT
// See command_line.h. Everything is a view into the device tree's text: nothing is allocated.

#include "lib/command_line.h"

#include "lib/log.h"

namespace kernel::command_line {
namespace {

constexpr size_t kMaxWords = 64;

template <class T>
struct FixedList {
  T items[kMaxWords] = {};
  size_t count = 0;
  bool append(T item) {
    if (count == kMaxWords) return false;
    items[count++] = item;
    return true;
  }
};

struct Word {
  StringView name;
  StringView value;
};

constinit StringView whole;
constinit FixedList<Word> words;
constinit FixedList<StringView> arguments;
constinit FixedList<StringView> environment;

// What the kernel takes for itself; the rest is init's.
constexpr StringView kKnown[] = {
    "console",    "quiet",      "debug",
    "loglevel",   "mem",        "maxcpus",
    "nosmp",      "panic",      "ip",
    "root",       "rootfstype", "rootflags",
    "rootwait",   "rootdelay",  "ro",
    "rw",         "init",       "rdinit",
    "noinitrd",   "test",       "trace",
    "earlycon",   "nokaslr",    "hostname",
    "samara",     "initrd",     "ignore_loglevel",
    "kaslr",      "video",      "gpt",
    "deterministic",
};

bool is_known(StringView name) {
  for (StringView known : kKnown) {
    if (name == known) return true;
  }
  return false;
}

// Cuts off the next word: up to a space outside double quotes.
StringView next_word(StringView& rest) {
  rest = rest.trimmed();
  bool quoted = false;
  size_t end = 0;
  for (; end < rest.size(); ++end) {
    if (rest[end] == '"') quoted = !quoted;
    if (!quoted && StringView::is_space(rest[end])) break;
  }
  StringView word = rest.substr(0, end);
  rest = rest.substr(end);
  return word;
}

// "two words" -> two words; also name="two words" (the value's quotes).
StringView unquoted(StringView text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    return text.substr(1, text.size() - 2);
  return text;
}

// A variable of init's environment replaces the one of the same name.
bool add_environment(StringView assignment) {
  StringView name = assignment.substr(0, assignment.find('=') + 1);
  for (size_t i = 0; i < environment.count; ++i) {
    if (!environment.items[i].starts_with(name)) continue;
    environment.items[i] = assignment;
    return true;
  }
  return environment.append(assignment);
}

bool add(StringView word) {
  size_t equals = word.find('=');
  StringView name = word.substr(0, equals);
  if (is_known(name)) {
    StringView value = equals == StringView::npos ? StringView() : word.substr(equals + 1);
    return words.append({name, unquoted(value)});
  }
  // module.parameter=value: for a module that we do not have.
  if (name.find('.') != StringView::npos) return true;
  return equals == StringView::npos ? arguments.append(word) : add_environment(word);
}

std::optional<uint64_t> parse_size(StringView text) {
  unsigned shift = 0;
  if (!text.empty()) {
    char suffix = static_cast<char>(text.back() | 0x20);
    if (suffix == 'k') shift = 10;
    if (suffix == 'm') shift = 20;
    if (suffix == 'g') shift = 30;
  }
  std::optional<uint64_t> value = text.substr(0, text.size() - (shift != 0 ? 1 : 0)).to_number(0);
  if (!value || *value << shift >> shift != *value) return std::nullopt;
  return *value << shift;
}

}  // namespace

void init(StringView text) {
  whole = text;
  environment.append("HOME=/");
  environment.append("TERM=linux");
  bool for_init = false;
  bool complete = true;
  for (StringView word = next_word(text); !word.empty(); word = next_word(text)) {
    word = unquoted(word);
    if (!for_init && word == "--") {
      for_init = true;
    } else {
      complete &= for_init ? arguments.append(word) : add(word);
    }
  }
  if (!complete)
    log_warning("command line: more than {} words of a kind, the rest is ignored", kMaxWords);
}

StringView text() { return whole; }

std::optional<StringView> value(StringView name) {
  for (size_t i = words.count; i > 0; --i) {
    if (words.items[i - 1].name == name) return words.items[i - 1].value;
  }
  return std::nullopt;
}

std::optional<StringView> value(StringView name, size_t index) {
  for (size_t i = 0; i < words.count; ++i) {
    if (words.items[i].name == name && index-- == 0) return words.items[i].value;
  }
  return std::nullopt;
}

bool is_last(StringView name, StringView other) {
  for (size_t i = words.count; i > 0; --i) {
    if (words.items[i - 1].name == name) return true;
    if (words.items[i - 1].name == other) return false;
  }
  return false;
}

bool has(StringView name) { return value(name).has_value(); }

std::optional<uint64_t> number(StringView name) {
  std::optional<StringView> text = value(name);
  return text ? text->to_number(0) : std::nullopt;
}

std::optional<uint64_t> size(StringView name) {
  std::optional<StringView> text = value(name);
  return text ? parse_size(*text) : std::nullopt;
}

std::span<const StringView> init_arguments() { return {arguments.items, arguments.count}; }
std::span<const StringView> init_environment() { return {environment.items, environment.count}; }

}  // namespace kernel::command_line
