#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "net/base/loop.h"
#include "net/lite/request_stream.h"

namespace moq::lite {

/// GOAWAY, in either direction. Ours is ended right behind the message, and goes
/// before everything else.
class GoawayStream final : public RequestStream {
 public:
  /// Sends one.
  GoawayStream(Session& session, const std::string& uri);
  /// Receives one.
  GoawayStream(Session& session, transport::Stream stream, MessageReader reader);

 private:
  Result<void> begin(ByteSpan message) override;
  [[nodiscard]] bool of_media() const override { return false; }
  void on_fin() override;
  void on_cancel(std::uint64_t /*code*/) override {}
};

/// PROBE: hears of the bitrate and round-trip time that the peer measures.
class ProbeRequest final : public RequestStream {
 public:
  using Report = std::function<void(std::uint64_t bitrate, std::uint64_t rtt_ms)>;

  ProbeRequest(Session& session, std::uint64_t target_bitrate, Report report);

 private:
  [[nodiscard]] bool of_media() const override { return false; }
  Result<bool> parse(MessageReader& reader) override;
  void on_fin() override { finish(); }
  void on_cancel(std::uint64_t /*code*/) override {}

  Report report_;
};

/// The Session Stream of moq-lite-01 and 02: bitrates both ways, and the session
/// ends with it.
class SessionStream final : public RequestStream {
 public:
  /// How often our bitrate is looked at; it is told when it has changed by a quarter.
  static constexpr Duration kInterval = std::chrono::seconds(1);
  /// The cost of what the peer has not read, above which it is told nothing more.
  static constexpr std::size_t kMaxBacklog = 1024;

  SessionStream(Session& session, transport::RunningStream stream);
  ~SessionStream() override;

  /// Each bitrate that the peer tells goes to `report`, from the one it told last on.
  void listen(const ProbeRequest::Report& report);

 private:
  [[nodiscard]] bool of_media() const override { return false; }
  Result<bool> parse(MessageReader& reader) override;
  void on_fin() override;
  void on_cancel(std::uint64_t code) override;
  void tell();

  Timer timer_;
  std::optional<std::uint64_t> told_;   ///< our bitrate
  std::optional<std::uint64_t> heard_;  ///< the peer's
  std::vector<ProbeRequest::Report> reports_;
};

/// Whether a measurement has changed by so much that a peer should hear of it.
[[nodiscard]] bool has_moved(const std::optional<std::uint64_t>& from,
                             const std::optional<std::uint64_t>& to);

}  // namespace moq::lite
