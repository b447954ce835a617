// SPDX-License-Identifier: MIT
// See session.h.

#include "fs/9p/session.h"

#include <bit>

#include "mm/frames.h"

namespace kernel::p9 {
namespace {

constexpr StringView kVersion = "9P2000.L";

uint32_t total_size(std::span<const P9Segment> segments) {
  uint32_t total = 0;
  for (const P9Segment& segment : segments) total += segment.size;
  return total;
}

// A flush has a tag of its own, behind those of all requests.
constexpr uint16_t kFlushTags = 0x4000;

void begin_message(MessageWriter& writer, Type type, uint16_t tag) {
  writer.u32(0);  // the size, when it is known
  writer.u8(static_cast<uint8_t>(type));
  writer.u16(tag);
}

}  // namespace

Result<Owned<Request>> Request::create(uint16_t tag) {
  PhysAddr block = TRY(frames::allocate(kBlockOrder));
  auto* made = new (std::nothrow) Request(tag, block);
  if (made == nullptr) {
    frames::free(block);
    return Errno::NoMem;
  }
  return Owned<Request>::adopt(made);
}

Request::~Request() { frames::free(block_); }

uint8_t* Request::data(size_t at) const { return frames::frame_data(block_) + at; }

Result<Ref<Session>> Session::connect(StringView tag, uint32_t message_size) {
  P9Channel* channel = TRY(claim_p9_channel(tag));
  Result<Ref<Session>> session = make_ref<Session>(*channel);
  if (!session.ok()) {
    release_p9_channel(*channel);
    return session;
  }
  TRY((*session)->agree(message_size));
  return session;
}

// What was clunked last may still be on its way.
Session::~Session() {
  auto all_idle = [this] {
    Guard guard(lock_);
    return idle_count_ == std::popcount(tags_);
  };
  ignore(idle_changed_.wait(all_idle, WaitMode::Uninterruptible));
  {
    Guard guard(lock_);  // and then nobody is inside give_back() any more
    while (Request* request = idle_.pop_front()) Owned<Request>::adopt(request);
    while (FidNumber* number = free_fids_.pop_front()) Owned<FidNumber>::adopt(number);
  }
  release_p9_channel(channel_);
}

Result<> Session::agree(uint32_t wanted) {
  TRY(add_request());
  if (wanted < kMinMessageSize) return Errno::Inval;
  // A page of data may begin in the middle of one, and header and answer need a segment each.
  auto limit = static_cast<uint32_t>((channel_.max_segments() - 3) * kPageSize);
  if (limit > kMaxMessageSize) limit = kMaxMessageSize;
  if (wanted > limit) wanted = limit;
  Call call(*this, Type::Version);
  call.arguments().u32(wanted);
  call.arguments().string(kVersion);
  MessageReader answer = TRY(call.run());
  uint32_t agreed = TRY(answer.u32());
  if (TRY(answer.string()) != kVersion) return Errno::ProtoNoSupport;
  if (agreed < kMinMessageSize) return Errno::Io;
  message_size_ = agreed < wanted ? agreed : wanted;
  return {};
}

size_t Session::max_data_segments() const {
  size_t limit = channel_.max_segments() < Request::kMaxSegments ? channel_.max_segments()
                                                                 : Request::kMaxSegments;
  return limit - 2;
}

// --- Requests ----------------------------------------------------------------------------

Request* Session::try_take_request() {
  Guard guard(lock_);
  if (idle_.empty()) return nullptr;
  --idle_count_;
  return idle_.pop_front();
}

// Errors: NoMem; Again: there are as many as may be.
Result<> Session::add_request() {
  uint16_t tag;
  {
    Guard guard(lock_);
    tag = static_cast<uint16_t>(std::countr_one(tags_));
    if (tag >= kMaxRequests) return Errno::Again;
    tags_ |= uint64_t{1} << tag;
  }
  Result<Owned<Request>> made = Request::create(tag);
  Guard guard(lock_);
  if (!made.ok()) {
    tags_ &= ~(uint64_t{1} << tag);
    return made.error();
  }
  idle_.push_front(*std::move(made).take().leak());
  ++idle_count_;
  return {};
}

// There is one at least, so that this ends when memory is short, too.
Request& Session::take_request() {
  Request* request = try_take_request();
  if (request == nullptr && add_request().ok()) request = try_take_request();
  if (request == nullptr) {
    auto ready = [&] { return (request = try_take_request()) != nullptr; };
    ignore(idle_changed_.wait(ready, WaitMode::Uninterruptible, {}, /*exclusive=*/true));
  }
  return *request;
}

void Session::give_back(Request& request) {
  Optional<Owned<Request>> superfluous;
  Guard guard(lock_);
  if (idle_count_ < kKeptRequests) {
    idle_.push_front(request);
    ++idle_count_;
  } else {
    superfluous = Owned<Request>::adopt(&request);
    tags_ &= ~(uint64_t{1} << request.tag_);
  }
  idle_changed_.wake();
}

// --- Fids --------------------------------------------------------------------------------

Result<FidNumber*> Session::take_fid() {
  uint32_t fresh;
  {
    Guard guard(lock_);
    if (FidNumber* number = free_fids_.pop_front()) return number;
    fresh = fid_count_;
    if (fresh == kNoFid) return Errno::NFile;
    ++fid_count_;
  }
  // A number whose memory cannot be had is lost: there are enough of them.
  Owned<FidNumber> made = TRY(make_owned<FidNumber>(fresh));
  return std::move(made).leak();
}

void Session::give_back_fid(FidNumber& number) {
  Guard guard(lock_);
  free_fids_.push_front(number);
}

void Session::clunk(FidNumber& number) {
  Request& request = take_request();
  MessageWriter writer(std::span(request.data(0), Request::kFlushAt));
  begin_message(writer, Type::Clunk, request.tag_);
  writer.u32(number.value);
  writer.u32_at(0, static_cast<uint32_t>(writer.size()));
  P9Segment* segments = request.segments();
  segments[0] = request.part(0, writer.size());
  segments[1] = request.part(Request::kAnswerAt, kAnswerPrefix);
  request.message = {segments, 1};
  request.answer = {segments + 1, 1};
  request.session_ = this;
  request.clunked_ = &number;
  request.completed = clunked;
  channel_.submit(request);
}

// Whatever the answer is, the fid is gone (clunk(5)).
void Session::clunked(P9Exchange& exchange) {
  auto& request = static_cast<Request&>(exchange);
  Session& session = *request.session_;
  session.give_back_fid(*request.clunked_);
  session.give_back(request);
}

// --- Calls -------------------------------------------------------------------------------

Call::Call(Session& session, Type type)
    : session_(session),
      request_(session.take_request()),
      type_(type),
      arguments_(std::span(request_.data(0), Request::kFlushAt)) {
  begin_message(arguments_, type, type == Type::Version ? kNoTag : request_.tag_);
}

void Call::prepare() {
  arguments_.u32_at(0, static_cast<uint32_t>(arguments_.size()) + total_size(sent_));
  P9Segment* segments = request_.segments();
  size_t count = 0;
  segments[count++] = request_.part(0, arguments_.size());
  for (const P9Segment& segment : sent_) segments[count++] = segment;
  size_t message_count = count;
  size_t room = received_.empty() ? Request::kSegmentsAt - Request::kAnswerAt : kAnswerPrefix;
  segments[count++] = request_.part(Request::kAnswerAt, room);
  for (const P9Segment& segment : received_) segments[count++] = segment;
  request_.message = {segments, message_count};
  request_.answer = {segments + message_count, count - message_count};
  request_.is_answered_.store_relaxed(false);
  request_.completed = [](P9Exchange& exchange) {
    auto& request = static_cast<Request&>(exchange);
    request.done_.set_and_wake_all(request.is_answered_);
  };
}

Result<MessageReader> Call::run(WaitMode mode) {
  if (arguments_.overflowed()) return Errno::NameTooLong;
  if (sent_.size() + received_.size() > session_.max_data_segments()) return Errno::Inval;
  prepare();
  session_.channel_.submit(request_);
  Result<> waited =
      request_.done_.wait([this] { return request_.is_answered_.load_acquire(); }, mode);
  if (!waited.ok()) flush();
  request_.done_.settle();
  // A request that was cancelled comes back without an answer; one that was not, has happened.
  if (!waited.ok() && request_.answer_size == 0) return waited.error();
  uint32_t linear = request_.answer[0].size;
  if (request_.answer_size < linear) linear = request_.answer_size;
  uint16_t tag = type_ == Type::Version ? kNoTag : request_.tag_;
  return open_answer(std::span(request_.data(Request::kAnswerAt), linear), request_.answer_size,
                     type_, tag);
}

// Until the server has answered both, it may still write to our memory.
void Call::flush() {
  Request::Flush& flush = request_.flush_;
  MessageWriter writer(std::span(request_.data(Request::kFlushAt), Request::kFlushSize));
  begin_message(writer, Type::Flush, static_cast<uint16_t>(kFlushTags + request_.tag_));
  writer.u16(request_.tag_);
  writer.u32_at(0, static_cast<uint32_t>(writer.size()));
  P9Segment segments[] = {request_.part(Request::kFlushAt, writer.size()),
                          request_.part(Request::kFlushAnswerAt, Request::kFlushSize)};
  flush.message = {segments, 1};
  flush.answer = {segments + 1, 1};
  flush.is_answered.store_relaxed(false);
  flush.completed = [](P9Exchange& exchange) {
    auto& done = static_cast<Request::Flush&>(exchange);
    done.done.set_and_wake_all(done.is_answered);
  };
  session_.channel_.submit(flush);
  ignore(flush.done.wait([&flush] { return flush.is_answered.load_acquire(); },
                         WaitMode::Uninterruptible));
  flush.done.settle();
  ignore(request_.done_.wait([this] { return request_.is_answered_.load_acquire(); },
                             WaitMode::Uninterruptible));
}

}  // namespace kernel::p9
