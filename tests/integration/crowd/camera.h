#pragma once

#include <cstdint>
#include <memory>

#include "crowd/frames.h"
#include "crowd/line.h"
#include "net/base/loop.h"
#include "net/model/cache.h"
#include "net/model/origin.h"

namespace moq::crowd {

/// A publisher on a client that stays connected: one frame after the other, at times
/// that nothing moves.
class Camera final {
 public:
  Camera(native::EventLoop& events, Timeline& timeline, Frames& frames, const native::Url& url,
         const ProtocolVersion* version, std::function<void(const std::string&)> fault);
  ~Camera();
  Camera(const Camera&) = delete;
  Camera& operator=(const Camera&) = delete;

  [[nodiscard]] Line& line() { return line_; }
  /// Finishes the group in flight at its pace, and ends the track.
  void end() { ending_ = true; }
  /// Behind the last group, once the track has ended.
  [[nodiscard]] std::optional<std::uint64_t> track_end() const { return track_->end(); }
  /// Groups that have begun.
  [[nodiscard]] std::uint64_t groups() const {
    return (next_ + frames_.per_group() - 1) / frames_.per_group();
  }

 private:
  void frame();
  void tick();

  native::EventLoop& events_;
  Frames& frames_;
  std::function<void(const std::string&)> fault_;
  Cache cache_;
  Origin origin_;
  std::shared_ptr<Broadcast> broadcast_;
  std::shared_ptr<Track> track_;
  std::unique_ptr<Origin::Publication> publication_;
  std::shared_ptr<Group> group_;
  Time started_;
  /// Number of the next frame, in the whole track.
  std::uint64_t next_ = 0;
  bool ending_ = false;
  Timer timer_;
  Line line_;
};

}  // namespace moq::crowd
