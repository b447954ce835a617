// SPDX-License-Identifier: MIT
// A seam: files are in memory. There are no disks, nothing to write back, and nothing to reclaim.

#include "fs/block/open.h"
#include "fs/initramfs/decompressor.h"
#include "fs/vfs/device_mount.h"
#include "fs/vfs/open.h"
#include "process/root_device.h"
#include "vm/page_cache.h"
#include "vm/page_lru.h"
#include "vm/shrinker.h"

namespace kernel {

Result<Ref<File>> open_block_device(const Path&, uint32_t) { return Errno::NxIo; }
void Shrinker::register_shrinker() {}
void mount_root_device() {}

namespace vfs {
Result<Ref<File>> open_on_disk(const Path&, uint32_t) { return Errno::NxIo; }
Result<Ref<Mount>> mount_device(FileSystemType&, StringView, uint32_t, StringView) {
  return Errno::NoDev;
}
void device_unmounted(SuperBlock&) {}
Result<> synchronise_devices() { return {}; }
}  // namespace vfs

void page_cache::synchronise_all() {}

namespace page_lru {
void note_use(Frame&) {}
}  // namespace page_lru

// The initramfs is a plain archive.
namespace initramfs {
bool is_gzip(std::span<const uint8_t>) { return false; }
bool is_zstd(std::span<const uint8_t>) { return false; }
Result<size_t> inflate_gzip(std::span<const uint8_t>, PieceSink&) { return Errno::Inval; }
Result<size_t> decompress_zstd(std::span<const uint8_t>, PieceSink&) { return Errno::Inval; }
}  // namespace initramfs

}  // namespace kernel
