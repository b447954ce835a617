// SPDX-License-Identifier: MIT
// See mount_options.h.

#include "fs/9p/mount_options.h"

namespace kernel::p9 {
namespace {

Result<uint32_t> number(StringView text) {
  std::optional<uint64_t> value = text.to_number();
  if (!value || *value > 0xffff'ffff) return Errno::Inval;
  return static_cast<uint32_t>(*value);
}

Result<CacheMode> cache_mode(StringView name) {
  if (name == "none") return CacheMode::None;
  if (name == "mmap") return CacheMode::Mmap;
  // A cache that outlives the mount is one of Linux's fscache; it is asked for by name only there.
  if (name == "loose") return CacheMode::Loose;
  return Errno::Inval;
}

Result<> set_access(MountOptions& options, StringView value) {
  if (value == "user" || value == "client") {
    options.access = AccessMode::Client;
  } else if (value == "any") {
    options.access = AccessMode::Any;
  } else {
    options.access = AccessMode::One;
    options.only_user = TRY(number(value));
  }
  return {};
}

Result<> set_option(MountOptions& options, StringView name, StringView value) {
  if (name == "msize") {
    options.message_size = TRY(number(value));
  } else if (name == "cache") {
    options.cache = TRY(cache_mode(value));
  } else if (name == "access") {
    TRY(set_access(options, value));
  } else if (name == "dfltuid") {
    options.default_uid = TRY(number(value));
  } else if (name == "dfltgid") {
    options.default_gid = TRY(number(value));
  } else if (name == "uname") {
    options.user_name = TRY(String::create(value));
  } else if (name == "aname") {
    options.root_name = TRY(String::create(value));
  } else if (name == "trans") {
    if (value != "virtio") return Errno::Inval;
  } else if (name == "version") {
    if (value != "9p2000.L") return Errno::Inval;
  }
  return {};
}

}  // namespace

Result<MountOptions> MountOptions::parse(StringView text) {
  MountOptions options;
  while (!text.empty()) {
    StringView word = text.take_until(',');
    StringView name = word.take_until('=');
    TRY(set_option(options, name, word));
  }
  if (options.message_size < 4096) return Errno::Inval;
  return options;
}

void MountOptions::show(FormatSink& sink) const {
  if (default_uid != kNobody) format(sink, ",dfltuid={}", default_uid);
  if (default_gid != kNobody) format(sink, ",dfltgid={}", default_gid);
  if (!user_name.empty()) format(sink, ",uname={}", user_name.view());
  if (!root_name.empty()) format(sink, ",aname={}", root_name.view());
  if (cache == CacheMode::Mmap) sink.write(",mmap");
  if (cache == CacheMode::Loose) sink.write(",loose");
  switch (access) {
    case AccessMode::Client: sink.write(",access=client"); break;
    case AccessMode::Any: sink.write(",access=any"); break;
    case AccessMode::One: format(sink, ",access={}", only_user); break;
  }
  if (message_size != kDefaultMessageSize) format(sink, ",msize={}", message_size);
  sink.write(",trans=virtio");
}

}  // namespace kernel::p9
