#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <boost/intrusive/list.hpp>

#include "net/base/bytes.h"
#include "net/base/time.h"
#include "net/coding/varint.h"
#include "net/transport/transport.h"

namespace moq::native::http3 {

class SessionImpl;

/// A part of a stream, which its session holds until it is done: it is the handler of
/// the part of QUIC's stream below.
class Part : public boost::intrusive::list_base_hook<
                 boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// The session has ended: resets or stops what QUIC still has, and tells the reader.
  virtual void session_over() = 0;
  /// QUIC is not to call this any more.
  virtual void detach() = 0;

 protected:
  explicit Part(SessionImpl& session) : session_(&session) {}
  ~Part() = default;
  /// Nothing more comes. The result holds this object for as long as the caller needs it.
  std::shared_ptr<void> release();
  void hold(std::shared_ptr<void> self) { self_ = std::move(self); }

  SessionImpl* session_;  ///< null: over

 private:
  std::shared_ptr<void> self_;
};
using Parts = boost::intrusive::list<Part, boost::intrusive::constant_time_size<false>>;

/// The sending part of a WebTransport stream.
class SendPart final : public transport::SendStream,
                       public Part,
                       public transport::SendHandler,
                       public std::enable_shared_from_this<SendPart> {
 public:
  SendPart(SessionImpl& session, transport::SendHandler* handler)
      : Part(session), handler_(handler) {}
  /// A stream of a session that has ended.
  static std::shared_ptr<SendPart> dead(SessionImpl& session);
  /// `inner` is QUIC's part, which calls this one.
  void begin_outgoing(std::shared_ptr<transport::SendStream> inner);
  /// Of a stream that the peer opened: the session does not hold it until it is attached.
  void begin_incoming(std::shared_ptr<transport::SendStream> inner);

  void ready() override;
  void set_handler(transport::SendHandler* handler) override { handler_ = handler; }
  void set_priority(const transport::Priority& priority) override;
  void reset(std::uint64_t code) override;

  void on_send_finished() override;
  void on_send_stopped(std::uint64_t code) override;

  void session_over() override;
  void detach() override;

  /// Of a stream that the peer opened: gives QUIC's part its source.
  void attach(const transport::Priority& priority, std::unique_ptr<transport::SendSource> source,
              transport::SendHandler* handler);
  [[nodiscard]] bool attached() const { return attached_; }

 private:
  std::shared_ptr<transport::SendStream> inner_;
  transport::SendHandler* handler_;
  bool attached_ = false;
};

/// The receiving part of a stream; at first of any that the peer opened, until its
/// header has told whether it belongs to the session.
class RecvPart final : public transport::RecvStream,
                       public Part,
                       public transport::RecvHandler,
                       public std::enable_shared_from_this<RecvPart> {
 public:
  explicit RecvPart(SessionImpl& session) : Part(session) {}
  static std::shared_ptr<RecvPart> dead(SessionImpl& session);

  /// A stream that the peer opened: reads its header.
  void begin_incoming(transport::Stream stream);
  /// A stream of ours, with its handler (or null).
  void begin_outgoing(std::shared_ptr<transport::RecvStream> inner,
                      transport::RecvHandler* handler);

  void set_handler(transport::RecvHandler* handler) override;
  void stop(std::uint64_t code) override;

  void on_data(Bytes data, bool fin) override;
  void on_reset(std::uint64_t code) override;

  void session_over() override;
  void detach() override;

  // --- For the session, of incoming streams.

  [[nodiscard]] bool bidirectional() const { return answer_ != nullptr; }
  [[nodiscard]] std::uint64_t session_id() const { return session_id_; }
  /// QUIC's parts, for whoever reads the stream from here on.
  transport::Stream take();
  /// Resets and stops the stream with a code of HTTP/3's.
  void reject(std::uint64_t http3_code);
  /// Nothing is read until the session tells its owner of the stream.
  void wait();
  /// QUIC's sending part, once.
  std::shared_ptr<transport::SendStream> take_answer() { return std::move(answer_); }
  [[nodiscard]] bool has_handler() const { return had_handler_; }
  /// When it was opened, of one whose header is not whole yet.
  [[nodiscard]] Time opened() const { return opened_; }
  /// Around the call that tells the owner.
  void announcing() { state_ = State::announcing; }
  /// The owner has been told: delivers, or stops the stream if nobody has kept it.
  void announced(bool kept);

 private:
  enum class State : std::uint8_t {
    type,        ///< of the stream
    session,     ///< its ID
    waiting,     ///< for the session to tell its owner; QUIC holds what comes
    announcing,  ///< the owner is being told
    told,        ///< waits for a handler; QUIC holds what comes
    flowing,
  };

  void on_header_data(Bytes data, bool fin);
  void deliver(Bytes data, bool fin);

  State state_ = State::type;
  bool had_handler_ = false;
  bool held_ = false;  ///< by QUIC
  bool fin_ = false;
  coding::VarintAccumulator varint_;
  std::uint64_t session_id_ = 0;
  Time opened_{};
  std::shared_ptr<transport::RecvStream> inner_;
  std::shared_ptr<transport::SendStream> answer_;
  transport::RecvHandler* handler_ = nullptr;
  Bytes pending_;  ///< what came with the header
};
using RecvParts = boost::intrusive::list<RecvPart, boost::intrusive::constant_time_size<false>>;

}  // namespace moq::native::http3
