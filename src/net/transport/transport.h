#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/base/time.h"
#include "net/transport/error.h"

/// The seam between MoQ and what carries it: raw QUIC, WebTransport, QMux, or
/// the in-memory pair of the tests. Words are those of RFC 9000.
///
/// One thread, one Loop: no method may be called from another. Handlers are
/// called from the loop, never from inside a call into the transport, so they
/// may call anything here, including what destroys the caller.
namespace moq::transport {

/// Where a stream stands when a packet is filled. Compared in this order.
struct Priority {
  /// Streams of a lower band go first, whatever the rest says.
  enum class Band : std::uint8_t {
    control,  ///< GOAWAY and SETUP: never behind anything else
    request,  ///< request streams and their answers
    media,    ///< groups and fetches
  };
  Band band = Band::request;
  /// Higher goes first (moq-lite's sense; IETF's is mapped by its session).
  std::uint8_t subscriber = 0;
  /// Higher goes first; only decides between equal subscriber priorities.
  std::uint8_t publisher = 0;
  /// Streams of one flow (a subscription) go by `order`; equal flows take turns,
  /// packet by packet.
  std::uint64_t flow = 0;
  /// Lower goes first within a flow: the group's sequence when ordered, its
  /// complement when the newest is to go first.
  std::uint64_t order = 0;

  friend bool operator==(const Priority&, const Priority&) = default;
};

/// What a packet is filled from: up to `slices.size()` slices, and whether the
/// stream ends behind them.
struct Pull {
  std::size_t count = 0;
  bool fin = false;
};

/// A send stream's data, asked for when a packet is filled.
///
/// The stream owns its source and destroys it once all data and the FIN are
/// acknowledged, the stream is reset, or the session is gone. Slices handed out
/// stay valid and unchanged until then, or until `acked` has covered them. All
/// calls come from packet filling: they must be quick and must not call into
/// the transport (post to the loop instead).
class SendSource {
 public:
  SendSource() = default;
  SendSource(const SendSource&) = delete;
  SendSource& operator=(const SendSource&) = delete;
  virtual ~SendSource() = default;

  /// The unsent data from the cursor on, without moving it. `count == 0` and no
  /// fin: nothing now; SendStream::ready() when there is. Never called again
  /// once `sent` was told of the fin.
  virtual Pull pull(std::span<ByteSpan> slices) = 0;

  /// `size` bytes from the cursor on are in a packet (and `fin`, if the end is
  /// too). Retransmission is the transport's business.
  virtual void sent(std::size_t size, bool fin) = 0;

  /// Bytes up to this offset of the stream are acknowledged: they will not be
  /// read again. Called only when `wants_acks`.
  virtual void acked(std::uint64_t /*offset*/) {}
  [[nodiscard]] virtual bool wants_acks() const { return false; }

  /// Asked before `pull` when the stream's turn has come: a code to reset the
  /// stream with instead (an expired group).
  virtual std::optional<std::uint64_t> expired() { return std::nullopt; }
};

/// What becomes of a send stream. Called from the loop.
class SendHandler {
 public:
  /// All data and the FIN are acknowledged: the last call.
  virtual void on_send_finished() {}
  /// The peer sent STOP_SENDING, or the source's `expired` reset the stream;
  /// the stream has been reset with `code`: the last call.
  virtual void on_send_stopped(std::uint64_t /*code*/) {}

 protected:
  ~SendHandler() = default;
};

/// The sending part of a stream. Lives until its session closes it or the
/// owner lets go; letting go of an unfinished stream does not reset it.
class SendStream {
 public:
  virtual ~SendStream() = default;
  /// The source has data (or its end) to give. Cheap; may be called repeatedly.
  virtual void ready() = 0;
  /// Replaces the handler; nullptr for none.
  virtual void set_handler(SendHandler* handler) = 0;
  /// Moves the stream in the schedule.
  virtual void set_priority(const Priority& priority) = 0;
  /// RESET_STREAM. A stream not yet opened (no credit) is dropped silently.
  virtual void reset(std::uint64_t code) = 0;
};

/// What arrives on a stream. Called from the loop.
class RecvHandler {
 public:
  /// The next bytes, in order; their slices may be kept. Credit for them is
  /// returned to the peer at once: a handler that keeps bytes must bound them.
  virtual void on_data(Bytes data, bool fin) = 0;
  /// RESET_STREAM, or the session has closed: the last call.
  virtual void on_reset(std::uint64_t code) = 0;

 protected:
  ~RecvHandler() = default;
};

/// The receiving part of a stream.
class RecvStream {
 public:
  virtual ~RecvStream() = default;
  /// Replaces the handler; nullptr discards all that follows. Bytes that come
  /// before the first call are kept, without returning credit for them, and
  /// delivered on the loop's next turn after it.
  virtual void set_handler(RecvHandler* handler) = 0;
  /// STOP_SENDING; nothing more is delivered.
  virtual void stop(std::uint64_t code) = 0;
};

/// The two parts of a stream. A part that the stream lacks is null.
///
/// Both parts are shared with the session, which forgets them once they are
/// done; calls on a part that is done, or whose session is gone, do nothing.
struct Stream {
  std::shared_ptr<SendStream> send;
  std::shared_ptr<RecvStream> recv;
};

/// Estimates of the path, from the congestion controller.
struct PathStats {
  Duration smoothed_rtt{};       ///< zero: unknown
  std::uint64_t bitrate = 0;     ///< bits per second that can be sent; 0: unknown
  std::uint64_t bytes_sent = 0;  ///< UDP payload bytes, so far
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_lost = 0;
};

/// What a session hears. Called from the loop.
class SessionHandler {
 public:
  /// A stream that the peer opened. It is dropped (stopped, reset) unless the
  /// handler keeps its parts.
  virtual void on_uni(std::shared_ptr<RecvStream> stream) = 0;
  virtual void on_bidi(Stream stream) = 0;
  virtual void on_datagram(Bytes datagram) = 0;
  /// The peer has said by Session::going_away that it will close. Perhaps more than once;
  /// to a handler that is set later, too.
  virtual void on_going_away() {}
  /// The session is over, by whoever's doing: the last call. `by_peer` tells
  /// whether the code is the peer's; a lost connection has a local error.
  virtual void on_closed(const Error& error, bool by_peer) = 0;

 protected:
  ~SessionHandler() = default;
};

/// Limits of a transport that MoQ has to know.
struct Traits {
  bool datagrams = false;
  /// Whether the client's URL path went with the handshake (WebTransport,
  /// WebSocket); otherwise it has to be sent in SETUP.
  bool carries_path = false;
  /// What people and metrics call it.
  std::string_view kind = "quic";
};

/// A number that no session of this process has had, from 1 on. Any thread.
[[nodiscard]] std::uint64_t next_session_id();

/// One connection to a peer, or one WebTransport session.
class Session {
 public:
  virtual ~Session() = default;

  virtual void set_handler(SessionHandler* handler) = 0;
  [[nodiscard]] virtual Traits traits() const = 0;

  /// Opens a stream as soon as the peer's limit allows, best priority first;
  /// until then it waits at no cost but itself. One credit of each kind is kept
  /// for `Band::control`. Handlers may be null; they are not owned, and must
  /// live until their last call or until `set_handler(nullptr)`.
  virtual std::shared_ptr<SendStream> open_uni(const Priority& priority,
                                               std::unique_ptr<SendSource> source,
                                               SendHandler* handler) = 0;
  virtual Stream open_bidi(const Priority& priority, std::unique_ptr<SendSource> source,
                           SendHandler* send_handler, RecvHandler* recv_handler) = 0;

  /// Gives a stream that the peer opened its source. Once, and only for a
  /// stream that came with a send part.
  virtual void attach(SendStream& stream, const Priority& priority,
                      std::unique_ptr<SendSource> source, SendHandler* handler) = 0;

  /// Sends a datagram if the congestion controller lets it go soon; drops it
  /// otherwise. Returns false when it is too large or datagrams are off.
  virtual bool send_datagram(Bytes datagram) = 0;
  /// Largest payload that `send_datagram` takes now; 0 when datagrams are off.
  [[nodiscard]] virtual std::size_t max_datagram_size() const = 0;

  /// Tells the peer that the session will end, where the transport has a way of its own
  /// to say so (WebTransport). Called together with a GOAWAY of the protocol on top, or
  /// in its place.
  virtual void going_away() {}

  /// CONNECTION_CLOSE (or what the transport has) with an application code.
  /// on_closed follows from the loop, once.
  virtual void close(std::uint64_t code, std::string_view reason) = 0;

  /// Asks a quiet peer for a sign of life within three PTOs, and not less than three
  /// seconds; without one the session closes. Called while draining.
  virtual void probe_peer() = 0;

  [[nodiscard]] virtual PathStats path_stats() const = 0;
  /// The negotiated protocol: an ALPN token or WebTransport subprotocol.
  [[nodiscard]] virtual std::string_view protocol() const = 0;
  /// "[::1]:4443", for logs.
  [[nodiscard]] virtual std::string peer_address() const = 0;
  /// Its number in this process, in all that is logged of it: from next_session_id, the
  /// same for a session and the connection below.
  [[nodiscard]] virtual std::uint64_t id() const = 0;
};

}  // namespace moq::transport
