// SPDX-License-Identifier: MIT
// See partition_table.h. Everything read is checked before it is used: the table comes from
// whoever wrote the disk.

#include "dev/partition_table.h"

#include "lib/crc32.h"
#include "lib/format.h"
#include "lib/little_endian.h"

namespace kernel {
namespace {

constexpr uint32_t kRecordSize = 512;        // of the MBR, whatever the block size
constexpr size_t kMaxPartitions = 256;       // of a disk, as Linux has it
constexpr unsigned kMaxEmptyLinks = 100;     // of an extended partition's chain
constexpr uint8_t kProtective = 0xee;
constexpr uint64_t kMaxEntriesSize = 1 * MiB;

uint16_t get16(const uint8_t* at) { return get_little_endian<uint16_t>(at); }
uint32_t get32(const uint8_t* at) { return get_little_endian<uint32_t>(at); }
uint64_t get64(const uint8_t* at) { return get_little_endian<uint64_t>(at); }

// One of the four entries of an MBR or of a link of an extended partition's chain.
struct Record {
  uint8_t active;
  uint8_t type;
  uint32_t start;
  uint32_t size;
  bool is_extended() const { return type == 0x05 || type == 0x0f || type == 0x85; }
};

struct BootRecord {
  explicit BootRecord(std::span<const uint8_t> block) : bytes(block.data()) {}
  bool is_signed() const { return get16(bytes + 510) == 0xaa55; }
  uint32_t disk_signature() const { return get32(bytes + 440); }
  Record record(size_t index) const {
    const uint8_t* at = bytes + 446 + 16 * index;
    return {at[0], at[4], get32(at + 8), get32(at + 12)};
  }
  const uint8_t* bytes;
};

class Scan {
 public:
  Scan(SectorReader& reader, const DiskShape& disk) : reader_(reader), disk_(disk) {}
  Result<> run();
  Vector<PartitionEntry> take() { return std::move(found_); }

 private:
  uint32_t block() const { return disk_.logical_block_size; }
  uint64_t sectors_per_block() const { return block() / 512; }
  uint64_t last_block() const { return disk_.sectors / sectors_per_block() - 1; }
  Result<> read_block(uint64_t number, std::span<uint8_t> to) {
    return reader_.read(number * block(), to.first(block()));
  }

  Result<PartitionEntry*> add(unsigned number, uint64_t start, uint64_t sectors);
  Result<> scan_mbr(const BootRecord& mbr);
  Result<> scan_extended(const Record& extended, uint32_t signature);
  Result<> add_mbr(unsigned number, uint64_t start, uint64_t sectors, uint32_t signature);
  Result<> scan_gpt();
  Result<bool> load_gpt(uint64_t header_block, Vector<uint8_t>& entries);
  Result<> add_gpt(std::span<const uint8_t> entry, unsigned number);

  SectorReader& reader_;
  DiskShape disk_;
  Vector<uint8_t> buffer_;  // one block
  Vector<PartitionEntry> found_;
  unsigned next_logical_ = 5;
  uint64_t gpt_last_block_ = 0;
};

Result<> Scan::run() {
  if (block() < kRecordSize || disk_.sectors < 2 * sectors_per_block()) return {};
  TRY(buffer_.resize(block()));
  TRY(read_block(0, buffer_.span()));
  BootRecord mbr(buffer_.span());
  if (!mbr.is_signed()) return {};
  bool protective = false;
  for (size_t i = 0; i < 4; ++i)
    protective |= mbr.record(i).type == kProtective && mbr.record(i).start == 1;
  return protective ? scan_gpt() : scan_mbr(mbr);
}

// Null for what lies outside the disk. What sticks out is cut.
Result<PartitionEntry*> Scan::add(unsigned number, uint64_t start, uint64_t sectors) {
  if (start >= disk_.sectors || sectors == 0 || found_.size() == kMaxPartitions) return nullptr;
  if (sectors > disk_.sectors - start) sectors = disk_.sectors - start;
  PartitionEntry entry;
  entry.number = number;
  entry.start = start;
  entry.sectors = sectors;
  TRY(found_.append(entry));
  return &found_.back();
}

// --- MBR ---------------------------------------------------------------------------------

Result<> Scan::add_mbr(unsigned number, uint64_t start, uint64_t sectors, uint32_t signature) {
  PartitionEntry* entry = TRY(add(number, start, sectors));
  if (entry == nullptr) return {};
  BufferSink text(std::span<char>(entry->uuid, sizeof entry->uuid - 1));
  format(text, "{:08x}-{:02x}", signature, number);
  return {};
}

Result<> Scan::scan_mbr(const BootRecord& mbr) {
  // A boot sector of a file system ends with the same signature: its code is no table.
  Record records[4];
  for (size_t i = 0; i < 4; ++i) {
    records[i] = mbr.record(i);
    if ((records[i].active & 0x7f) != 0) return {};
    if (records[i].type == kProtective) return {};
  }
  uint32_t signature = mbr.disk_signature();
  for (unsigned i = 0; i < 4; ++i) {
    const Record& record = records[i];
    uint64_t size = record.size * sectors_per_block();
    if (size == 0) continue;
    if (record.is_extended()) {
      // Room for a boot loader, not for a file system.
      uint64_t small = sectors_per_block() > 2 ? sectors_per_block() : 2;
      size = size < small ? size : small;
    }
    TRY(add_mbr(i + 1, record.start * sectors_per_block(), size, signature));
  }
  for (const Record& record : records) {
    if (record.size != 0 && record.is_extended()) TRY(scan_extended(record, signature));
  }
  return {};
}

// A chain of boot records, each with a partition and the place of the next record. Positions of
// partitions count from their record, those of records from the extended partition.
Result<> Scan::scan_extended(const Record& extended, uint32_t signature) {
  uint64_t first = extended.start;
  uint64_t here = first;
  uint64_t here_size = extended.size;
  unsigned empty_links = 0;
  while (found_.size() < kMaxPartitions && empty_links++ < kMaxEmptyLinks) {
    if (here > last_block()) return {};
    TRY(read_block(here, buffer_.span()));
    BootRecord link(buffer_.span());
    if (!link.is_signed()) return {};
    std::optional<Record> next;
    for (size_t i = 0; i < 4; ++i) {
      Record record = link.record(i);
      if (record.size == 0) continue;
      if (record.is_extended()) {
        if (!next) next = record;
        continue;
      }
      uint64_t start = here + record.start;
      if (i >= 2) {
        // Some systems leave rubbish in the last two.
        if (uint64_t{record.start} + record.size > here_size) continue;
        if (start < first || start + record.size > first + extended.size) continue;
      }
      TRY(add_mbr(next_logical_++, start * sectors_per_block(),
                  record.size * sectors_per_block(), signature));
      empty_links = 0;
    }
    if (!next) return {};
    here = first + next->start;
    here_size = next->size;
  }
  return {};
}

// --- GPT ---------------------------------------------------------------------------------

// Header and entries at this block, when they are sound.
Result<bool> Scan::load_gpt(uint64_t header_block, Vector<uint8_t>& entries) {
  constexpr uint64_t kSignature = 0x5452'4150'2049'4645;  // "EFI PART"
  constexpr uint32_t kSmallestHeader = 92, kEntrySize = 128;
  if (header_block > last_block()) return false;
  TRY(read_block(header_block, buffer_.span()));
  uint8_t* header = buffer_.data();
  uint32_t size = get32(header + 12);
  if (get64(header) != kSignature || size < kSmallestHeader || size > block()) return false;
  uint32_t sum = get32(header + 16);
  for (size_t i = 16; i < 20; ++i) header[i] = 0;
  if (crc32({header, size}) != sum) return false;
  if (get64(header + 24) != header_block) return false;
  gpt_last_block_ = get64(header + 48);
  if (get64(header + 40) > last_block() || gpt_last_block_ > last_block()) return false;
  uint64_t table = get64(header + 72);
  uint64_t table_size = uint64_t{get32(header + 80)} * get32(header + 84);
  uint32_t table_sum = get32(header + 88);
  if (get32(header + 84) != kEntrySize || table_size == 0 || table_size > kMaxEntriesSize)
    return false;
  uint64_t blocks = (table_size + block() - 1) / block();
  if (table > last_block() || blocks > last_block() - table + 1) return false;
  entries.clear();
  TRY(entries.resize(blocks * block()));
  TRY(reader_.read(table * block(), entries.span()));
  if (crc32(entries.span().first(table_size)) != table_sum) return false;
  while (entries.size() > table_size) entries.pop_back();
  return true;
}

Result<> Scan::scan_gpt() {
  Vector<uint8_t> entries;
  bool sound = TRY(load_gpt(1, entries));
  if (!sound && disk_.trust_backup) sound = TRY(load_gpt(last_block(), entries));
  if (!sound) return {};
  for (unsigned i = 0; i < entries.size() / 128; ++i)
    TRY(add_gpt(std::span<const uint8_t>(entries.span()).subspan(128 * i, 128), i + 1));
  return {};
}

void format_guid(const uint8_t* bytes, std::span<char> room) {
  BufferSink text(room);
  format(text, "{:08x}-{:04x}-{:04x}-", get32(bytes), get16(bytes + 4), get16(bytes + 6));
  for (size_t i = 8; i < 16; ++i) format(text, i == 10 ? "-{:02x}" : "{:02x}", bytes[i]);
}

Result<> Scan::add_gpt(std::span<const uint8_t> bytes, unsigned number) {
  bool used = false;
  for (uint8_t byte : bytes.first(16)) used |= byte != 0;
  uint64_t first = get64(&bytes[32]);
  uint64_t last = get64(&bytes[40]);
  if (!used || first > last_block() || last > last_block() || last < first) return {};
  PartitionEntry* entry =
      TRY(add(number, first * sectors_per_block(), (last - first + 1) * sectors_per_block()));
  if (entry == nullptr) return {};
  format_guid(&bytes[16], std::span<char>(entry->uuid, sizeof entry->uuid - 1));
  for (size_t i = 0; i < sizeof entry->label - 1; ++i) {
    uint8_t character = bytes[56 + 2 * i];
    // Latin-1 is what Linux takes for printable.
    bool printable = (character >= ' ' && character <= '~') || character >= 0xa0;
    if (character != 0 && !printable) character = '!';
    entry->label[i] = static_cast<char>(character);
    if (character == 0) break;
  }
  return {};
}

}  // namespace

Result<Vector<PartitionEntry>> read_partition_table(SectorReader& reader, const DiskShape& disk) {
  Scan scan(reader, disk);
  TRY(scan.run());
  return scan.take();
}

}  // namespace kernel
