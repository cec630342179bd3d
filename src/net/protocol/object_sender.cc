#include "net/protocol/object_sender.h"

#include <algorithm>
#include <utility>

namespace moq {

namespace {
/// DELIVERY_TIMEOUT of moq-lite and of every draft of moq-transport.
constexpr std::uint64_t kDeliveryTimeout = 0x2;
}  // namespace

ObjectSender::ObjectSender(std::shared_ptr<Group> group, Subgroup& objects,
                           std::shared_ptr<const Delivery> delivery, ByteSpan prefix)
    : group_(std::move(group)),
      objects_(objects),
      delivery_(std::move(delivery)),
      prefix_size_(std::min(prefix.size(), kMaxPrefix)) {
  std::copy_n(prefix.begin(), prefix_size_, prefix_.begin());
  objects_.attach(*this);
}

void ObjectSender::on_progress() {
  if (stream_ != nullptr) stream_->ready();
}

bool ObjectSender::late() const {
  if (!delivery_->object_timeout) return false;
  Cursor at = cursor_;
  if (slice_at(at).empty()) return false;
  const Time arrival = objects_.objects()[at.object].arrival;
  return later(arrival, *delivery_->object_timeout) < delivery_->track->loop().now();
}

std::optional<std::uint64_t> ObjectSender::expired() {
  if (objects_.state() == Subgroup::State::aborted) return objects_.abort_code();
  if (late()) return kDeliveryTimeout;
  if (delivery_->max_latency && delivery_->track->expired(*group_, *delivery_->max_latency)) {
    return kDeliveryTimeout;
  }
  return std::nullopt;
}

ByteSpan ObjectSender::slice_at(Cursor& at) const {
  while (at.object < objects_.objects().size()) {
    const Object& object = objects_.objects()[at.object];
    if (object.id < skip_below_) {
      ++at.object;
      continue;
    }
    if (!at.in_payload) {
      const ByteSpan rest = header_at(at.object, at.offset);
      if (!rest.empty()) return rest;
      at = {.object = at.object, .in_payload = true};
    }
    if (at.chunk < object.payload.size()) {
      const ByteSpan rest = object.payload[at.chunk].span().subspan(at.offset);
      if (!rest.empty()) return rest;
      const bool last = at.chunk + 1 == object.payload.size();
      if (last && !object.complete()) return {};  // the chunk may still grow
      ++at.chunk;
      at.offset = 0;
      continue;
    }
    if (!object.complete()) return {};
    at = {.object = at.object + 1};
  }
  return {};
}

transport::Pull ObjectSender::pull(std::span<ByteSpan> slices) {
  std::size_t count = 0;
  if (prefix_sent_ < prefix_size_ && !slices.empty()) {
    slices[count++] = ByteSpan(prefix_).subspan(prefix_sent_, prefix_size_ - prefix_sent_);
  }
  Cursor at = cursor_;
  while (count < slices.size()) {
    const ByteSpan slice = slice_at(at);
    if (slice.empty()) {
      const bool fin =
          objects_.state() == Subgroup::State::finished && at.object == objects_.objects().size();
      return {.count = count, .fin = fin};
    }
    slices[count++] = slice;
    at.offset += slice.size();
  }
  return {.count = count};
}

void ObjectSender::sent(std::size_t size, bool /*fin*/) {
  if (!begun_ && size > 0) {
    begun_ = true;
    // Of several streams of a group, one counts it.
    if (group_->subgroups().front().get() == &objects_) ++delivery_->traffic->sent.groups;
  }
  const std::size_t prefix = std::min(size, prefix_size_ - prefix_sent_);
  prefix_sent_ += prefix;
  size -= prefix;
  while (size > 0) {
    const std::size_t step = std::min(size, slice_at(cursor_).size());
    if (step == 0) return;  // more than was pulled: the caller's mistake, not ours to spread
    count(step);
    cursor_.offset += step;
    size -= step;
  }
}

void ObjectSender::count(std::size_t size) {
  Traffic& sent = delivery_->traffic->sent;
  if (cursor_.in_payload) {
    sent.bytes += size;
  } else if (cursor_.offset == 0) {
    ++sent.frames;
  }
}

}  // namespace moq
