// SPDX-License-Identifier: MIT
// See buffer.h. The cache holds one reference on each of its buffers; a buffer that has no other
// may be freed, under its bucket's lock, which is where lookups take theirs. The journal holds one
// on each buffer that it has not written home.
#include "fs/jbd2/buffer.h"

#include "mm/heap.h"

namespace kernel::jbd2 {

namespace {

constexpr uint64_t kBlocksPerBucket = 32;  // of the device
constexpr uint64_t kMinBuckets = 256;
constexpr uint64_t kMaxBuckets = 32768;
constexpr uint32_t kReadAheadBlocks = 32;  // in one request

}  // namespace

uint32_t Buffer::size() const { return cache_.block_size(); }

Buffer::~Buffer() {
  DCHECK(transaction_.load_relaxed() == nullptr && checkpoint_ == nullptr && frozen_ == nullptr);
  heap::free(data_);
}

Result<Owned<BufferCache>> BufferCache::create(Ref<BlockDevice> device, uint32_t block_size) {
  if (!std::has_single_bit(block_size) || block_size < device->logical_block_size() ||
      block_size > kPageSize)
    return Errno::Inval;
  auto* made = new (std::nothrow) BufferCache(std::move(device), block_size);
  if (made == nullptr) return Errno::NoMem;
  Owned<BufferCache> cache = Owned<BufferCache>::adopt(made);
  uint64_t buckets = std::bit_ceil(cache->blocks_ / kBlocksPerBucket + 1);
  buckets = buckets < kMinBuckets ? kMinBuckets : buckets > kMaxBuckets ? kMaxBuckets : buckets;
  TRY(cache->buckets_.resize(buckets));
  cache->register_shrinker();
  return cache;
}

BufferCache::BufferCache(Ref<BlockDevice> device, uint32_t block_size)
    : device_(std::move(device)), block_size_(block_size), blocks_(device_->size() / block_size) {}

BufferCache::~BufferCache() {
  if (buckets_.empty()) return;  // create() did not finish
  unregister_shrinker();
  // Uninterruptible: the device answers in bounded time.
  ignore(fill_waiters_.wait([this] { return reads_ahead_.load_acquire() == 0; },
                            WaitMode::Uninterruptible));
  Guard guard(locks_[0]);  // see ReadAhead::finish
  for (Buffer* buffer : buckets_) {
    while (buffer != nullptr) {
      CHECK(buffer->drop());
      delete std::exchange(buffer, buffer->hash_next_);
    }
  }
}

size_t BufferCache::bucket_of(uint64_t block) const {
  uint64_t mixed = block * 0x9e37'79b9'7f4a'7c15;
  return (mixed >> 32) & (buckets_.size() - 1);
}

Buffer* BufferCache::lookup_locked(size_t bucket, uint64_t block) const {
  Buffer* buffer = buckets_[bucket];
  while (buffer != nullptr && buffer->block_ != block) buffer = buffer->hash_next_;
  return buffer;
}

Optional<Ref<Buffer>> BufferCache::find(uint64_t block) {
  size_t bucket = bucket_of(block);
  Guard guard(lock_of(bucket));
  Buffer* buffer = lookup_locked(bucket, block);
  if (buffer == nullptr) return std::nullopt;
  if (!buffer->accessed_.load_relaxed()) buffer->accessed_.store_relaxed(true);
  return Ref<Buffer>(*buffer);
}

Result<Ref<Buffer>> BufferCache::get(uint64_t block) {
  if (Optional<Ref<Buffer>> found = find(block)) return found.take();
  if (block >= blocks_) return Errno::Inval;
  auto* data =
      static_cast<uint8_t*>(heap::allocate(block_size_, block_size_, AllocationFlags::None));
  if (data == nullptr) return Errno::NoMem;
  auto* made = new (std::nothrow) Buffer(*this, block, data);
  if (made == nullptr) {
    heap::free(data);
    return Errno::NoMem;
  }
  size_t bucket = bucket_of(block);
  Buffer* present = nullptr;
  {
    Guard guard(lock_of(bucket));
    present = lookup_locked(bucket, block);
    if (present == nullptr) {
      made->hash_next_ = buckets_[bucket];
      buckets_[bucket] = made;
      made->accessed_.store_relaxed(true);
      count_.fetch_add_relaxed(1);
    }
    (present == nullptr ? made : present)->ref();
  }
  if (present == nullptr) return Ref<Buffer>::adopt(*made);
  delete made;
  return Ref<Buffer>::adopt(*present);
}

Result<Ref<Buffer>> BufferCache::read(uint64_t block) {
  Ref<Buffer> buffer = TRY(get(block));
  if (!buffer->is_up_to_date()) TRY(fill(*buffer));
  return buffer;
}

Result<Ref<Buffer>> BufferCache::fresh(uint64_t block) { return get(block); }

void BufferCache::begin_fill(Buffer& buffer) {
  // Uninterruptible: the device answers in bounded time.
  auto take = [&buffer] {
    bool idle = false;
    return buffer.filling_.compare_exchange_acq_rel(idle, true);
  };
  ignore(fill_waiters_.wait(take, WaitMode::Uninterruptible));
}

void BufferCache::end_fill(Buffer& buffer, bool up_to_date) {
  if (up_to_date) buffer.up_to_date_.store_release(true);
  buffer.filling_.store_release(false);
  fill_waiters_.wake_all();
}

Result<> BufferCache::fill(Buffer& buffer) {
  begin_fill(buffer);
  Result<> result;
  if (!buffer.is_up_to_date()) result = device_->read(buffer.block_ * block_size_, buffer.bytes());
  end_fill(buffer, result.ok());
  return result;
}

// --- Read-ahead ---

struct BufferCache::ReadAhead {
  explicit ReadAhead(BufferCache& owner) : cache(owner) {}
  BufferCache& cache;
  BlockRequest request;
  uint32_t count = 0;
  Buffer* buffers[kReadAheadBlocks];  // referenced, and being filled by this request
  BlockSegment segments[kReadAheadBlocks];

  void finish() {
    bool ok = request.status.ok();
    for (uint32_t i = 0; i < count; ++i) {
      cache.end_fill(*buffers[i], ok);
      buffers[i]->unref();
    }
    BufferCache& owner = cache;
    delete this;
    // Under a lock that the cache's destructor passes after it has seen the zero.
    Guard guard(owner.locks_[0]);
    owner.reads_ahead_.fetch_sub_acq_rel(1);
    owner.fill_waiters_.wake_all();
  }
};

void BufferCache::read_ahead(uint64_t first, uint32_t count) {
  while (count > 0 && first < blocks_) {
    uint32_t now = count < kReadAheadBlocks ? count : kReadAheadBlocks;
    if (!submit_read_ahead(first, now)) return;
    first += now;
    count -= now;
  }
}

// One request for the first run of blocks that are not in memory; the ones behind a block that is
// are asked for by the next call. False: out of memory, no more of it.
bool BufferCache::submit_read_ahead(uint64_t first, uint32_t count) {
  auto* read = new (std::nothrow) ReadAhead(*this);
  if (read == nullptr) return false;
  uint64_t start = 0;
  for (uint32_t i = 0; i < count && first + i < blocks_; ++i) {
    Result<Ref<Buffer>> got = get(first + i);
    if (!got.ok()) break;
    Ref<Buffer> buffer = std::move(got).take();
    bool idle = false;
    bool mine = !buffer->is_up_to_date() && buffer->filling_.compare_exchange_acq_rel(idle, true);
    if (mine && buffer->is_up_to_date()) {
      end_fill(*buffer, true);
      mine = false;
    }
    if (!mine) {
      if (read->count != 0) break;
      continue;
    }
    if (read->count == 0) start = first + i;
    VirtAddr data{reinterpret_cast<uint64_t>(buffer->data_)};
    read->segments[read->count] = {arch::physical_address(data), block_size_};
    read->buffers[read->count++] = std::move(buffer).leak();
  }
  if (read->count == 0) {
    delete read;
    return true;
  }
  read->request.operation = BlockOperation::Read;
  read->request.sector = start * (block_size_ >> kSectorShift);
  read->request.segments = {read->segments, read->count};
  read->request.owner = read;
  read->request.done = [](BlockRequest& request) {
    static_cast<ReadAhead*>(request.owner)->finish();
  };
  reads_ahead_.fetch_add_relaxed(1);
  device_->submit(read->request);
  return true;
}

// --- Giving memory back ---

void BufferCache::forget(uint64_t block) {
  size_t bucket = bucket_of(block);
  Buffer* gone = nullptr;
  {
    Guard guard(lock_of(bucket));
    Buffer** link = &buckets_[bucket];
    while (*link != nullptr && (*link)->block_ != block) link = &(*link)->hash_next_;
    if (*link == nullptr) return;
    if (!(*link)->drop_if_last()) return;
    gone = *link;
    *link = gone->hash_next_;
  }
  count_.fetch_sub_relaxed(1);
  delete gone;
}

uint64_t BufferCache::shrink(uint64_t wanted) {
  uint64_t freed = 0;
  // Twice around: the first pass may only find that all were used lately.
  for (size_t i = 0; i < 2 * buckets_.size() && freed < wanted && count() != 0; ++i) {
    size_t bucket = hand_.fetch_add_relaxed(1) & (buckets_.size() - 1);
    freed += shrink_bucket(bucket);
  }
  return freed;
}

uint64_t BufferCache::shrink_bucket(size_t bucket) {
  Buffer* gone = nullptr;
  {
    Guard guard(lock_of(bucket));
    Buffer** link = &buckets_[bucket];
    while (Buffer* buffer = *link) {
      if (buffer->accessed_.load_relaxed()) {
        buffer->accessed_.store_relaxed(false);
      } else if (buffer->drop_if_last()) {
        *link = std::exchange(buffer->hash_next_, gone);
        gone = buffer;
        continue;
      }
      link = &buffer->hash_next_;
    }
  }
  uint64_t count = 0;
  for (; gone != nullptr; ++count) delete std::exchange(gone, gone->hash_next_);
  count_.fetch_sub_relaxed(count);
  return count;
}

}  // namespace kernel::jbd2
