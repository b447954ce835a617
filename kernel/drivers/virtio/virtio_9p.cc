// SPDX-License-Identifier: MIT
// virtio 9P transport (Virtual I/O Device 1.2 names it, id 9; what there is to know is Linux's
// include/uapi/linux/virtio_9p.h): one queue, a chain per exchange, and a name in the configuration
// space by which a mount finds it.

#include "dev/p9_channel.h"
#include "drivers/virtio/transport.h"
#include "lib/log.h"
#include "lib/string.h"
#include "sched/wait_queue.h"

namespace kernel {
namespace {

using virtio::Buffer;
using virtio::Queue;

constexpr uint64_t kFeatureMountTag = 1;
constexpr uint16_t kQueueSize = 128;
constexpr size_t kMaxTag = 255;

class Virtio9p final : public Device, public InterruptHandler, public P9Channel {
 public:
  explicit Virtio9p(Owned<virtio::Transport> transport) : transport_(std::move(transport)) {}
  static Result<Owned<Device>> probe(Owned<virtio::Transport> transport);

  StringView tag() const override { return tag_; }
  size_t max_segments() const override { return queue_size_; }
  void submit(P9Exchange& exchange) override;
  void run() override;

 private:
  Result<> start();
  Result<> read_tag();
  bool try_submit(P9Exchange& exchange);
  P9Exchange* take_completed();

  Owned<virtio::Transport> transport_;
  String tag_;
  size_t queue_size_ = 0;
  WaitQueue room_;
  SpinLock<LockRank::Device> lock_;
  Optional<Owned<Queue>> queue_ GUARDED_BY(lock_);
  // What the device has; a chain's token is its place here.
  P9Exchange* exchanges_[kQueueSize] GUARDED_BY(lock_) = {};
  Buffer chain_[kQueueSize] GUARDED_BY(lock_);
};

Result<Owned<Device>> Virtio9p::probe(Owned<virtio::Transport> transport) {
  Owned<Virtio9p> device = TRY(make_owned<Virtio9p>(std::move(transport)));
  TRY(device->start());
  register_p9_channel(*device);
  return Owned<Device>(std::move(device));
}

Result<> Virtio9p::start() {
  // Pages of files go to the device as they are.
  if (!transport_->dma_coherent()) return Errno::NoDev;
  uint64_t features = TRY(transport_->negotiate(kFeatureMountTag));
  if ((features & kFeatureMountTag) == 0) return Errno::NoDev;
  TRY(read_tag());
  {
    Owned<Queue> queue = TRY(transport_->make_queue(0, kQueueSize));
    queue_size_ = queue->size();
    Guard guard(lock_);
    queue_ = std::move(queue);
  }
  TRY(transport_->connect("virtio-9p", *this));
  transport_->start();
  return {};
}

Result<> Virtio9p::read_tag() {
  size_t size = transport_->config_u16(0);
  if (size == 0 || size > kMaxTag) return Errno::Inval;
  for (size_t i = 0; i < size; ++i)
    TRY(tag_.append(static_cast<char>(transport_->config_u8(2 + i))));
  return {};
}

void Virtio9p::submit(P9Exchange& exchange) {
  CHECK(exchange.message.size() + exchange.answer.size() <= queue_size_);
  ignore(room_.wait([&] { return try_submit(exchange); }, WaitMode::Uninterruptible));
}

bool Virtio9p::try_submit(P9Exchange& exchange) {
  bool notify;
  {
    Guard guard(lock_);
    size_t slot = 0;
    while (slot < kQueueSize && exchanges_[slot] != nullptr) ++slot;
    if (slot == kQueueSize) return false;
    size_t count = 0;
    for (const P9Segment& segment : exchange.message)
      chain_[count++] = {segment.address, segment.size, false};
    for (const P9Segment& segment : exchange.answer)
      chain_[count++] = {segment.address, segment.size, true};
    if (!queue_->add(std::span(chain_, count), slot).ok()) return false;
    exchanges_[slot] = &exchange;
    notify = queue_->publish();
  }
  if (notify) transport_->notify(0);
  return true;
}

P9Exchange* Virtio9p::take_completed() {
  Guard guard(lock_);
  while (std::optional<Queue::Finished> finished = queue_->take_finished()) {
    P9Exchange* exchange = nullptr;
    if (finished->token < kQueueSize) std::swap(exchange, exchanges_[finished->token]);
    if (exchange == nullptr) {
      log_error("virtio-9p: the device returned what it did not have");
      continue;
    }
    uint32_t room = 0;
    for (const P9Segment& segment : exchange->answer) room += segment.size;
    exchange->answer_size = finished->written < room ? finished->written : room;
    return exchange;
  }
  return nullptr;
}

void Virtio9p::run() {
  bool any = false;
  while (P9Exchange* exchange = take_completed()) {
    exchange->completed(*exchange);
    any = true;
  }
  if (any) room_.wake_all();
}

VIRTIO_DRIVER(virtio_9p, virtio::DeviceId::P9, Virtio9p::probe);

}  // namespace
}  // namespace kernel
