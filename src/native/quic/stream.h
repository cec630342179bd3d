#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "net/transport/scheduler.h"
#include "net/transport/transport.h"

namespace moq::native::quic {

class ConnectionImpl;

/// The sending part of a stream: known to its connection until it is finished,
/// reset, or the connection is gone.
class SendPart final : public transport::SendStream, public transport::Schedulable {
 public:
  SendPart(ConnectionImpl& owner, const transport::Priority& priority, bool unidirectional)
      : Schedulable(priority), connection(&owner), uni(unidirectional) {}

  void ready() override;
  void set_handler(transport::SendHandler* next) override { handler = next; }
  void set_priority(const transport::Priority& priority) override;
  void reset(std::uint64_t code) override;

  /// Nothing more can be sent: forgets the connection.
  void detach();
  /// The last byte and the FIN are acknowledged.
  [[nodiscard]] bool finished() const { return fin_sent && acked == sent && fin_acked; }

  ConnectionImpl* connection;  ///< null: over
  std::int64_t key = 0;        ///< of its record
  std::int64_t id = -1;        ///< -1: not opened yet
  const bool uni;
  bool fin_sent = false;
  bool fin_alone = false;  ///< the FIN went in a frame of its own
  bool fin_acked = false;
  bool blocked = false;  ///< waits for MAX_STREAM_DATA
  bool waiting = false;  ///< waits for MAX_STREAMS
  bool over = false;     ///< nothing more is sent; an event that says so is on its way
  std::uint64_t sent = 0;
  std::uint64_t acked = 0;
  std::unique_ptr<transport::SendSource> source;
  transport::SendHandler* handler = nullptr;
  /// STOP_SENDING that came before there was somebody to tell.
  std::optional<std::uint64_t> stopped;
};

/// The receiving part of a stream.
class RecvPart final : public transport::RecvStream {
 public:
  explicit RecvPart(ConnectionImpl& owner) : connection(&owner) {}

  void set_handler(transport::RecvHandler* next) override;
  void stop(std::uint64_t code) override;

  ConnectionImpl* connection;  ///< null: over
  std::int64_t key = 0;
  std::int64_t id = -1;
  bool had_handler = false;
  bool over = false;  ///< the end was delivered, or nothing more is wanted
  std::optional<std::uint64_t> stop_on_open;
  transport::RecvHandler* handler = nullptr;
  BytesBuilder builder;
  /// The last data event of this stream in the current batch, to be joined with.
  std::uint64_t batch = 0;
  std::size_t event = 0;
  /// What came before there was a handler; its credit is kept back.
  std::deque<Bytes> held;
  std::size_t unread = 0;  ///< what the handler at work has given back
  bool held_fin = false;
  std::optional<std::uint64_t> held_reset;
};

/// A stream as its connection knows it.
struct StreamRecord {
  std::shared_ptr<SendPart> send;
  std::shared_ptr<RecvPart> recv;
  std::int64_t id = -1;
  bool gone = false;  ///< ngtcp2 has forgotten it; what was held still has to be delivered
};

}  // namespace moq::native::quic
