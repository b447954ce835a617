// SPDX-License-Identifier: MIT
// String: owned characters with a NUL behind them for the few interfaces that want one. Making or
// extending one may fail.
#pragma once

#include "lib/string_view.h"
#include "lib/vector.h"

namespace kernel {

class String {
 public:
  String() = default;
  static Result<String> create(StringView text) {
    String string;
    TRY(string.append(text));
    return string;
  }

  Result<> append(StringView text) {
    TRY(characters_.reserve(size() + text.size() + 1));
    if (!characters_.empty()) characters_.pop_back();
    characters_.append_reserved(std::span(text.data(), text.size()));
    characters_.append_reserved('\0');
    return {};
  }
  Result<> append(char c) { return append(StringView(&c, 1)); }
  void clear() { characters_.clear(); }
  void truncate(size_t size) {
    if (size >= this->size()) return;
    while (characters_.size() > size) characters_.pop_back();
    characters_.append_reserved('\0');
  }

  size_t size() const { return characters_.empty() ? 0 : characters_.size() - 1; }
  bool empty() const { return size() == 0; }
  StringView view() const { return {characters_.data(), size()}; }
  operator StringView() const { return view(); }  // NOLINT: implicit by design
  const char* c_str() const { return characters_.empty() ? "" : characters_.data(); }
  Result<String> clone() const { return create(view()); }

 private:
  Vector<char> characters_;
};

}  // namespace kernel
