// SPDX-License-Identifier: MIT
// zstd frames (RFC 8878) through libzstd.

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include "fs/initramfs/decompressor.h"
#include "lib/vector.h"

namespace kernel::initramfs {
namespace {

constexpr size_t kOutput = 64 * KiB;
constexpr int kLargestWindow = 27;  // 128 MiB: what `zstd -19` and Linux's own limit stay below

void* allocate(void*, size_t size) { return operator new(size, std::nothrow); }
void release(void*, void* memory) { operator delete(memory); }

class Stream : public Pinned {
 public:
  Stream() : context_(ZSTD_createDCtx_advanced({allocate, release, nullptr})) {}
  ~Stream() { ZSTD_freeDCtx(context_); }
  ZSTD_DCtx* get() { return context_; }

 private:
  ZSTD_DCtx* context_;
};

}  // namespace

bool is_zstd(std::span<const uint8_t> data) {
  return data.size() >= 9 && data[0] == 0x28 && data[1] == 0xb5 && data[2] == 0x2f &&
         data[3] == 0xfd;
}

Result<size_t> decompress_zstd(std::span<const uint8_t> data, PieceSink& sink) {
  Vector<uint8_t> output;
  TRY(output.resize(kOutput));
  Stream stream;
  if (stream.get() == nullptr) return Errno::NoMem;
  if (ZSTD_isError(ZSTD_DCtx_setMaxWindowSize(stream.get(), size_t{1} << kLargestWindow)) != 0)
    return Errno::Inval;
  ZSTD_inBuffer in = {data.data(), data.size(), 0};
  for (;;) {
    ZSTD_outBuffer out = {output.data(), kOutput, 0};
    size_t status = ZSTD_decompressStream(stream.get(), &out, &in);
    if (ZSTD_isError(status) != 0) {
      return ZSTD_getErrorCode(status) == ZSTD_error_memory_allocation ? Errno::NoMem
                                                                       : Errno::Inval;
    }
    if (out.pos != 0) TRY(sink.take({output.data(), out.pos}));
    if (status == 0) return in.pos;
    if (out.pos == 0 && in.pos == in.size) return Errno::Inval;  // cut off
  }
}

}  // namespace kernel::initramfs
