#pragma once

#include "net/ietf/track_request.h"
#include "net/model/track_info.h"

namespace moq::ietf {

/// SUBSCRIBE, from our side.
class SubscribeRequest final : public TrackRequest {
 public:
  SubscribeRequest(RemoteTrack& track, const SubscribeOptions& options);

  [[nodiscard]] bool lasting() const override { return false; }

 private:
  Result<void> received(MessageKind kind, ByteSpan body) override;
  Result<void> received_ok(ByteSpan body);
  Result<void> received_error(ByteSpan body);

  bool answered_ = false;
  bool joins_;  ///< begins behind the largest object
};

}  // namespace moq::ietf
