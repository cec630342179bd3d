#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "net/ietf/fetch_object.h"
#include "net/ietf/request.h"
#include "net/model/group.h"

namespace moq::ietf {

class RemoteTrack;

/// FETCH of objects of one group, from our side, and the stream that brings them.
class FetchRequest final : public Request, private transport::RecvHandler, private FetchSink {
 public:
  /// A whole group, that somebody here asks for.
  FetchRequest(RemoteTrack& track, std::uint64_t sequence);
  /// What a subscription that goes on behind `largest` leaves out of its group, which is
  /// `group`.
  FetchRequest(RemoteTrack& track, Location largest, std::shared_ptr<Group> group);
  ~FetchRequest() override;

  /// Its stream, from behind the header on. A second one is stopped.
  void receive(std::shared_ptr<transport::RecvStream> stream, Bytes rest, bool fin);
  /// Nobody wants it any more.
  void abandon();
  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }

 private:
  FetchRequest(RemoteTrack& track, std::uint64_t sequence, Location end, bool joins);

  Result<void> received(MessageKind kind, ByteSpan body) override;
  void on_fin() override {}
  void gone(StreamError code) override;

  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;

  Result<void> on_object(const FetchObject& object) override;
  Result<void> on_payload(Bytes chunk) override;
  /// Of one group there is nothing to be done about it.
  Result<void> on_end_of_range(const EndOfRange& /*range*/) override { return {}; }

  /// Aborts the group if it lacks something of what was fetched.
  std::shared_ptr<Group> give_up_group();
  /// It came to nothing: `error` is why.
  void fail_with(const Error& error);
  void done();
  RemoteTrack* detach();

  RemoteTrack* track_;  ///< null once it is over
  std::uint64_t sequence_;
  bool joins_;  ///< a subscription goes on with the group
  std::shared_ptr<transport::RecvStream> stream_;
  FetchReader reader_;
  std::shared_ptr<Group> group_;
  Subgroup* subgroup_ = nullptr;  ///< of the object at hand; none: it is left out
};

}  // namespace moq::ietf
