#pragma once

#include <cstdint>
#include <functional>
#include <string>

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
  void on_fin() override;
  void on_cancel(std::uint64_t /*code*/) override {}
};

/// PROBE: hears of the bitrate and round-trip time that the peer measures.
class ProbeRequest final : public RequestStream {
 public:
  using Report = std::function<void(std::uint64_t bitrate, std::uint64_t rtt_ms)>;

  ProbeRequest(Session& session, std::uint64_t target_bitrate, Report report);

 private:
  Result<bool> parse(MessageReader& reader) override;
  void on_fin() override { finish(); }
  void on_cancel(std::uint64_t /*code*/) override {}

  Report report_;
};

}  // namespace moq::lite
