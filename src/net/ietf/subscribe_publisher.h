#pragma once

#include <memory>
#include <optional>

#include "net/ietf/track_publisher.h"

namespace moq::ietf {

/// Serves one SUBSCRIBE of the peer's.
class SubscribePublisher final : public TrackPublisher {
 public:
  using First = Subscribe;

  SubscribePublisher(Session& session, Arrival arrival, Subscribe message);
  ~SubscribePublisher() override;

  void begin();

 private:
  /// Waits for a publisher.
  class Rendezvous;

  Result<void> received(MessageKind kind, ByteSpan body) override;
  void tell_alias() override;
  bool waits_after(const Error& error) override;

  Subscribe message_;
  std::optional<Time> deadline_;  ///< of a rendezvous, while there may be one
  std::unique_ptr<Rendezvous> rendezvous_;
};

}  // namespace moq::ietf
