#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "net/ietf/codec.h"
#include "net/ietf/datagram.h"
#include "net/ietf/message.h"
#include "net/ietf/message_reader.h"
#include "net/ietf/stream.h"
#include "net/ietf/subgroup.h"
#include "net/session/testing/raw_peer.h"

/// A moq-transport peer that does what a test says, right or wrong.
namespace moq::testing {

/// Every draft of moq-transport, for parameterised tests.
inline constexpr std::array kDrafts{"moq-transport-14", "moq-transport-18"};
inline const ietf::VersionInfo& draft_of(const std::string& version) {
  return *ietf::find_by_name(version);
}

/// One end of a connection, driven by hand. Requests are on streams of their own or on the
/// control stream, as the draft has it.
class IetfPeer final : private transport::SessionHandler {
 public:
  /// A request of this peer's: where its messages are, and its id.
  struct Asked {
    RawStream* stream = nullptr;
    std::uint64_t id = 0;
    ietf::MessageKind kind{};
  };
  /// One of the session's.
  template <typename M>
  struct Heard {
    RawStream* stream = nullptr;
    M message;
  };

  /// `answers`: the session under test is a client, and this side the server.
  IetfPeer(std::unique_ptr<transport::testing::MemorySession> session, ietf::Version version,
           bool answers)
      : session_(std::move(session)),
        version_(version),
        answers_(answers),
        next_id_(answers ? 1 : 0) {
    session_->set_handler(this);
  }
  ~IetfPeer() {
    session_->set_handler(nullptr);
    streams_.clear();
  }

  [[nodiscard]] ietf::Version version() const { return version_; }
  [[nodiscard]] const ietf::VersionInfo& traits() const { return ietf::version_info(version_); }
  [[nodiscard]] bool on_streams() const {
    return traits().requests == ietf::RequestCarrier::request_streams;
  }
  [[nodiscard]] transport::testing::MemorySession& transport() { return *session_; }
  [[nodiscard]] std::deque<std::unique_ptr<RawStream>>& streams() { return streams_; }

  // --- Streams, and messages as they are sent

  RawStream& open_uni(const Buffer& bytes = {}) { return open(true, bytes); }
  RawStream& open_bidi(const Buffer& bytes = {}) { return open(false, bytes); }
  template <typename M>
  [[nodiscard]] Buffer encoded(const M& message,
                               std::optional<ietf::MessageKind> about = {}) const {
    return ietf::encode(version_, message, about).value();
  }
  [[nodiscard]] Buffer number(std::uint64_t value) const {
    Buffer out;
    coding::Writer(out, traits().integers).varint(value);
    return out;
  }
  /// Any message: a type, 16 bits of length, and a body.
  [[nodiscard]] Buffer raw(std::uint64_t type, const Buffer& body) const {
    const std::size_t size = body.size();
    return number(type) +
           Buffer{static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)} + body;
  }

  // --- The session's beginning

  /// This side's SETUP. Of a server, in drafts with an exchange, it answers.
  void setup(const std::string& path = "/", std::uint64_t max_request_id = 4096) {
    max_request_id_ = max_request_id;
    if (traits().setup == ietf::SetupForm::one_each) {
      ietf::SetupOptions options;
      if (!answers_) options.path = path;
      control_ = &open_uni(encoded(ietf::Setup{.options = options}));
      return;
    }
    if (answers_) {
      answers_setup_ = true;
      return;
    }
    setup::ClientSetup message{.versions = {traits().code},
                               .parameters = {{.id = setup::kPath, .bytes = path}}};
    if (max_request_id != 0) {
      message.parameters.push_back({.id = setup::kMaxRequestId, .number = max_request_id});
    }
    control_ = &open_bidi(setup::encode(message));
    heard_ = control_;
  }
  /// Where this side's control messages go.
  [[nodiscard]] RawStream& control() { return *control_; }
  [[nodiscard]] bool has_control() const { return control_ != nullptr; }

  // --- Requests of this peer's

  [[nodiscard]] std::uint64_t take_id() { return std::exchange(next_id_, next_id_ + 2); }
  template <typename M>
  Asked ask(M message) {
    message.request_id = take_id();
    return ask_as(message);
  }
  /// With the id that it has.
  template <typename M>
  Asked ask_as(const M& message) {
    const Buffer bytes = encoded(message);
    RawStream& stream = on_streams() ? open_bidi(bytes) : control().send(bytes);
    return {.stream = &stream, .id = message.request_id, .kind = M::kKind};
  }
  /// Changes one; returns the update's id.
  std::uint64_t update(const Asked& request, ietf::RequestUpdate message = {}) {
    message.request_id = take_id();
    message.existing_request_id = request.id;
    if (!on_streams()) {
      // These have no way to be left out.
      if (!message.filter) message.filter = ietf::Filter{};
      if (!message.subscriber_priority) message.subscriber_priority = 1;
      if (!message.forward) message.forward = true;
    }
    request.stream->send(encoded(message, request.kind));
    return message.request_id;
  }
  /// Gives one up, as the draft has it.
  void cancel(const Asked& request) {
    if (on_streams()) {
      request.stream->reset(1).stop(1);
    } else if (request.kind == ietf::MessageKind::fetch) {
      control().send(encoded(ietf::FetchCancel{.request_id = request.id}));
    } else {
      control().send(encoded(ietf::Unsubscribe{.request_id = request.id}));
    }
  }
  /// The answers of that type that have come.
  template <typename M>
  [[nodiscard]] std::vector<M> answers(const Asked& request) {
    std::vector<M> out;
    RawStream& stream = on_streams() ? *request.stream : *heard_;
    for (const ietf::RawMessage& message : messages(stream)) {
      const ietf::MessageType* type =
          on_streams() ? ietf::find_message(version_, message.type, request.kind)
                       : ietf::find_message(version_, message.type, ietf::Place::control);
      if (type == nullptr || type->kind != M::kKind) continue;
      if (!on_streams() && !type->requests.contains(request.kind)) continue;
      auto decoded = ietf::decode<M>(version_, message.body).value();
      if constexpr (requires { decoded.request_id; }) {
        if (!on_streams() && decoded.request_id != request.id) continue;
      }
      out.push_back(std::move(decoded));
    }
    return out;
  }
  /// What the request failed with.
  [[nodiscard]] std::optional<ietf::RequestErrorCode> refusal(const Asked& request) {
    const auto errors = answers<ietf::RequestError>(request);
    if (errors.empty()) return std::nullopt;
    return ietf::request_error_code(version_, request.kind, errors.front().failure.code);
  }

  // --- Requests of the session's

  /// Those of that type, in order.
  template <typename M>
  [[nodiscard]] std::vector<Heard<M>> heard() {
    std::vector<Heard<M>> out;
    const auto look = [&](RawStream& stream, const ietf::RawMessage& message, ietf::Place place) {
      const ietf::MessageType* type = ietf::find_message(version_, message.type, place);
      if (type == nullptr || type->kind != M::kKind) return;
      out.push_back(
          {.stream = &stream, .message = ietf::decode<M>(version_, message.body).value()});
    };
    if (!on_streams()) {
      if (heard_ == nullptr) return out;
      for (const ietf::RawMessage& message : messages(*heard_)) {
        look(*heard_, message, ietf::Place::control);
      }
      for (auto& each : out) each.stream = control_;
      return out;
    }
    for (RawStream* stream : incoming_) {
      if (stream->uni()) continue;
      const auto& all = messages(*stream);
      if (!all.empty()) look(*stream, all.front(), ietf::Place::opens_request);
    }
    return out;
  }
  /// Messages of that type on the session's control stream.
  template <typename M>
  [[nodiscard]] std::vector<M> told() {
    std::vector<M> out;
    RawStream* stream = heard_;
    for (RawStream* each : incoming_) {
      if (on_streams() && stream == nullptr && is_control(*each)) stream = each;
    }
    if (stream == nullptr) return out;
    for (const ietf::RawMessage& message : messages(*stream)) {
      const auto* type = ietf::find_message(version_, message.type, ietf::Place::control);
      if (type == nullptr || type->kind != M::kKind) continue;
      out.push_back(ietf::decode<M>(version_, message.body).value());
    }
    return out;
  }
  /// Answers one of the session's, of that kind.
  template <typename M>
  void answer(RawStream& stream, const M& message, ietf::MessageKind about) {
    stream.send(encoded(message, about));
  }

  // --- Objects

  /// `previous`: the object's before on the stream. With properties if the stream has them.
  [[nodiscard]] Buffer object(std::uint64_t id, const std::string& payload,
                              std::optional<std::uint64_t> previous = {},
                              bool properties = false) const {
    const ietf::StreamObject header{.id = id, .size = payload.size()};
    Buffer out = ietf::encode_object(traits(), header, previous,
                                     properties ? std::optional<std::uint64_t>(0) : std::nullopt)
                     .value()
                     .bytes;
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
  }
  RawStream& subgroup(ietf::SubgroupHeader header, const Buffer& objects = {}) {
    if (!header.priority) header.priority = 1;
    return open_uni(ietf::encode(version_, header).value() + objects);
  }
  void datagram(const Buffer& bytes) { session_->send_datagram(Bytes::copy_of(bytes)); }

  /// The unidirectional streams of the session's that carry media.
  [[nodiscard]] std::vector<RawStream*> media() {
    std::vector<RawStream*> out;
    for (RawStream* stream : incoming_) {
      if (stream->uni() && !is_control(*stream)) out.push_back(stream);
    }
    return out;
  }

  std::vector<Bytes> datagrams;
  std::optional<Error> closed;  ///< the session's code, or the loss of the connection
  bool closed_by_session = false;

 private:
  struct Log {
    ietf::MessageReader reader;
    std::vector<ietf::RawMessage> messages;
    bool past_setup = false;
  };

  RawStream& open(bool uni, const Buffer& bytes) {
    RawStream& stream = *streams_.emplace_back(std::make_unique<RawStream>(*session_, uni));
    return stream.send(bytes);
  }
  /// All whole messages that have come on a stream.
  const std::vector<ietf::RawMessage>& messages(RawStream& stream) {
    Log& log = logs_.try_emplace(&stream, Log{.reader = ietf::MessageReader(traits().integers)})
                   .first->second;
    log.reader.feed(stream.reader().take_rest());
    while (const auto message = log.reader.next().value()) log.messages.push_back(*message);
    return log.messages;
  }
  [[nodiscard]] bool is_control(RawStream& stream) {
    if (!stream.uni() || traits().setup != ietf::SetupForm::one_each) return false;
    if (control_in_ != nullptr) return control_in_ == &stream;
    // It is the first that the session opens.
    for (RawStream* each : incoming_) {
      if (!each->uni()) continue;
      control_in_ = each;
      break;
    }
    return control_in_ == &stream;
  }
  void on_uni(std::shared_ptr<transport::RecvStream> stream) override {
    on_bidi({.send = nullptr, .recv = std::move(stream)});
  }
  void on_bidi(transport::Stream stream) override {
    streams_.push_back(std::make_unique<RawStream>(*session_, std::move(stream)));
    RawStream& made = *streams_.back();
    incoming_.push_back(&made);
    if (on_streams() || made.uni() || control_ != nullptr) return;
    control_ = heard_ = &made;
    if (!answers_setup_) return;
    made.send(setup::encode(setup::ServerSetup{
        .version = traits().code,
        .parameters = {{.id = setup::kMaxRequestId, .number = max_request_id_}}}));
  }
  void on_datagram(Bytes datagram) override { datagrams.push_back(std::move(datagram)); }
  void on_closed(const Error& error, bool by_peer) override {
    closed = error;
    closed_by_session = by_peer;
  }

  std::unique_ptr<transport::testing::MemorySession> session_;
  ietf::Version version_;
  bool answers_;
  bool answers_setup_ = false;
  std::uint64_t max_request_id_ = 4096;
  std::uint64_t next_id_;
  std::deque<std::unique_ptr<RawStream>> streams_;
  std::vector<RawStream*> incoming_;
  std::map<RawStream*, Log> logs_;
  RawStream* control_ = nullptr;     ///< where ours goes
  RawStream* heard_ = nullptr;       ///< the shared one
  RawStream* control_in_ = nullptr;  ///< the session's, of a pair
};

/// A node with one moq-transport session under test, whose peer is raw.
class IetfLink {
 public:
  struct Options {
    std::string version = "moq-transport-18";
    transport::testing::MemoryOptions link;
    Side side = Side::server;  ///< the session's
    SessionLimits limits;
    bool publishes = true;     ///< whether the session has an origin to publish
    Authorize authorize = {};  ///< what the peer may do; unset: everything
  };
  IetfLink(Loop& loop, Node& node, Options options) {
    const ProtocolVersion* version = find_protocol_version(options.version);
    options.link.protocol = version->alpn;
    auto pair = transport::testing::memory_pair(loop, options.link);
    transport = pair.first.get();
    session = Session::create(loop, std::move(pair.first),
                              {.side = options.side,
                               .publish = options.publishes ? &node.origin : nullptr,
                               .subscribe = &node.origin,
                               .cache = &node.cache,
                               .path = "/",
                               .authorize = options.authorize,
                               .versions = {version},
                               .on_goaway = OnGoaway::stay,
                               .limits = options.limits,
                               .refused = [this](SessionLimit limit) { refused.push_back(limit); }})
                  .value();
    session->closed([this](const Error& error, bool) { error_ = error; });
    peer = std::make_unique<IetfPeer>(std::move(pair.second), draft_of(options.version).version,
                                      options.side == Side::client);
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
  std::unique_ptr<IetfPeer> peer;

 private:
  std::optional<Error> error_;
};

}  // namespace moq::testing
