#pragma once

#include <memory>
#include <optional>

#include "net/lite/frame.h"
#include "net/lite/remote_track.h"
#include "net/lite/request_stream.h"

namespace moq::lite {

/// TRACK: asks for a track's properties.
class TrackInfoRequest final : public RequestStream {
 public:
  explicit TrackInfoRequest(RemoteTrack& track);
  ~TrackInfoRequest() override;
  /// The track does not care any more.
  void abandon();

 private:
  Result<bool> parse(MessageReader& reader) override;
  void on_fin() override;
  void on_cancel(std::uint64_t code) override;

  RemoteTrack* track_;
};

/// SUBSCRIBE: keeps one subscription at the peer.
class SubscribeRequest final : public RequestStream {
 public:
  /// The cost of SUBSCRIBE_UPDATEs that a publisher leaves unread; more of them
  /// give the subscription up.
  static constexpr std::size_t kMaxUpdateBacklog = 64 << 10;

  SubscribeRequest(RemoteTrack& track, const SubscribeOptions& options);
  ~SubscribeRequest() override;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  /// Sends SUBSCRIBE_UPDATE if that changes anything.
  void update(const SubscribeOptions& options);
  /// Nobody wants it any more.
  void abandon();
  void saw_group(std::uint64_t sequence);

 private:
  Result<bool> parse(MessageReader& reader) override;
  Result<void> received_ok(ByteSpan body);
  Result<void> received_drop(ByteSpan body);
  void on_fin() override;
  void on_cancel(std::uint64_t code) override;
  /// The track is gone with the subscription.
  void give_up(const Error& error);
  void detach();

  RemoteTrack* track_;
  std::uint64_t id_;
  SubscribeOptions options_;
  std::optional<std::uint64_t> response_type_;
  std::optional<std::uint64_t> end_;
  std::uint64_t next_sequence_ = 0;
};

/// FETCH: receives one group on the request's own stream.
class FetchRequest final : public Task,
                           private transport::RecvHandler,
                           private transport::SendHandler,
                           private FrameSink {
 public:
  FetchRequest(RemoteTrack& track, std::uint64_t sequence, std::uint8_t priority);
  ~FetchRequest() override;
  void abandon();

 private:
  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  void on_send_stopped(std::uint64_t code) override;
  Result<void> on_frame(const FrameHeader& header) override;
  Result<void> on_payload(Bytes chunk) override;
  void end(const Error& error);
  void done();

  RemoteTrack* track_;
  std::uint64_t sequence_;
  transport::Stream stream_;
  FrameReader frames_;
  std::shared_ptr<transport::SendQueue> queue_;  ///< null once nothing more can be sent
  std::shared_ptr<Group> group_;
  bool done_ = false;
};

}  // namespace moq::lite
