// SPDX-License-Identifier: MIT
// An open regular file whose contents lie on a disk: it reads ahead, and hears of write-back's
// errors once (fsync(2), posix_fadvise(2), sync_file_range(2), open(2): O_DIRECT, O_SYNC).
#pragma once

#include "fs/vfs/regular_file.h"
#include "vm/disk_object.h"

namespace kernel {

// What every open file over a DiskObject does alike; `told`: the errors that it has been told of.
namespace disk_file {
// O_DIRECT, as Linux asks it: memory by the sector, position and length by the block.
Result<> check_direct(const IoBuffer& buffer, uint64_t offset, uint64_t block);
Result<> write_back_range(DiskObject& object, Atomic<uint32_t>& told, uint64_t start, uint64_t end,
                          uint32_t steps);
void advise(DiskObject& object, ReadAhead& read_ahead, File::Advice advice, uint64_t start,
            uint64_t end);
}  // namespace disk_file

class DiskFile final : public RegularFile {
 public:
  DiskFile(Path path, uint32_t flags);
  Result<size_t> read(IoBuffer& buffer, uint64_t offset) override;
  Result<size_t> write(IoBuffer& buffer, uint64_t offset) override;
  Result<> synchronise(bool data_only) override;
  Result<> write_back_range(uint64_t start, uint64_t end, uint32_t steps) override;
  Result<> report_file_system_errors() override;
  void advise(Advice advice, uint64_t start, uint64_t end) override;
  bool takes_direct() const override { return true; }

 private:
  DiskObject& object() const { return *inode().contents()->disk(); }
  bool is_direct() const { return (flags() & kOpenDirect) != 0; }
  bool is_synchronous() const;
  Result<size_t> write_some(IoBuffer& buffer, uint64_t& offset);

  ReadAhead read_ahead_;
  Atomic<uint32_t> file_errors_, file_system_errors_;  // what this file has been told of
};

}  // namespace kernel
