// SPDX-License-Identifier: MIT
//
// Text of a bounded length, for paths and messages, without printf: that alone would double the
// size of init, and musl's needs functions for long double that we do not link. What does not fit
// is cut; `complete()` says whether something was.
#pragma once

#include <stddef.h>
#include <string.h>

template <size_t N>
class Text {
 public:
  Text& operator<<(const char* text) {
    size_t length = strlen(text);
    if (length > N - 1 - length_) {
      length = N - 1 - length_;
      complete_ = false;
    }
    memcpy(data_ + length_, text, length);
    length_ += length;
    data_[length_] = '\0';
    return *this;
  }

  Text& operator<<(unsigned value) { return *this << static_cast<unsigned long>(value); }

  Text& operator<<(unsigned long value) {
    char digits[21];
    char* at = digits + sizeof(digits) - 1;
    *at = '\0';
    do {
      *--at = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    return *this << at;
  }

  void truncate(size_t length) {
    length_ = length;
    data_[length_] = '\0';
  }

  const char* c_str() const { return data_; }
  char* data() { return data_; }  // to change bytes in place; the length stays
  size_t length() const { return length_; }
  bool complete() const { return complete_; }

 private:
  char data_[N] = {};
  size_t length_ = 0;
  bool complete_ = true;
};
