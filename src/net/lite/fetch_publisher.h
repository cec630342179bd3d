#pragma once

#include <memory>
#include <optional>

#include "net/lite/request_stream.h"
#include "net/model/track.h"

namespace moq::lite {

/// Serves one FETCH: the frames of one group on the request's own stream.
class FetchPublisher final : public Task,
                             private transport::RecvHandler,
                             private transport::SendHandler {
 public:
  FetchPublisher(Session& session, transport::Stream stream);
  ~FetchPublisher() override;
  /// `fin`: the peer sends nothing behind it.
  void start(const Bytes& request, bool fin);

 private:
  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  void on_send_finished() override;
  void on_send_stopped(std::uint64_t code) override;

  void serve(std::uint8_t priority, std::shared_ptr<Group> group);
  void reset(std::uint64_t code);
  void retire();

  transport::Stream stream_;
  std::shared_ptr<Track> track_;
  bool counted_ = false;
  bool fin_received_ = false;
  bool retired_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

/// Serves one TRACK: answers with the track's properties.
class TrackPublisher final : public RequestStream {
 public:
  TrackPublisher(Session& session, transport::Stream stream, MessageReader reader);

 private:
  Result<void> begin(ByteSpan message) override;
  void on_fin() override {}
  void on_cancel(std::uint64_t /*code*/) override {}

  std::shared_ptr<Track> track_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

/// Serves one PROBE stream: reports the connection's bitrate and round-trip time
/// when they have changed by a quarter, looking every kInterval; at least every kMaxAge.
class ProbePublisher final : public RequestStream {
 public:
  static constexpr Duration kInterval = std::chrono::milliseconds(100);
  static constexpr Duration kMaxAge = std::chrono::seconds(10);
  /// The cost of reports that the peer leaves unread; no more are sent then.
  static constexpr std::size_t kMaxBacklog = 1024;

  ProbePublisher(Session& session, transport::Stream stream, MessageReader reader);
  ~ProbePublisher() override;

 private:
  [[nodiscard]] bool of_media() const override { return false; }
  Result<void> begin(ByteSpan message) override;
  Result<bool> parse(MessageReader& reader) override;
  void on_fin() override;
  void on_cancel(std::uint64_t code) override;
  void report();

  Timer timer_;
  bool counted_ = false;
  std::optional<Probe> last_;
  Time last_time_{};
};

}  // namespace moq::lite
