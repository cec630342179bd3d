#include "net/session/negotiation.h"

#include <algorithm>
#include <utility>

namespace moq {

namespace {

/// moq-transport has codes of its own for what must not be there.
bool is_transport(const ProtocolVersion& version) { return version.max_request_id != 0; }

/// That nothing says where the session is to: a client says so where the transport does not.
Result<void> check_no_target(const setup::Parameters& parameters, const ProtocolVersion& version) {
  if (setup::find(parameters, setup::kPath) != nullptr) {
    return fail(
        is_transport(version) ? SessionError::invalid_path : SessionError::protocol_violation,
        "SETUP has a PATH that it must not have");
  }
  if (is_transport(version) && setup::find(parameters, setup::kAuthority) != nullptr) {
    return fail(SessionError::invalid_authority, "SETUP has an AUTHORITY that it must not have");
  }
  return {};
}

Result<void> check_path(const std::string& path) {
  if (path.size() > Negotiation::kMaxPath) {
    return fail(SessionError::protocol_violation,
                "a PATH of " + std::to_string(path.size()) + " bytes in SETUP");
  }
  // An empty path stands for none in some implementations.
  if (!path.empty() && !path.starts_with('/')) {
    return fail(SessionError::malformed_path, "the PATH in SETUP does not begin with '/'");
  }
  return {};
}

}  // namespace

Negotiation::Negotiation(Loop& loop, std::shared_ptr<transport::Session> transport, Config config,
                         Events& events)
    : loop_(loop),
      transport_(std::move(transport)),
      config_(std::move(config)),
      events_(events),
      timer_(loop,
             [this] { fail_with(SessionError::control_message_timeout, "SETUP took too long"); }),
      reader_(config_.side == Side::client ? setup::Type::server : setup::Type::client) {
  timer_.arm(later(loop.now(), config_.timeout));
  transport_->set_handler(this);
  result_.stream.queue = std::make_shared<transport::SendQueue>();
  if (config_.side == Side::server) return;
  setup::ClientSetup message;
  for (const ProtocolVersion* version : config_.versions) message.versions.push_back(version->code);
  grant(message.parameters);
  if (!transport_->traits().carries_path) {
    message.parameters.push_back(
        {.id = setup::kPath,
         .bytes = config_.path.starts_with('/') ? config_.path : "/" + config_.path});
    const bool wanted = std::ranges::any_of(
        config_.versions, [](const ProtocolVersion* each) { return is_transport(*each); });
    if (wanted && !config_.authority.empty()) {
      message.parameters.push_back({.id = setup::kAuthority, .bytes = config_.authority});
    }
  }
  result_.stream.queue->push(Bytes::copy_of(setup::encode(message)));
  result_.stream.stream = transport_->open_bidi(
      {.band = transport::Priority::Band::control},
      std::make_unique<transport::QueueSource>(result_.stream.queue), this, this);
}

Negotiation::~Negotiation() {
  if (over_) return;
  transport_->set_handler(nullptr);
  const transport::Stream& stream = result_.stream.stream;
  if (stream.send != nullptr) stream.send->set_handler(nullptr);
  if (stream.recv != nullptr) stream.recv->set_handler(nullptr);
}

void Negotiation::on_uni(std::shared_ptr<transport::RecvStream> stream) {
  wait({.send = nullptr, .recv = std::move(stream)});
}

void Negotiation::on_bidi(transport::Stream stream) {
  transport::RunningStream& running = result_.stream;
  if (config_.side == Side::client || running.stream.recv != nullptr) {
    return wait(std::move(stream));
  }
  running.stream = std::move(stream);
  transport_->attach(*running.stream.send, {.band = transport::Priority::Band::control},
                     std::make_unique<transport::QueueSource>(running.queue), this);
  running.stream.recv->set_handler(this);
}

void Negotiation::wait(transport::Stream stream) {
  // The transport keeps what comes on it, within its window.
  if (result_.waiting.size() < kMaxWaiting) result_.waiting.push_back(std::move(stream));
}

void Negotiation::on_data(Bytes data, bool fin) {
  if (over_) return;
  const auto body = reader_.feed(data, fin);
  if (!body) return fail_with(SessionError::protocol_violation, body.error().message());
  if (!*body) return;
  if (const auto done = received(**body); !done) {
    const Error error = to_session_error(done.error());
    return fail_with(static_cast<SessionError>(error.code()), error.detail());
  }
  result_.stream.received = reader_.take_rest();
  result_.stream.fin = fin;
  over_ = true;
  timer_.cancel();
  events_.on_negotiated(std::move(result_));
}

Result<void> Negotiation::received(ByteSpan body) {
  return config_.side == Side::client ? received_server_setup(body) : received_client_setup(body);
}

const ProtocolVersion* Negotiation::acceptable(std::uint64_t code) const {
  const auto found = std::ranges::find(config_.versions, code, &ProtocolVersion::code);
  return found == config_.versions.end() ? nullptr : *found;
}

Result<void> Negotiation::received_client_setup(ByteSpan body) {
  MOQ_TRY(auto message, setup::decode_client(body));
  // The client's order decides, as in the reference.
  for (const std::uint64_t code : message.versions) {
    result_.version = acceptable(code);
    if (result_.version != nullptr) break;
  }
  if (result_.version == nullptr) {
    return fail(SessionError::version_negotiation, "the client offers no version of ours");
  }
  if (transport_->traits().carries_path) {
    MOQ_CHECK_OK(check_no_target(message.parameters, *result_.version));
  } else if (const setup::Parameter* path = setup::find(message.parameters, setup::kPath)) {
    MOQ_CHECK_OK(check_path(path->bytes));
    result_.path = path->bytes;
  }
  result_.parameters = std::move(message.parameters);
  setup::ServerSetup answer{.version = result_.version->code};
  config_.versions = {result_.version};
  grant(answer.parameters);
  result_.stream.queue->push(Bytes::copy_of(setup::encode(answer)));
  result_.stream.stream.send->ready();
  return {};
}

Result<void> Negotiation::received_server_setup(ByteSpan body) {
  MOQ_TRY(auto message, setup::decode_server(body));
  result_.version = acceptable(message.version);
  if (result_.version == nullptr) {
    return fail(SessionError::version_negotiation,
                "the server took a version that was not offered");
  }
  MOQ_CHECK_OK(check_no_target(message.parameters, *result_.version));
  result_.parameters = std::move(message.parameters);
  return {};
}

void Negotiation::grant(setup::Parameters& parameters) const {
  for (const ProtocolVersion* version : config_.versions) {
    if (version->max_request_id == 0) continue;
    parameters.push_back({.id = setup::kMaxRequestId, .number = version->max_request_id});
    parameters.push_back({.id = setup::kMaxTokenCache, .number = version->max_token_cache});
    return;
  }
}

void Negotiation::on_reset(std::uint64_t /*code*/) { stream_ended(); }
void Negotiation::on_send_stopped(std::uint64_t /*code*/) { stream_ended(); }

void Negotiation::stream_ended() {
  // Streams hear of a closed connection before the session does: it may be that.
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    fail_with(SessionError::protocol_violation, "the stream of SETUP was reset");
  });
}

void Negotiation::on_closed(const Error& error, bool by_peer) {
  if (std::exchange(over_, true)) return;
  timer_.cancel();
  events_.on_transport_closed(error, by_peer);
}

void Negotiation::fail_with(SessionError code, std::string reason) {
  if (over_) return;
  timer_.cancel();
  events_.on_negotiation_failed(code, std::move(reason));
}

}  // namespace moq
