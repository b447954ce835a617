// SPDX-License-Identifier: MIT
// The options of a 9p mount, as Linux's v9fs has them (Documentation/filesystems/9p.rst).
#pragma once

#include "fs/9p/protocol.h"
#include "lib/format.h"
#include "lib/string.h"

namespace kernel::p9 {

// None: everything is asked of the server each time. Mmap: the same, and files can be mapped shared
// for writing. Loose: names, attributes and pages are believed to be ours alone.
enum class CacheMode : uint8_t { None, Mmap, Loose };

// Client: the client checks rights, and each user's files are its own. User: the same here. Any:
// what is made belongs to the user of the mount. One: only this user gets in.
enum class AccessMode : uint8_t { Client, Any, One };

struct MountOptions {
  static constexpr uint32_t kDefaultMessageSize = 128 * KiB;
  static constexpr uint32_t kNobody = 65534;

  uint32_t message_size = kDefaultMessageSize;
  CacheMode cache = CacheMode::None;
  AccessMode access = AccessMode::Client;
  Uid only_user = 0;
  Uid default_uid = kNobody;
  Gid default_gid = kNobody;
  String user_name;  // uname=; empty: nobody
  String root_name;  // aname=: which of the server's trees

  // Errors: Inval for a value that cannot be, or for a transport or protocol that is not here.
  // Words that are not known are ignored, as Linux does.
  static Result<MountOptions> parse(StringView text);
  // For /proc/mounts.
  void show(FormatSink& sink) const;
};

}  // namespace kernel::p9
