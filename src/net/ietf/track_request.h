#pragma once

#include <cstdint>
#include <optional>

#include "net/base/loop.h"
#include "net/ietf/request.h"

namespace moq::ietf {

class RemoteTrack;

/// A request that brings a track of the peer's: a SUBSCRIBE of ours, or a PUBLISH of the
/// peer's. Both give it an alias, and end by PUBLISH_DONE.
class TrackRequest : public Request {
 public:
  /// How long streams may take that PUBLISH_DONE has overtaken, at least, and at most where
  /// the track has delivery timeouts.
  static constexpr Duration kAfterDone = std::chrono::seconds(1);
  static constexpr Duration kLongAfterDone = std::chrono::seconds(10);

  ~TrackRequest() override;

  /// A group of it has begun to arrive.
  void saw_group(std::uint64_t sequence);
  /// A stream of it has ended.
  void stream_ended();
  /// Whether the peer has given it an alias.
  [[nodiscard]] bool accepted() const { return alias_.has_value(); }
  /// The track is given up here.
  void abandon();
  /// Whether it goes on while nobody wants the track.
  [[nodiscard]] virtual bool lasting() const = 0;

 protected:
  TrackRequest(RemoteTrack& track, MessageKind kind);
  TrackRequest(Session& session, MessageKind kind, Arrival arrival);

  [[nodiscard]] RemoteTrack* track() const { return track_; }
  void set_track(RemoteTrack& track) { track_ = &track; }
  /// What the message with the track's alias says: SUBSCRIBE_OK or PUBLISH. Fails with
  /// a RequestErrorCode for the track alone, otherwise for the session.
  template <typename M>
  Result<void> accept(const M& message);
  Result<void> received_done(ByteSpan body);
  /// The track is let go of, and its alias.
  RemoteTrack* detach();

 private:
  void on_fin() override;
  void gone(StreamError code) override;
  /// How long it waits for streams, once PUBLISH_DONE has come.
  [[nodiscard]] Duration after_done() const;
  void end();

  RemoteTrack* track_ = nullptr;  ///< null once it is over
  std::optional<std::uint64_t> alias_;
  std::uint64_t next_sequence_ = 0;
  std::uint64_t streams_ended_ = 0;
  std::uint64_t streams_ = 0;  ///< that PUBLISH_DONE told of
  bool done_ = false;          ///< PUBLISH_DONE has come...
  bool track_ended_ = false;   ///< which said that the track is over, not this subscription only
  Timer end_timer_;
};

}  // namespace moq::ietf
