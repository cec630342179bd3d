#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "net/lite/request_stream.h"
#include "net/model/track.h"

namespace moq::lite {

class FetchRequest;
class SubscribeRequest;
class TrackInfoRequest;

/// The source of a track that the peer serves: turns demand into TRACK,
/// SUBSCRIBE and FETCH on the session. One upstream subscription, however many
/// readers.
class RemoteTrack final : public TrackSource {
 public:
  /// `broadcast`: the path on the wire. `on_idle`: called when a running request
  /// has ended.
  RemoteTrack(Session& session, std::string broadcast, std::shared_ptr<Track> track,
              std::function<void()> on_idle);
  ~RemoteTrack() override;

  /// Finds out the properties, and with them whether the track exists.
  void start();

  [[nodiscard]] Track& track() const { return *track_; }
  [[nodiscard]] Session& session() const { return session_; }
  [[nodiscard]] const std::string& broadcast() const { return broadcast_; }

  /// A group has begun to arrive on a stream of this track's subscription.
  Result<std::shared_ptr<Group>> begin_group(std::uint64_t sequence);
  void received_datagram(const Datagram& datagram);

  /// Whether any request runs.
  [[nodiscard]] bool busy() const {
    return info_request_ != nullptr || subscribe_request_ != nullptr || !fetch_requests_.empty();
  }

  // --- From the requests.
  void received_info(const TrackInfo& info);
  void failed(const Error& error);
  void forget(SubscribeRequest* request);
  void forget(TrackInfoRequest* request);
  void forget(FetchRequest* request);

 private:
  void on_demand(Track& track, const std::optional<SubscribeOptions>& combined) override;
  void on_fetch(Track& track, std::uint64_t sequence) override;
  /// Whether new requests may be made.
  [[nodiscard]] bool may_request() const;
  /// The track is of no use any more: it ends once no fetch runs.
  void refuse();

  Session& session_;
  std::string broadcast_;
  std::shared_ptr<Track> track_;
  TrackInfoRequest* info_request_ = nullptr;
  SubscribeRequest* subscribe_request_ = nullptr;
  std::map<std::uint64_t, FetchRequest*> fetch_requests_;
  std::optional<SubscribeOptions> wanted_;
  bool refused_ = false;
  std::function<void()> on_idle_;
};

}  // namespace moq::lite
