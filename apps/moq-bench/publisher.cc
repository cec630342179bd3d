#include "moq-bench/publisher.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "native/io/event_loop.h"

namespace moq::bench {

namespace {

/// Bulk: when nobody takes anything for so long, a group is taken to be lost, and
/// the next ones go out.
constexpr Duration kBulkPatience = std::chrono::seconds(1);

}  // namespace

Publisher::Publisher(const PublisherContext& context, Origin& origin, std::string path,
                     const Shape& shape)
    : context_(context),
      path_(std::move(path)),
      source_(hash_of(path_)),
      shape_(shape),
      broadcast_(std::make_shared<Broadcast>(context.loop, context.cache)),
      timer_(context.loop, [this] { tick(); }) {
  track_ = *broadcast_->create(kTrack);
  track_->accept({.ordered = shape.bulk_ahead != 0,
                  .max_latency = context.max_latency,
                  .timescale = kTimescale});
  auto publication = origin.publish(Path(path_), broadcast_, Route{});
  if (!publication) throw std::runtime_error(publication.error().message());
  publication_ = *std::move(publication);
  ++context_.tally.broadcasts;
}

Publisher::~Publisher() {
  stop();
  --context_.tally.broadcasts;
}

void Publisher::start(Time at) {
  if (stopped_ || schedule_ || (shape_.fps == 0 && shape_.bulk_ahead == 0)) return;
  start_ = at;
  schedule_.emplace(at, std::max<std::uint64_t>(shape_.fps, 1));
  timer_.arm(at);
}

void Publisher::stop() {
  if (std::exchange(stopped_, true)) return;
  timer_.cancel();
  if (group_ == nullptr) return;
  group_->finish();
  track_->finish(sequence_ + 1);
}

void Publisher::offer(Time now) {
  if (!schedule_ || stopped_ || shape_.bulk_ahead != 0) return;
  const std::uint64_t due = schedule_->due_by(now);
  context_.tally.frames_offered += due - offered_;
  context_.tally.bytes_offered += (due - offered_) * shape_.frame_size;
  offered_ = due;
}

void Publisher::tick() {
  const Time now = context_.loop.now();
  if (shape_.bulk_ahead != 0) {
    // Nobody has taken anything for a while.
    under_way_.clear();
    return fill();
  }
  offer(now);
  while (sent_ < offered_) frame(schedule_->due(sent_));
  timer_.arm(schedule_->due(sent_));
}

void Publisher::taken(std::uint64_t sequence) {
  if (stopped_ || shape_.bulk_ahead == 0) return;
  under_way_.erase(sequence);
  // They come in order, but for what was lost.
  const std::uint64_t lost = sequence > shape_.bulk_ahead ? sequence - shape_.bulk_ahead : 0;
  under_way_.erase(under_way_.begin(), under_way_.lower_bound(lost));
  fill();
}

void Publisher::fill() {
  while (under_way_.size() < shape_.bulk_ahead) {
    ++context_.tally.frames_offered;
    context_.tally.bytes_offered += shape_.frame_size;
    frame(native::monotonic_now());
  }
  timer_.arm(later(context_.loop.now(), kBulkPatience));
}

void Publisher::frame(Time due) {
  if (group_ == nullptr || frame_ == shape_.group_frames) {
    if (group_ != nullptr) ++sequence_;
    frame_ = 0;
    group_ = *track_->create_group(sequence_);
  }
  const auto at = static_cast<std::uint64_t>((due - start_) / std::chrono::microseconds(1));
  const FrameStamp stamp{.source = source_,
                         .group = sequence_,
                         .frame = frame_,
                         .group_frames = shape_.group_frames,
                         .size = shape_.frame_size,
                         .clock = context_.clock,
                         .due = due};
  if (!context_.pattern.append(group_->only(), stamp, at)) {
    throw std::runtime_error("a frame does not fit into its group");
  }
  ++sent_;
  ++context_.tally.frames_sent;
  context_.tally.bytes_sent += shape_.frame_size;
  context_.tally.late.record(native::monotonic_now() - due);
  if (++frame_ != shape_.group_frames) return;
  group_->finish();
  ++context_.tally.groups_sent;
  whole_ = sequence_ + 1;
  if (shape_.bulk_ahead != 0) under_way_.insert(sequence_);
}

}  // namespace moq::bench
