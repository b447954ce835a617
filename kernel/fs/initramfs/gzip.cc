// SPDX-License-Identifier: MIT
// gzip streams (RFC 1952) through zlib.

#include <zlib.h>

#include "fs/initramfs/decompressor.h"
#include "lib/vector.h"

namespace kernel::initramfs {
namespace {

constexpr size_t kOutput = 64 * KiB;
constexpr int kGzipWindow = 16 + 15;  // inflateInit2: gzip header, 32 KiB window

void* allocate(void*, unsigned count, unsigned size) {
  return operator new(size_t{count} * size, std::nothrow);
}
void release(void*, void* memory) { operator delete(memory); }

// Ends the stream's state with the block.
class Stream : public Pinned {
 public:
  Stream() {
    stream_.zalloc = allocate;
    stream_.zfree = release;
  }
  ~Stream() { inflateEnd(&stream_); }
  z_stream& get() { return stream_; }

 private:
  z_stream stream_ = {};
};

}  // namespace

bool is_gzip(std::span<const uint8_t> data) {
  return data.size() >= 18 && data[0] == 0x1f && data[1] == 0x8b;
}

Result<size_t> inflate_gzip(std::span<const uint8_t> data, PieceSink& sink) {
  Vector<uint8_t> output;
  TRY(output.resize(kOutput));
  Stream owner;
  z_stream& stream = owner.get();
  stream.next_in = const_cast<uint8_t*>(data.data());
  stream.avail_in = static_cast<unsigned>(data.size());
  if (inflateInit2_(&stream, kGzipWindow, ZLIB_VERSION, static_cast<int>(sizeof stream)) != Z_OK)
    return Errno::NoMem;
  for (;;) {
    stream.next_out = output.data();
    stream.avail_out = static_cast<unsigned>(kOutput);
    int status = ::inflate(&stream, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) return Errno::NoMem;
    if (status != Z_OK && status != Z_STREAM_END) return Errno::Inval;
    size_t produced = kOutput - stream.avail_out;
    if (produced != 0) TRY(sink.take({output.data(), produced}));
    if (status == Z_STREAM_END) return data.size() - stream.avail_in;
    if (produced == 0 && stream.avail_in == 0) return Errno::Inval;  // cut off
  }
}

}  // namespace kernel::initramfs
