// SPDX-License-Identifier: MIT
// virtio block device (Virtual I/O Device 1.2, section 5.2). Requests are put on the queue of the
// CPU that makes them, piece by piece as the device has them; what finds no room waits in a list,
// and goes on when the device has answered. Every answer is waited for for a bounded time: a
// device that stops answering is reset, and all that it still had fails.

#include "arch/mmu.h"
#include "dev/block_registry.h"
#include "drivers/virtio/transport.h"
#include "lib/log.h"
#include "sched/timer.h"
#include "sched/work_queue.h"
#include "sync/per_cpu.h"

namespace kernel {
namespace {

using virtio::Buffer;
using virtio::Queue;

constexpr uint64_t feature(unsigned bit) { return uint64_t{1} << bit; }
constexpr uint64_t kSizeMax = feature(1), kSegmentMax = feature(2), kGeometry = feature(4),
                   kReadOnly = feature(5),
                   kBlockSize = feature(6), kFlush = feature(9), kTopology = feature(10),
                   kMultiQueue = feature(12), kDiscard = feature(13), kWriteZeroes = feature(14);
constexpr uint64_t kWanted = kSizeMax | kSegmentMax | kGeometry | kReadOnly | kBlockSize | kFlush |
                             kTopology | kMultiQueue | kDiscard | kWriteZeroes;

// Of struct virtio_blk_config.
enum Config : size_t {
  kCapacity = 0,
  kConfigSizeMax = 8,
  kConfigSegmentMax = 12,
  kCylinders = 16,
  kHeads = 18,
  kSectors = 19,
  kConfigBlockSize = 20,
  kPhysicalExponent = 24,
  kQueueCount = 34,
  kMaxDiscardSectors = 36,
  kDiscardAlignment = 44,
  kMaxWriteZeroesSectors = 48,
};

enum class Type : uint32_t {
  In = 0,
  Out = 1,
  Flush = 4,
  GetId = 8,
  Discard = 11,
  WriteZeroes = 13,
};
constexpr uint8_t kStatusOk = 0, kStatusUnsupported = 2, kStatusNone = 0xff;

constexpr uint16_t kQueueSize = 256;
constexpr size_t kMaxSegments = 126;
constexpr size_t kMaxQueues = 16;
// Fewer are not worth a request of their own while others are under way.
constexpr size_t kWorthwhileSegments = 8;
constexpr uint32_t kSerialSize = 20;
constexpr Nanoseconds kAnswerLimit = 60 * kNanosPerSecond;
constexpr BlockRegistry::Family kFamily{"vd", 254, 16};

constinit Atomic<uint32_t> disks_found;

// What a request carries beside its data, where the device reads and writes it.
struct Slot {
  uint32_t type;
  uint32_t reserved;
  uint64_t sector;
  // struct virtio_blk_discard_write_zeroes.
  uint64_t range_sector;
  uint32_t range_sectors;
  uint32_t range_flags;
  uint8_t status;
  uint8_t unused[31];
};
static_assert(sizeof(Slot) == 64);

class Disk;

// One virtqueue.
class RequestQueue {
 public:
  RequestQueue(Disk& disk, uint16_t index, Owned<Queue> queue, DmaBuffer slots)
      : disk_(disk), index_(index), queue_(std::move(queue)), slots_(std::move(slots)) {}
  Result<> prepare();
  void start(BlockRequest& request);
  void run();  // behind an interrupt, in its thread
  // The device has been reset: everything fails.
  void fail_all();

 private:
  Slot& slot(size_t index) { return reinterpret_cast<Slot*>(slots_.data())[index]; }
  PhysAddr slot_address(size_t index, size_t offset) const {
    return slots_.physical() + index * sizeof(Slot) + offset;
  }
  bool pump_locked() REQUIRES(lock_);
  void send_locked(BlockRequest& request) REQUIRES(lock_);
  void answer_locked(size_t index, List<BlockRequest>& finished) REQUIRES(lock_);
  void piece_back_locked(BlockRequest& request, Result<> result, List<BlockRequest>& finished)
      REQUIRES(lock_);

  Disk& disk_;
  uint16_t index_;
  SpinLock<LockRank::Device> lock_;
  Owned<Queue> queue_ GUARDED_BY(lock_);
  DmaBuffer slots_;
  Vector<BlockRequest*> owners_ GUARDED_BY(lock_);   // by slot; null: free
  Vector<uint16_t> free_slots_ GUARDED_BY(lock_);
  List<BlockRequest> waiting_ GUARDED_BY(lock_);     // with more to hand out
  bool dead_ GUARDED_BY(lock_) = false;
  BlockSegment segments_[kMaxSegments] GUARDED_BY(lock_);
  Buffer chain_[kMaxSegments + 3] GUARDED_BY(lock_);
};

class Disk final : public BlockDevice, public Device, public InterruptHandler {
 public:
  static Result<Owned<Device>> probe(Owned<virtio::Transport> transport);

  Disk(Owned<virtio::Transport> transport, const Geometry& geometry)
      : BlockDevice(geometry), transport_(std::move(transport)) {}
  StringView serial() const override { return StringView(serial_); }
  HardwareGeometry hardware_geometry() const override { return hardware_geometry_; }
  void run() override {
    for (Optional<Owned<RequestQueue>>& queue : queues_) {
      if (queue) queue->run();
    }
  }

  void notify(uint16_t queue) { transport_->notify(queue); }
  bool is_serial_request(const BlockRequest& request) const { return &request == serial_request_; }
  void note_sent() {
    if (pieces_out_.fetch_add_relaxed(1) == 0) note_progress();
    if (!watching_.exchange_acq_rel(true)) watchdog_.arm(Deadline::after(kAnswerLimit));
  }
  void note_answered() {
    pieces_out_.fetch_sub_relaxed(1);
    note_progress();
  }
  // The device broke the rules, or does not answer: thread context, no lock held.
  void give_up_soon() { give_up_.schedule(); }

 protected:
  void start(BlockRequest& request) override {
    queues_[here() % queue_count_]->start(request);
  }

 private:
  // Where the caller was a moment ago: good enough.
  static unsigned here() {
    PreemptGuard guard;
    return this_cpu();
  }
  Result<> make_queues(uint64_t features);
  void read_serial();
  void read_hardware_geometry(uint64_t features);
  void note_progress() { progress_at_.store_relaxed(clock::monotonic()); }
  void give_up();
  static Geometry read_geometry(virtio::Transport& transport, uint64_t features);

  Owned<virtio::Transport> transport_;
  Optional<Owned<RequestQueue>> queues_[kMaxQueues];
  uint16_t queue_count_ = 0;
  HardwareGeometry hardware_geometry_;
  char serial_[kSerialSize + 1] = {};
  const BlockRequest* serial_request_ = nullptr;  // while the disk is probed

  Atomic<uint32_t> pieces_out_;
  Atomic<uint64_t> progress_at_;
  Atomic<bool> watching_;
  struct Watchdog : Timer {
    explicit Watchdog(Disk& owner) : Timer(expired), disk(owner) {}
    static void expired(Timer& timer);
    Disk& disk;
  } watchdog_{*this};
  struct GiveUp : Work {
    explicit GiveUp(Disk& owner)
        : Work([](Work& work) { static_cast<GiveUp&>(work).disk.give_up(); }), disk(owner) {}
    Disk& disk;
  } give_up_{*this};
};

// --- A queue ---------------------------------------------------------------------------

Result<> RequestQueue::prepare() {
  Guard guard(lock_);
  uint16_t count = queue_->size();
  TRY(owners_.resize(count));
  TRY(free_slots_.reserve(count));
  for (uint16_t i = count; i-- > 0;) free_slots_.append_reserved(i);
  return {};
}

void RequestQueue::start(BlockRequest& request) {
  bool notify = false;
  bool dead = false;
  {
    Guard guard(lock_);
    dead = dead_;
    if (!dead) {
      waiting_.push_back(request);
      notify = pump_locked();
    }
  }
  if (notify) disk_.notify(index_);
  if (dead && request.abandon(Errno::Io)) request.finish();
}

// Hands out as much as there is room for. True when the device is to be told.
bool RequestQueue::pump_locked() {
  bool sent = false;
  while (BlockRequest* request = waiting_.front()) {
    size_t needed = queue_->size() == free_slots_.size() ? 3 : 2 + kWorthwhileSegments;
    if (needed > queue_->size()) needed = queue_->size();
    if (free_slots_.empty() || queue_->free_descriptors() < needed) break;
    send_locked(*request);
    sent = true;
    if (!request->has_more()) waiting_.remove(*request);
  }
  return sent && queue_->publish();
}

void RequestQueue::send_locked(BlockRequest& request) {
  size_t room = queue_->free_descriptors() - 2;
  BlockRequest::Piece piece = request.take_piece(
      disk_.limits(), std::span(segments_).first(room < kMaxSegments ? room : kMaxSegments));
  uint16_t index = free_slots_.back();
  free_slots_.pop_back();
  owners_[index] = &request;
  Slot& slot = this->slot(index);
  slot = {};
  slot.status = kStatusNone;
  size_t count = 0;
  chain_[count++] = {slot_address(index, 0), 16, false};
  bool reads = false;
  switch (piece.operation) {
    case BlockOperation::Read:
      slot.type =
          static_cast<uint32_t>(disk_.is_serial_request(request) ? Type::GetId : Type::In);
      reads = true;
      [[fallthrough]];
    case BlockOperation::Write:
      if (!reads) slot.type = static_cast<uint32_t>(Type::Out);
      slot.sector = piece.sector;
      for (const BlockSegment& segment : piece.segments)
        chain_[count++] = {segment.address, segment.length, reads};
      break;
    case BlockOperation::Flush: slot.type = static_cast<uint32_t>(Type::Flush); break;
    case BlockOperation::Discard:
    case BlockOperation::WriteZeroes:
      slot.type = static_cast<uint32_t>(
          piece.operation == BlockOperation::Discard ? Type::Discard : Type::WriteZeroes);
      slot.range_sector = piece.sector;
      slot.range_sectors = static_cast<uint32_t>(piece.sectors);
      chain_[count++] = {slot_address(index, offsetof(Slot, range_sector)), 16, false};
      break;
  }
  chain_[count++] = {slot_address(index, offsetof(Slot, status)), 1, true};
  // There is room: pump_locked() has looked.
  CHECK(queue_->add(std::span(chain_).first(count), index).ok());
  disk_.note_sent();
}

void RequestQueue::run() {
  List<BlockRequest> finished;
  bool notify = false;
  bool broken = false;
  {
    Guard guard(lock_);
    if (dead_) return;
    while (std::optional<Queue::Finished> back = queue_->take_finished())
      answer_locked(back->token, finished);
    broken = queue_->is_broken();
    notify = pump_locked();
  }
  if (notify) disk_.notify(index_);
  if (broken) disk_.give_up_soon();
  while (BlockRequest* request = finished.pop_front()) request->finish();
}

void RequestQueue::answer_locked(size_t index, List<BlockRequest>& finished) {
  BlockRequest& request = *owners_[index];
  owners_[index] = nullptr;
  free_slots_.append_reserved(static_cast<uint16_t>(index));
  uint8_t status = slot(index).status;
  Result<> result;
  if (status != kStatusOk) result = status == kStatusUnsupported ? Errno::OpNotSupp : Errno::Io;
  disk_.note_answered();
  piece_back_locked(request, result, finished);
}

// A request is on one list at most: it waits for room, or it has ended.
void RequestQueue::piece_back_locked(BlockRequest& request, Result<> result,
                                     List<BlockRequest>& finished) {
  bool last = request.piece_done(result);
  bool more = request.has_more();
  if (request.is_linked() && !more) waiting_.remove(request);
  if (last) {
    finished.push_back(request);
  } else if (more && !request.is_linked()) {
    waiting_.push_front(request);  // the flush behind its writes
  }
}

void RequestQueue::fail_all() {
  List<BlockRequest> finished;
  {
    Guard guard(lock_);
    dead_ = true;
    for (BlockRequest*& owner : owners_) {
      if (owner == nullptr) continue;
      piece_back_locked(*std::exchange(owner, nullptr), Errno::Io, finished);
    }
    while (BlockRequest* request = waiting_.pop_front()) {
      if (request->abandon(Errno::Io)) finished.push_back(*request);
    }
  }
  while (BlockRequest* request = finished.pop_front()) request->finish();
}

// --- The disk --------------------------------------------------------------------------

BlockDevice::Geometry Disk::read_geometry(virtio::Transport& transport, uint64_t features) {
  auto has = [features](uint64_t bit) { return (features & bit) != 0; };
  Geometry geometry;
  geometry.sectors = transport.config_u64(kCapacity);
  if (has(kBlockSize)) geometry.logical_block_size = transport.config_u32(kConfigBlockSize);
  geometry.physical_block_size = geometry.logical_block_size;
  if (has(kTopology)) {
    uint8_t exponent = transport.config_u8(kPhysicalExponent);
    if (exponent < 8) geometry.physical_block_size <<= exponent;
  }
  geometry.read_only = has(kReadOnly);
  geometry.volatile_cache = has(kFlush);
  BlockLimits& limits = geometry.limits;
  limits.max_segments = kMaxSegments;
  if (has(kSegmentMax)) {
    uint32_t most = transport.config_u32(kConfigSegmentMax);
    limits.max_segments = most == 0 ? 1 : most < kMaxSegments ? most : kMaxSegments;
  }
  limits.max_sectors = 2048;
  limits.max_segment_bytes = limits.max_sectors << kSectorShift;
  if (has(kSizeMax)) {
    uint32_t most = align_down(transport.config_u32(kConfigSizeMax), kSectorSize);
    if (most != 0 && most < limits.max_segment_bytes) limits.max_segment_bytes = most;
  }
  if (has(kDiscard)) {
    limits.max_discard_sectors = transport.config_u32(kMaxDiscardSectors);
    uint32_t alignment = transport.config_u32(kDiscardAlignment);
    limits.discard_granularity =
        alignment != 0 ? alignment << kSectorShift : geometry.logical_block_size;
  }
  if (has(kWriteZeroes))
    limits.max_write_zeroes_sectors = transport.config_u32(kMaxWriteZeroesSectors);
  return geometry;
}

Result<Owned<Device>> Disk::probe(Owned<virtio::Transport> transport) {
  // Its data goes to and from any memory, which other devices' and CPUs' caches must see.
  if (!transport->dma_coherent()) {
    log_warning("virtio-blk: not cache coherent: not driven");
    return Errno::NoDev;
  }
  uint64_t features = TRY(transport->negotiate(kWanted));
  Geometry geometry = read_geometry(*transport, features);
  uint32_t block = geometry.logical_block_size;
  if (!std::has_single_bit(block) || block < kSectorSize || block > kPageSize) {
    log_error("virtio-blk: blocks of {} bytes", block);
    transport->fail();
    return Errno::Inval;
  }
  Owned<Disk> disk = TRY(make_owned<Disk>(std::move(transport), geometry));
  Result<> made = disk->make_queues(features);
  if (!made.ok()) {
    disk->transport_->fail();
    return made.error();
  }
  disk->read_hardware_geometry(features);
  disk->read_serial();
  // Disks are never unplugged: the registry's reference stays.
  disk->ref();
  Result<> added = BlockRegistry::add_disk(Ref<BlockDevice>::adopt(*disk), kFamily,
                                           disks_found.fetch_add_relaxed(1));
  if (!added.ok()) log_error("virtio-blk: error {} registering a disk", added.error());
  return Owned<Device>(std::move(disk));
}

Result<> Disk::make_queues(uint64_t features) {
  size_t wanted = (features & kMultiQueue) != 0 ? transport_->config_u16(kQueueCount) : 1;
  if (wanted > sched::online_cpu_count()) wanted = sched::online_cpu_count();
  if (wanted > kMaxQueues) wanted = kMaxQueues;
  for (uint16_t i = 0; i < wanted || i == 0; ++i) {
    Owned<Queue> queue = TRY(transport_->make_queue(i, kQueueSize));
    if (queue->size() < 3) return Errno::Inval;
    DmaBuffer slots = TRY(DmaBuffer::allocate(sizeof(Slot) * queue->size(), true));
    Owned<RequestQueue> made =
        TRY(make_owned<RequestQueue>(*this, i, std::move(queue), std::move(slots)));
    TRY(made->prepare());
    queues_[i] = std::move(made);
    ++queue_count_;
  }
  TRY(transport_->connect("virtio-blk", *this));
  transport_->start();
  return {};
}

void Disk::read_hardware_geometry(uint64_t features) {
  if ((features & kGeometry) != 0) {
    hardware_geometry_ = {transport_->config_u16(kCylinders), transport_->config_u8(kHeads),
                          transport_->config_u8(kSectors)};
  } else {
    hardware_geometry_ = {static_cast<uint16_t>(sectors() >> 11), 64, 32};
  }
}

// A read of a kind of its own. Without an answer the disk has no serial number.
void Disk::read_serial() {
  Vector<uint8_t> room;
  if (!room.resize(kSectorSize).ok()) return;
  BlockSegment segment{
      arch::physical_address(VirtAddr{reinterpret_cast<uint64_t>(room.data())}), kSectorSize};
  BlockRequest request;
  request.segments = {&segment, 1};
  serial_request_ = &request;
  Result<> done = sectors() != 0 ? execute(request) : Errno::NoData;
  serial_request_ = nullptr;
  if (!done.ok()) return;
  for (size_t i = 0; i < kSerialSize; ++i) serial_[i] = static_cast<char>(room[i]);
}

// Interrupt context.
void Disk::Watchdog::expired(Timer& timer) {
  Disk& disk = static_cast<Watchdog&>(timer).disk;
  disk.watching_.store_release(false);
  if (disk.pieces_out_.load_relaxed() == 0) return;
  Deadline limit{disk.progress_at_.load_relaxed() + kAnswerLimit};
  if (clock::monotonic() >= limit.at) {
    disk.give_up_soon();
  } else if (!disk.watching_.exchange_acq_rel(true)) {
    timer.arm(limit);
  }
}

void Disk::give_up() {
  log_error("{}: the device does not answer as it should: given up", name());
  transport_->reset();
  for (Optional<Owned<RequestQueue>>& queue : queues_) {
    if (queue) queue->fail_all();
  }
}

VIRTIO_DRIVER(virtio_blk, virtio::DeviceId::Block, Disk::probe);

}  // namespace
}  // namespace kernel
