#pragma once

#include <memory>

#include "net/ietf/remote_broadcast.h"
#include "net/ietf/track_request.h"
#include "net/model/subscription.h"

namespace moq::ietf {

/// PUBLISH of the peer's: a track of its that comes without being asked for. It is in the
/// broadcast that its namespace is, whether that was announced or not.
class PublishReceiver final : public TrackRequest, private TrackReader {
 public:
  using First = Publish;

  PublishReceiver(Session& session, Arrival arrival, Publish message);
  ~PublishReceiver() override;

  void begin();
  [[nodiscard]] bool lasting() const override { return true; }

 private:
  Result<void> received(MessageKind kind, ByteSpan body) override;

  // Nobody reads it here: it only keeps the track.
  void on_info(const TrackInfo& /*info*/) override {}
  void on_group(std::shared_ptr<Group> /*group*/) override {}
  void on_datagram(const Datagram& /*datagram*/) override {}
  void on_drop(std::uint64_t, std::uint64_t, std::uint64_t) override {}
  void on_end(std::uint64_t /*end*/) override {}
  void on_abort(const Error& /*error*/) override {}

  Publish message_;
  std::shared_ptr<RemoteBroadcast> broadcast_;
  std::unique_ptr<Subscription> kept_;
  bool published_ = false;
};

}  // namespace moq::ietf
