#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/lite/codec.h"
#include "net/lite/message_reader.h"
#include "net/session/session.h"
#include "net/session/setup.h"
#include "net/session/testing/cluster.h"
#include "net/transport/send_queue.h"
#include "net/transport/testing/memory_transport.h"

/// A peer that does what a test says, right or wrong: it opens streams, sends any
/// bytes on them and ends them as it likes.
namespace moq::testing {

using Buffer = std::vector<std::uint8_t>;

inline Buffer operator+(Buffer a, const Buffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A stream of a raw peer, opened by either side, with all that came on it.
class RawStream final : private transport::RecvHandler, private transport::SendHandler {
 public:
  /// Opened by the session.
  RawStream(transport::Session& session, transport::Stream stream)
      : stream_(std::move(stream)), queue_(std::make_shared<transport::SendQueue>()) {
    if (stream_.send != nullptr) {
      session.attach(*stream_.send, {}, std::make_unique<transport::QueueSource>(queue_), this);
    }
    stream_.recv->set_handler(this);
  }
  /// Opened by the peer.
  RawStream(transport::Session& session, bool uni)
      : queue_(std::make_shared<transport::SendQueue>()) {
    auto source = std::make_unique<transport::QueueSource>(queue_);
    if (uni) {
      stream_.send = session.open_uni({}, std::move(source), this);
    } else {
      stream_ = session.open_bidi({}, std::move(source), this, this);
    }
  }
  RawStream(const RawStream&) = delete;
  RawStream& operator=(const RawStream&) = delete;
  ~RawStream() {
    if (stream_.send != nullptr) stream_.send->set_handler(nullptr);
    if (stream_.recv != nullptr) stream_.recv->set_handler(nullptr);
  }

  RawStream& send(const Buffer& bytes) {
    if (over_ || stream_.send == nullptr) return *this;
    queue_->push(Bytes::copy_of(bytes));
    stream_.send->ready();
    return *this;
  }
  RawStream& fin() {
    if (over_ || stream_.send == nullptr) return *this;
    over_ = true;
    queue_->finish();
    stream_.send->ready();
    return *this;
  }
  RawStream& reset(std::uint64_t code) {
    over_ = true;
    if (stream_.send != nullptr) stream_.send->reset(code);
    return *this;
  }
  RawStream& stop(std::uint64_t code) {
    if (stream_.recv != nullptr) stream_.recv->stop(code);
    return *this;
  }

  [[nodiscard]] bool uni() const { return stream_.send == nullptr || stream_.recv == nullptr; }
  /// The type that the stream began with, once it is there; taken off `received`.
  [[nodiscard]] std::optional<std::uint64_t> type() {
    if (!type_) type_ = reader_.next_varint().value();
    return type_;
  }
  /// The next message of those that came, if it is whole.
  template <typename Message>
  [[nodiscard]] std::optional<Message> next(lite::Version version) {
    const auto body = reader_.next_message().value();
    if (!body) return std::nullopt;
    return lite::decode_body<Message>(version, *body).value();
  }
  [[nodiscard]] lite::MessageReader& reader() { return reader_; }

  std::size_t received = 0;                  ///< bytes
  bool ended = false;                        ///< the session's side came to its end
  std::optional<std::uint64_t> was_reset;    ///< the session's code
  std::optional<std::uint64_t> was_stopped;  ///< the session's STOP_SENDING
  bool acknowledged = false;                 ///< all we sent, and its end

 private:
  void on_data(Bytes data, bool end) override {
    received += data.size();
    ended = end;
    reader_.feed(std::move(data), false);
  }
  void on_reset(std::uint64_t code) override { was_reset = code; }
  void on_send_finished() override { acknowledged = true; }
  void on_send_stopped(std::uint64_t code) override {
    over_ = true;
    was_stopped = code;
  }

  transport::Stream stream_;
  std::shared_ptr<transport::SendQueue> queue_;
  lite::MessageReader reader_;
  std::optional<std::uint64_t> type_;
  bool over_ = false;
};

/// One end of a connection, driven by hand.
class RawPeer final : private transport::SessionHandler {
 public:
  RawPeer(std::unique_ptr<transport::testing::MemorySession> session, lite::Version version)
      : session_(std::move(session)), version_(version) {
    session_->set_handler(this);
  }
  ~RawPeer() {
    session_->set_handler(nullptr);
    streams_.clear();
  }

  [[nodiscard]] lite::Version version() const { return version_; }
  [[nodiscard]] const lite::VersionInfo& traits() const { return lite::version_info(version_); }
  [[nodiscard]] transport::testing::MemorySession& transport() { return *session_; }

  RawStream& open_uni(const Buffer& bytes = {}) { return open(true, bytes); }
  RawStream& open_bidi(const Buffer& bytes = {}) { return open(false, bytes); }
  template <typename Type, typename Message>
  [[nodiscard]] Buffer first(Type type, const Message& message) const {
    Buffer out;
    lite::append_type(out, type);
    return out + body(message);
  }
  /// A message with its length.
  template <typename Message>
  [[nodiscard]] Buffer body(const Message& message) const {
    return lite::encode(version_, message);
  }
  /// The answer of a type, in versions that have it.
  template <typename Message>
  [[nodiscard]] Buffer answer(const std::optional<std::uint64_t>& type,
                              const Message& message) const {
    Buffer out;
    if (type && traits().responses.typed) lite::append_varint(out, *type);
    return out + body(message);
  }
  template <typename Message>
  RawStream& request(lite::BidiType type, const Message& message) {
    return open_bidi(first(type, message));
  }
  RawStream& group(std::uint64_t id, std::uint64_t sequence, const Buffer& frames = {}) {
    return open_uni(lite::group_prefix(version_, {.subscribe_id = id, .sequence = sequence}) +
                    frames);
  }
  /// SETUP, where the version has one and this side begins with it.
  void setup(const std::optional<std::string>& path = std::nullopt) {
    if (traits().has_session_stream && !answers) {
      setup::ClientSetup message{.versions = {traits().code}, .parameters = {}};
      if (path) message.parameters.push_back({.id = setup::kPath, .bytes = *path});
      session_stream_ = &open_bidi(setup::encode(message));
    }
    if (!traits().has_setup_stream) return;
    open_uni(
        first(lite::UniType::setup, lite::Setup{.probe = lite::ProbeLevel::report, .path = path}))
        .fin();
  }
  /// A frame of this version.
  [[nodiscard]] Buffer frame(const std::string& payload, std::uint64_t delta = 0) const {
    Buffer out;
    if (traits().has_timestamps) lite::append_varint(out, delta);
    lite::append_varint(out, payload.size());
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
  }

  /// The stream of the SETUP exchange, in versions that have one.
  [[nodiscard]] RawStream& session_stream() { return *session_stream_; }
  /// Takes SERVER_SETUP off that stream: the version's code, once it is there.
  [[nodiscard]] std::optional<std::uint64_t> server_setup() {
    const auto type = session_stream_->type();
    if (!type) return std::nullopt;
    const Bytes rest = session_stream_->reader().take_rest();
    const auto message = setup::decode_server(rest.span().subspan(2)).value();
    return message.version;
  }
  /// Whether the session under test is a client, and this side the server.
  bool answers = false;
  /// Whether it answers a CLIENT_SETUP then.
  bool answers_setup = true;

  /// The streams that the session opened with `type`, in order.
  [[nodiscard]] std::vector<RawStream*> incoming(lite::BidiType type) {
    return incoming(false, static_cast<std::uint64_t>(type));
  }
  [[nodiscard]] std::vector<RawStream*> incoming(lite::UniType type) {
    return incoming(true, static_cast<std::uint64_t>(type));
  }
  /// All that there are, opened by either side.
  [[nodiscard]] std::deque<std::unique_ptr<RawStream>>& streams() { return streams_; }

  std::vector<Bytes> datagrams;
  std::optional<Error> closed;  ///< the session's code, or the loss of the connection
  bool closed_by_session = false;

 private:
  RawStream& open(bool uni, const Buffer& bytes) {
    RawStream& stream = *streams_.emplace_back(std::make_unique<RawStream>(*session_, uni));
    return stream.send(bytes);
  }
  std::vector<RawStream*> incoming(bool uni, std::uint64_t type) {
    std::vector<RawStream*> out;
    for (RawStream* stream : incoming_) {
      if (stream->uni() == uni && stream->type() == type) out.push_back(stream);
    }
    return out;
  }
  void on_uni(std::shared_ptr<transport::RecvStream> stream) override {
    on_bidi({.send = nullptr, .recv = std::move(stream)});
  }
  void on_bidi(transport::Stream stream) override {
    streams_.push_back(std::make_unique<RawStream>(*session_, std::move(stream)));
    incoming_.push_back(streams_.back().get());
    if (!traits().has_session_stream || session_stream_ != nullptr || incoming_.back()->uni()) {
      return;
    }
    session_stream_ = incoming_.back();
    if (!answers_setup) return;
    session_stream_->send(setup::encode(setup::ServerSetup{.version = traits().code}));
  }
  void on_datagram(Bytes datagram) override { datagrams.push_back(std::move(datagram)); }
  void on_closed(const Error& error, bool by_peer) override {
    closed = error;
    closed_by_session = by_peer;
  }

  std::unique_ptr<transport::testing::MemorySession> session_;
  lite::Version version_;
  std::deque<std::unique_ptr<RawStream>> streams_;
  std::vector<RawStream*> incoming_;
  RawStream* session_stream_ = nullptr;
};

/// A relay with one session under test, whose peer is raw.
class RawLink {
 public:
  struct Options {
    std::string version = "moq-lite-05";
    transport::testing::MemoryOptions link;
    Side side = Side::server;  ///< the session's
    SessionLimits limits;
    OnGoaway on_goaway = OnGoaway::stay;
    bool publishes = true;  ///< whether the session has an origin to publish
    Scope scope = {};       ///< what the peer is let in with
  };
  RawLink(Loop& loop, Node& node, Options options) {
    const ProtocolVersion* version = find_protocol_version(options.version);
    if (!options.link.protocol.empty()) options.link.protocol = version->alpn;
    auto pair = transport::testing::memory_pair(loop, options.link);
    transport = pair.first.get();
    session = Session::create(
                  loop, std::move(pair.first),
                  {.side = options.side,
                   .publish = options.publishes ? &node.origin : nullptr,
                   .subscribe = &node.origin,
                   .cache = &node.cache,
                   .path = "/",
                   .authorize = [scope = options.scope](const std::string&,
                                                        const Decision& decide) { decide(scope); },
                   .versions = {version},
                   .on_goaway = options.on_goaway,
                   .limits = options.limits,
                   .refused = [this](SessionLimit limit) { refused.push_back(limit); }})
                  .value();
    session->closed([this](const Error& error, bool) { error_ = error; });
    peer = std::make_unique<RawPeer>(std::move(pair.second),
                                     lite::find_by_name(options.version)->version);
    peer->answers = options.side == Side::client;
  }

  /// What the session was closed with, at either end.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] bool closed_with(SessionError code) const {
    return error_ && error_->is(code) && peer->closed && peer->closed_by_session &&
           peer->closed->code() == static_cast<std::uint64_t>(code);
  }

  std::vector<SessionLimit> refused;  ///< what the session told of, in order
  std::unique_ptr<Session> session;
  transport::testing::MemorySession* transport;
  std::unique_ptr<RawPeer> peer;

 private:
  std::optional<Error> error_;
};

}  // namespace moq::testing
