#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/lite/remote_broadcast.h"
#include "net/lite/request_stream.h"
#include "net/model/origin.h"

namespace moq::lite {

/// Asks the peer for its announcements below a prefix, and keeps what it
/// announces in our origin.
class AnnounceSubscriber final : public RequestStream {
 public:
  /// `prefix`: on the wire, relative to the session's root.
  AnnounceSubscriber(Session& session, const Path& prefix);
  ~AnnounceSubscriber() override;

  /// The peer is going away: its routes lose to any other.
  void set_draining();
  /// Broadcasts that the peer has announced and not ended.
  [[nodiscard]] std::size_t active() const { return active_.size(); }

 private:
  [[nodiscard]] bool of_media() const override { return false; }
  Result<bool> parse(MessageReader& reader) override;
  void on_fin() override;
  void on_cancel(std::uint64_t code) override;

  Result<void> received(const AnnounceBroadcast& message);
  void activate(const std::string& suffix, const std::vector<std::uint64_t>& hops);
  void withdraw(std::unique_ptr<RemoteBroadcast> broadcast);

  Path prefix_;
  /// ANNOUNCE_OK or ANNOUNCE_INIT, in versions that begin with one, has come.
  bool begun_ = false;
  HopId peer_hop_ = 0;
  bool warned_ = false;  ///< and some announcements are ignored
  bool fin_ = false;     ///< the peer announces nothing more
  /// By suffix. Null: announced, but of no use here (a loop, or over a limit).
  std::map<std::string, std::unique_ptr<RemoteBroadcast>> active_;
  /// Withdrawn, with subscriptions that still run.
  std::vector<std::unique_ptr<RemoteBroadcast>> ending_;
};

}  // namespace moq::lite
