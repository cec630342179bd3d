#pragma once

#include <memory>

#include "net/ietf/request.h"
#include "net/model/track.h"

namespace moq::ietf {

/// Serves one TRACK_STATUS: answers as if the track were subscribed to.
class TrackStatusPublisher final : public Request {
 public:
  using First = TrackStatus;

  TrackStatusPublisher(Session& session, Arrival arrival, TrackStatus message);

  void begin();

 private:
  Result<void> received(MessageKind kind, ByteSpan body) override;
  void on_fin() override {}
  void gone(StreamError /*code*/) override {}
  void answer(const TrackInfo& info);

  TrackStatus message_;
  std::shared_ptr<Track> track_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::ietf
