// SPDX-License-Identifier: MIT
// See options.h.

#include "fs/overlay/options.h"

#include "lib/log.h"

namespace kernel::overlay {
namespace {

// What may be said because it changes nothing: all of it is off.
constexpr StringView kDefaults[] = {"redirect_dir=off", "redirect_dir=nofollow",
                                    "redirect_dir=follow", "index=off", "uuid=on",
                                    "nfs_export=off", "xino=off", "metacopy=off",
                                    "default_permissions"};

// Cuts at `separator`, a backslash in front of which takes its meaning away.
Result<String> take_escaped(StringView& rest, char separator) {
  String text;
  while (!rest.empty()) {
    char c = rest.front();
    rest = rest.substr(1);
    if (c == separator) break;
    if (c == '\\' && !rest.empty()) {
      c = rest.front();
      rest = rest.substr(1);
    }
    TRY(text.append(c));
  }
  return text;
}

// As above, but the backslashes stay, for who takes the word apart.
StringView take_word(StringView& rest) {
  size_t end = 0;
  while (end < rest.size() && rest[end] != ',') end += rest[end] == '\\' ? 2 : 1;
  StringView word = rest.substr(0, end < rest.size() ? end : rest.size());
  rest = end < rest.size() ? rest.substr(end + 1) : StringView();
  return word;
}

Result<> take_option(StringView word, Options& options) {
  constexpr StringView kLower = "lowerdir=", kUpper = "upperdir=", kWork = "workdir=";
  if (word.starts_with(kLower)) {
    StringView rest = word.substr(kLower.size());
    options.lower_text = TRY(String::create(rest));
    options.lowers.clear();
    while (!rest.empty()) {
      String lower = TRY(take_escaped(rest, ':'));
      if (lower.empty()) return Errno::Inval;
      TRY(options.lowers.append(std::move(lower)));
    }
    return {};
  }
  for (auto [name, to] : {std::pair{kUpper, &options.upper}, std::pair{kWork, &options.work}}) {
    if (!word.starts_with(name)) continue;
    StringView rest = word.substr(name.size());
    *to = TRY(take_escaped(rest, '\0'));
    return {};
  }
  for (StringView known : kDefaults) {
    if (word == known) return {};
  }
  log_error("overlayfs: unrecognized mount option \"{}\" or missing value", word);
  return Errno::Inval;
}

}  // namespace

Result<Options> parse_options(StringView text) {
  Options options;
  while (!text.empty()) {
    StringView word = take_word(text);
    if (!word.empty()) TRY(take_option(word, options));
  }
  if (options.lowers.empty()) {
    log_error("overlayfs: missing 'lowerdir'");
    return Errno::Inval;
  }
  if (options.upper.empty()) {
    // A work directory alone is of no use, and no error.
    options.work.clear();
    if (options.lowers.size() > 1) return options;
    log_error("overlayfs: at least 2 lowerdir are needed while upperdir nonexistent");
    return Errno::Inval;
  }
  if (options.work.empty()) {
    log_error("overlayfs: missing 'workdir'");
    return Errno::Inval;
  }
  return options;
}

}  // namespace kernel::overlay
