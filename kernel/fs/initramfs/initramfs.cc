// SPDX-License-Identifier: MIT
// See initramfs.h.

#include "fs/initramfs/initramfs.h"

#include "fs/initramfs/decompressor.h"
#include "fs/initramfs/unpacker.h"
#include "lib/log.h"

namespace kernel::initramfs {
namespace {

// Compressed archives: the parser gets what comes out.
class ParserSink final : public PieceSink {
 public:
  explicit ParserSink(CpioParser& parser) : parser_(parser) {}
  Result<> take(std::span<const uint8_t> piece) override {
    size_t consumed = TRY(parser_.feed(piece));
    return consumed == piece.size() ? Result<>() : Result<>(Errno::Inval);
  }

 private:
  CpioParser& parser_;
};

// One archive, or several plain ones in a row; returns how much of `data` they were.
Result<size_t> unpack_some(std::span<const uint8_t> data, CpioParser& parser) {
  ParserSink sink(parser);
  if (is_gzip(data)) return inflate_gzip(data, sink);
  if (is_zstd(data)) return decompress_zstd(data, sink);
  size_t consumed = TRY(parser.feed(data));
  if (consumed == 0)
    log_error("initramfs: neither cpio nor gzip nor zstd begins with {:02x} {:02x}", data[0],
              data.size() > 1 ? data[1] : 0);
  return consumed == 0 ? Result<size_t>(Errno::Inval) : consumed;
}

void report(const CpioParser& parser, Errno error) {
  StringView problem = parser.problem();
  if (problem.empty())
    problem = error == Errno::NoMem || error == Errno::NoSpc ? "out of memory" : "damaged data";
  log_error("initramfs: {}{}{}", parser.name(), parser.name().empty() ? "" : ": ", problem);
}

}  // namespace

Result<> unpack(std::span<const uint8_t> archive) {
  Unpacker unpacker;
  CpioParser parser(unpacker);
  Result<> result;
  while (!archive.empty()) {
    Result<size_t> consumed = unpack_some(archive, parser);
    if (!consumed.ok()) {
      result = consumed.error();
      break;
    }
    archive = archive.subspan(*consumed);
  }
  if (result.ok()) result = parser.finish();
  if (!result.ok()) report(parser, result.error());
  TRY(unpacker.finish());
  log_info("initramfs: {} entries", unpacker.entries());
  return result;
}

Result<> make_first_nodes() {
  TRY(vfs::make_directory({}, "/dev", 0755));
  TRY(vfs::make_node({}, "/dev/console", FileType::CharDevice, 0600, {5, 1}));
  return vfs::make_directory({}, "/root", 0700);
}

}  // namespace kernel::initramfs
