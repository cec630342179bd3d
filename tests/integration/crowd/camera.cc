#include "crowd/camera.h"

#include <utility>

namespace moq::crowd {

namespace {
constexpr HopId kHop = 78;
constexpr std::uint64_t kTimescale = 1'000'000;
}  // namespace

Camera::Camera(native::EventLoop& events, Timeline& timeline, Frames& frames,
               const native::Url& url, const ProtocolVersion* version,
               std::function<void(const std::string&)> fault)
    : events_(events),
      frames_(frames),
      fault_(std::move(fault)),
      cache_(std::make_shared<CacheBudget>()),
      origin_(events.loop(), kHop),
      broadcast_(std::make_shared<Broadcast>(events.loop(), cache_)),
      track_(*broadcast_->create(kTrack)),
      publication_(*origin_.publish(Path(kBroadcast), broadcast_, Route{})),
      started_(events.now()),
      timer_(events.loop(), [this] { tick(); }),
      line_(events, timeline, "publisher", {.url = url, .version = version, .publish = &origin_},
            [this](const Error& error) { fault_("the publisher gave up: " + error.message()); }) {
  track_->accept({.max_latency = std::chrono::seconds(30), .timescale = kTimescale});
  tick();
}

Camera::~Camera() = default;

void Camera::frame() {
  const std::uint64_t sequence = next_ / frames_.per_group();
  const std::uint64_t number = next_ % frames_.per_group();
  if (number == 0) group_ = *track_->create_group(sequence);
  const auto at = std::chrono::duration_cast<std::chrono::microseconds>(frames_.due(next_));
  const auto appended =
      group_->only().append({.id = number, .timestamp = static_cast<std::uint64_t>(at.count())},
                            frames_.at(sequence, number));
  if (!appended) fault_("cannot publish: " + appended.error().message());
  if (++next_ % frames_.per_group() == 0) group_->finish();
}

void Camera::tick() {
  while (later(started_, frames_.due(next_)) <= events_.loop().now()) {
    if (ending_ && next_ % frames_.per_group() == 0) {
      track_->finish(groups());
      return;
    }
    frame();
  }
  timer_.arm(later(started_, frames_.due(next_)));
}

}  // namespace moq::crowd
