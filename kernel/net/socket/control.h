// SPDX-License-Identifier: MIT
// Ancillary data as sendmsg(2) gets it: struct cmsghdr and its data, one after the other (cmsg(3)).
#pragma once

#include <optional>
#include <span>

#include "lib/result.h"
#include "lib/types.h"

namespace kernel {

inline constexpr int32_t kLevelSocket = 1;                             // SOL_SOCKET
inline constexpr int32_t kControlRights = 1, kControlCredentials = 2;  // SCM_*

struct ControlHeader {
  uint64_t size;  // this header and the data
  int32_t level;
  int32_t type;
};
static_assert(sizeof(ControlHeader) == 16);

// What a piece with that much data takes, up to the next one.
constexpr size_t control_space(size_t data) {
  return align_up(sizeof(ControlHeader) + data, sizeof(uint64_t));
}

class ControlReader {
 public:
  explicit ControlReader(std::span<const char> bytes) : rest_(bytes) {}

  struct Piece {
    ControlHeader header;
    std::span<const char> data;
  };
  // The next piece; none behind the last. Error: Inval, its size cannot be.
  Result<std::optional<Piece>> next() {
    if (rest_.size() < sizeof(ControlHeader)) return std::optional<Piece>();
    ControlHeader header;
    __builtin_memcpy(&header, rest_.data(), sizeof header);
    if (header.size < sizeof header || header.size > rest_.size()) return Errno::Inval;
    auto data = rest_.subspan(sizeof header, header.size - sizeof header);
    size_t step = control_space(data.size());
    rest_ = rest_.subspan(step < rest_.size() ? step : rest_.size());
    return std::optional<Piece>(Piece{header, data});
  }

 private:
  std::span<const char> rest_;
};

}  // namespace kernel
