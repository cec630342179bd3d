#pragma once

#include <memory>
#include <optional>

#include "net/base/time.h"
#include "net/lite/message_reader.h"
#include "net/lite/request_stream.h"
#include "net/transport/transport.h"

namespace moq::lite {

/// A stream that the peer has opened, until its type and first message (every
/// type has one) are there and the peer is authorised. Hands its parts to the
/// session then, and retires. A stream that does not get so far in time is
/// stopped, but for one that only waits for the decision; one of an unknown type at once.
class IncomingStream final : public Task, private transport::RecvHandler {
 public:
  /// `stream.send` is null for a unidirectional stream.
  IncomingStream(Session& session, transport::Stream stream);
  ~IncomingStream() override;

  /// Called when the session has become authorised.
  void authorized();
  /// When the peer opened it.
  [[nodiscard]] Time since() const { return since_; }
  /// Whether its type and first message are there: it waits for the session.
  [[nodiscard]] bool whole() const { return message_.has_value(); }
  /// Called when it has waited for too long.
  void expire();

 private:
  /// Bytes that may wait with a stream that waits itself.
  static constexpr std::size_t kMaxHeld = 65536;

  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;
  /// Reads the type and the first message, as far as they have come.
  Result<void> read_header();
  void hand_over();
  void drop(std::uint64_t code);

  transport::Stream stream_;
  MessageReader reader_;
  std::optional<std::uint64_t> type_;
  std::optional<Bytes> message_;
  std::size_t held_ = 0;
  Time since_;
  bool fin_ = false;
  bool done_ = false;
};

}  // namespace moq::lite
