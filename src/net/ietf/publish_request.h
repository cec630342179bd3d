#pragma once

#include <memory>

#include "net/ietf/track_publisher.h"

namespace moq::ietf {

/// PUBLISH, from our side: a track that the peer has asked for with others, by
/// SUBSCRIBE_TRACKS (or SUBSCRIBE_NAMESPACE, where that asks for tracks, too).
class PublishRequest final : public TrackPublisher {
 public:
  /// `track`: its properties are known.
  PublishRequest(Session& session, FullTrackName name, const std::shared_ptr<Track>& track,
                 bool forward);

  /// Another publisher has taken its place.
  void replace() { done(PublishDoneCode::subscription_ended, "another publisher has it"); }

 private:
  Result<void> received(MessageKind kind, ByteSpan body) override;
  Result<void> received_ok(ByteSpan body);
  void tell_alias() override;

  bool forward_;
  bool accepted_ = false;
};

}  // namespace moq::ietf
