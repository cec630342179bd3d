#pragma once

#include <functional>
#include <memory>

#include "crowd/stage.h"
#include "net/model/cache.h"
#include "net/model/origin.h"
#include "net/session/session.h"

namespace moq::crowd {

/// Publishes groups of known frames, one frame each kFrameInterval, from half a
/// group on: until `play`, it stands still in the middle of group kPrelude.
class Publisher {
 public:
  /// The group that is half there when the publisher stands still.
  static constexpr std::uint64_t kPrelude = 3;

  Publisher(Stage& stage, native::Dialer& client);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  void play();
  /// Finishes the group in flight at its usual pace and ends the track; calls
  /// `done` when all of it has been taken.
  void end(std::function<void()> done);
  /// Calls `told` when the relay says GOAWAY.
  void on_goaway(std::function<void()> told) { goaway_ = std::move(told); }

  /// The newest group that has begun.
  [[nodiscard]] std::uint64_t newest() const { return sequence_; }
  /// Closes the session.
  void leave() { session_.reset(); }

 private:
  void begin(std::shared_ptr<transport::Session> connection);
  void frame();
  void tick();

  Stage& stage_;
  Cache cache_;
  Origin origin_;
  std::shared_ptr<Broadcast> broadcast_;
  std::shared_ptr<Track> track_;
  std::unique_ptr<Origin::Publication> publication_;
  std::shared_ptr<Group> group_;
  std::uint64_t sequence_ = 0;
  std::uint64_t frame_ = 0;
  bool ending_ = false;
  std::function<void()> done_;
  std::function<void()> goaway_;
  Timer timer_;
  std::unique_ptr<Session> session_;
  native::Dialer::Dial dial_;
};

}  // namespace moq::crowd
