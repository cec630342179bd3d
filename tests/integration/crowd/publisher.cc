#include "crowd/publisher.h"

#include <utility>

namespace moq::crowd {

namespace {
constexpr HopId kHop = 77;
constexpr Duration kTakenInterval = std::chrono::milliseconds(10);
}  // namespace

Publisher::Publisher(Stage& stage, native::Dialer& client)
    : stage_(stage),
      cache_(std::make_shared<CacheBudget>()),
      origin_(stage.events.loop(), kHop),
      broadcast_(std::make_shared<Broadcast>(stage.events.loop(), cache_)),
      track_(*broadcast_->create(kTrack)),
      timer_(stage.events.loop(), [this] { tick(); }) {
  track_->accept({.max_latency = kPatience, .timescale = 1000});
  while (sequence_ < kPrelude || frame_ < kFramesPerGroup / 2) frame();
  publication_ = *origin_.publish(Path(kBroadcast), broadcast_, Route{});
  dial_ = client.connect(stage.url, [this](auto connection) {
    if (!connection) return stage_.fault("the publisher: " + connection.error().message());
    begin(*std::move(connection));
  });
}

Publisher::~Publisher() = default;

void Publisher::begin(std::shared_ptr<transport::Session> connection) {
  session_ = *Session::create(stage_.events.loop(), std::move(connection),
                              {.side = Side::client,
                               .publish = &origin_,
                               .path = stage_.url.target(),
                               .versions = {stage_.publisher_version},
                               .on_goaway = OnGoaway::stay});
  session_->draining([this](const std::string&) {
    if (goaway_) goaway_();
  });
  session_->closed([this](const Error& error, bool) {
    stage_.fault("the publisher's session has ended: " + error.message());
  });
}

void Publisher::play() { timer_.arm(stage_.events.loop().now()); }

void Publisher::end(std::function<void()> done) {
  done_ = std::move(done);
  ending_ = true;
}

void Publisher::frame() {
  if (frame_ == kFramesPerGroup) {
    ++sequence_;
    frame_ = 0;
  }
  if (frame_ == 0) group_ = *track_->create_group(sequence_);
  const std::uint64_t at =
      (sequence_ * kFramesPerGroup + frame_) *
      static_cast<std::uint64_t>(kFrameInterval / std::chrono::milliseconds(1));
  const auto appended =
      group_->only().append({.id = frame_, .timestamp = at}, payload(sequence_, frame_));
  if (!appended) stage_.fault("cannot publish: " + appended.error().message());
  if (++frame_ == kFramesPerGroup) group_->finish();
}

void Publisher::tick() {
  Loop& loop = stage_.events.loop();
  if (!ending_ || frame_ < kFramesPerGroup) {
    frame();
    return timer_.arm(later(loop.now(), kFrameInterval));
  }
  if (!track_->end()) track_->finish(sequence_ + 1);
  if (session_->serving() != 0) return timer_.arm(later(loop.now(), kTakenInterval));
  publication_.reset();
  done_();
}

}  // namespace moq::crowd
