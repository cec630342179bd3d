#include "moq-interop-client/peer.h"

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "moq-interop-client/describe.h"
#include "native/client/url.h"
#include "net/base/log.h"
#include "net/coding/reader.h"
#include "net/transport/error.h"

namespace moq::interop {

namespace {

constexpr Duration kSetupTimeout = std::chrono::seconds(60);  // a case has its own limit
constexpr const char* kImplementation = "moq-cpp";

}  // namespace

Peer::Peer(native::EventLoop& events, native::Dialer& dialer, Target target, std::string role)
    : events_(events),
      target_(std::move(target)),
      role_(std::move(role)),
      received_(
          {.control =
               [this](std::unique_ptr<Pipe> pipe, std::uint64_t type, Bytes rest, bool fin) {
                 if (control_reader_ != nullptr) {
                   return violated(
                       Error(SessionError::protocol_violation, "a second control stream"));
                 }
                 control_in_ = std::move(pipe);
                 control_reader_ = std::make_unique<ietf::MessageReader>(version_->integers);
                 control_reader_->begin(type);
                 control_in_->set_events(
                     {.data = [this](Bytes data, bool end) { control_data(std::move(data), end); },
                      .gone = nullptr});
                 control_data(std::move(rest), fin);
               },
           .violation = [this](const Error& error) { violated(error); }}) {
  dial_ = dialer.connect(*target_.url, [this](auto session) { dialled(std::move(session)); });
}

Peer::~Peer() {
  close();
  dial_.reset();
  negotiation_.reset();
  if (transport_ != nullptr) transport_->set_handler(nullptr);
}

void Peer::close() {
  if (std::exchange(closing_, true) || transport_ == nullptr || over()) return;
  transport_->close(static_cast<std::uint64_t>(SessionError::no_error), "");
}

// --- How it begins and ends

void Peer::dialled(Result<std::shared_ptr<transport::Session>> session) {
  if (!session) return ended("no connection: " + session.error().message());
  const auto possible = candidates(target_.versions, (*session)->protocol());
  if (possible.empty()) {
    return ended(fmt::format("no connection: the relay chose \"{}\", which was not offered",
                             (*session)->protocol()));
  }
  transport_ = *std::move(session);
  if (!possible.front()->by_setup) return begin(*possible.front());
  negotiation_ = std::make_unique<Negotiation>(events_.loop(), transport_,
                                               Negotiation::Config{.side = Side::client,
                                                                   .versions = possible,
                                                                   .path = target_.url->target(),
                                                                   .timeout = kSetupTimeout},
                                               static_cast<Negotiation::Events&>(*this));
}

void Peer::begin(const ProtocolVersion& version) {
  version_ = &ietf::version_info(std::get<ietf::Version>(version.version));
  received_.set_version(version_->version);
  max_id_ = version_->has_max_request_id ? 0 : ~std::uint64_t{0};
  log::debug("{}: {} at {}", role_, version_->name, transport_->peer_address());
  if (version_->setup == ietf::SetupForm::client_and_server) return;
  transport_->set_handler(this);
  begin_control();
}

void Peer::begin_control() {
  ietf::SetupOptions options;
  if (!transport_->traits().carries_path) {
    options.path = target_.url->target();
    options.authority = target_.url->authority();
  }
  options.implementation = kImplementation;
  control_out_ = Pipe::open_uni(*transport_, {});
  const auto bytes = encoded(ietf::Setup{.options = std::move(options)});
  control_out_->write(bytes);
  log::debug("{}: sent SETUP", role_);
}

void Peer::on_negotiated(Negotiated result) {
  // It is at work, and says nothing more.
  const std::unique_ptr<Negotiation> done = std::move(negotiation_);
  begin(*result.version);
  if (const auto* limit = setup::find(result.parameters, setup::kMaxRequestId)) {
    max_id_ = limit->number;
  }
  up_ = true;
  log::debug("{}: got SERVER_SETUP, {} requests allowed", role_, (max_id_ + 1) / 2);
  control_reader_ = std::make_unique<ietf::MessageReader>(version_->integers);
  const Bytes rest = result.stream.received;
  const bool fin = result.stream.fin;
  control_out_ =
      Pipe::adopt(std::move(result.stream),
                  {.data = [this](Bytes data, bool end) { control_data(std::move(data), end); },
                   .gone = nullptr});
  transport_->set_handler(this);
  for (transport::Stream& stream : result.waiting) {
    if (stream.send == nullptr) {
      on_uni(std::move(stream.recv));
    } else {
      on_bidi(std::move(stream));
    }
  }
  control_data(rest, fin);
}

void Peer::on_negotiation_failed(SessionError code, std::string reason) {
  const std::unique_ptr<Negotiation> done = std::move(negotiation_);
  transport_->close(static_cast<std::uint64_t>(code), reason);
  ended("no version was agreed on: " + reason);
}

void Peer::on_transport_closed(const Error& error, bool by_peer) {
  const std::unique_ptr<Negotiation> done = std::move(negotiation_);
  on_closed(error, by_peer);
}

void Peer::on_closed(const Error& error, bool by_peer) {
  const bool named = &error.domain() == &error_domain(transport::ApplicationError{});
  const Error told =
      named ? Error(error_domain(SessionError::no_error), error.code(), error.detail()) : error;
  ended((by_peer ? "the relay closed the session: " : "the session is lost: ") + told.message());
}

void Peer::ended(std::string fate) {
  if (closing_ || over()) return;
  log::debug("{}: {}", role_, fate);
  fate_ = std::move(fate);
}

void Peer::violated(const Error& error) {
  if (over()) return;
  const Error told = to_session_error(error);
  ended("the relay violates the protocol: " + told.message());
  transport_->close(told.code(), told.detail());
}

// --- Requests of ours

template <typename M>
std::vector<std::uint8_t> Peer::encoded(const M& message, std::optional<ietf::MessageKind> about) {
  // What is sent here are values that every draft can say.
  return *ietf::encode(version_->version, message, about);
}

// The requests that cases make.
template std::vector<std::uint8_t> Peer::encoded(const ietf::PublishNamespace&,
                                                 std::optional<ietf::MessageKind>);
template std::vector<std::uint8_t> Peer::encoded(const ietf::Subscribe&,
                                                 std::optional<ietf::MessageKind>);
template std::vector<std::uint8_t> Peer::encoded(const ietf::Fetch&,
                                                 std::optional<ietf::MessageKind>);

Asked& Peer::make(ietf::MessageKind kind, std::uint64_t id,
                  const std::vector<std::uint8_t>& bytes) {
  next_id_ = id + 2;
  Asked& request = *(asked_[id] = std::make_unique<Asked>());
  request.id = id;
  request.kind = kind;
  log::debug("{}: sent {}, request {}", role_, to_string(kind), id);
  if (version_->requests == ietf::RequestCarrier::control_stream) {
    control_out_->write(bytes);
    return request;
  }
  request.reader = std::make_unique<ietf::MessageReader>(version_->integers);
  request.pipe = Pipe::open_bidi(*transport_, {.data =
                                                   [this, &request](Bytes data, bool fin) {
                                                     answer_data(request, std::move(data), fin);
                                                   },
                                               .gone = nullptr});
  request.pipe->write(bytes);
  return request;
}

void Peer::withdraw(const Asked& request, const ietf::TrackNamespace& name) {
  log::debug("{}: withdraws request {}", role_, request.id);
  if (version_->has_cancel_messages) {
    control_out_->write(
        encoded(ietf::PublishNamespaceDone{.track_namespace = name, .request_id = request.id}));
    return;
  }
  request.pipe->cancel(ietf::wire_code(version_->version, ietf::StreamError::cancelled));
}

void Peer::answer_data(Asked& request, Bytes data, bool fin) {
  if (over()) return;
  request.reader->feed(std::move(data), fin);
  while (true) {
    const auto message = request.reader->next();
    if (!message) return violated(message.error());
    if (!*message) return;
    const auto* type = ietf::find_message(version_->version, (*message)->type, request.kind);
    if (type == nullptr) {
      return violated(Error(SessionError::protocol_violation,
                            fmt::format("message type {:#x} in answer to {}", (*message)->type,
                                        to_string(request.kind))));
    }
    auto text = describe(version_->version, type->kind, (*message)->body);
    if (!text) return violated(text.error());
    answered(request, type->kind, (*message)->body, *std::move(text));
  }
}

void Peer::answered(Asked& request, ietf::MessageKind kind, const Bytes& body, std::string text) {
  log::debug("{}: got {} to request {}", role_, text, request.id);
  request.answers.push_back({.kind = kind, .body = body, .text = std::move(text)});
}

// --- The control stream

void Peer::control_data(Bytes data, bool fin) {
  if (over() || closing_) return;
  control_reader_->feed(std::move(data), fin);
  while (!over()) {
    const auto message = control_reader_->next();
    if (!message) return violated(message.error());
    if (!*message) break;
    if (const auto done = control_message(**message); !done) return violated(done.error());
  }
}

Result<void> Peer::control_message(const ietf::RawMessage& message) {
  const auto* type = ietf::find_message(version_->version, message.type, ietf::Place::control);
  if (type == nullptr) {
    return fail(SessionError::protocol_violation,
                fmt::format("message type {:#x} on the control stream", message.type));
  }
  MOQ_TRY(const std::string text, describe(version_->version, type->kind, message.body));
  switch (type->kind) {
    case ietf::MessageKind::setup:
      if (std::exchange(up_, true)) return fail(SessionError::protocol_violation, "a second SETUP");
      log::debug("{}: got {}", role_, text);
      return {};
    case ietf::MessageKind::max_request_id:
      log::debug("{}: got {}", role_, text);
      max_id_ = ietf::decode<ietf::MaxRequestId>(version_->version, message.body)->request_id;
      return {};
    case ietf::MessageKind::goaway:
    case ietf::MessageKind::requests_blocked:
      log::debug("{}: got {}", role_, text);
      return {};
    case ietf::MessageKind::client_setup:
    case ietf::MessageKind::server_setup:
      return fail(SessionError::protocol_violation, "a second SETUP");
    default:
      break;
  }
  if (!up_) return fail(SessionError::protocol_violation, text + " before SETUP");
  if (type->requests.empty()) {
    const auto request = std::make_shared<Served>(Served{
        .kind = type->kind, .pipe = nullptr, .reader = ietf::MessageReader(version_->integers)});
    served_.push_back(request);
    return serve(request, type->kind, message.body);
  }
  return about_request(type->kind, message.body);
}

Result<void> Peer::about_request(ietf::MessageKind kind, const Bytes& body) {
  switch (kind) {
    // They name a namespace, of which nothing is kept here.
    case ietf::MessageKind::publish_namespace_done:
    case ietf::MessageKind::publish_namespace_cancel:
    case ietf::MessageKind::unsubscribe_namespace:
      return {};
    case ietf::MessageKind::request_update: {
      const auto message = *ietf::decode<ietf::RequestUpdate>(version_->version, body);
      const auto found = std::ranges::find_if(
          served_, [&](const auto& each) { return each->id == message.existing_request_id; });
      return found == served_.end() ? Result<void>{} : update(*found, body);
    }
    default:
      break;
  }
  coding::Reader in(body, version_->integers);
  MOQ_TRY(const std::uint64_t id, in.varint());
  if (kind == ietf::MessageKind::unsubscribe || kind == ietf::MessageKind::fetch_cancel) {
    for (const auto& track : published_) track->unsubscribe(id);
    return {};
  }
  const auto found = asked_.find(id);
  if (found == asked_.end()) {
    return fail(SessionError::protocol_violation,
                fmt::format("{} to request {}, which was not made", to_string(kind), id));
  }
  answered(*found->second, kind, body, *describe(version_->version, kind, body));
  return {};
}

// --- Streams of the relay's

void Peer::on_uni(std::shared_ptr<transport::RecvStream> stream) {
  received_.take(*transport_, std::move(stream));
}

void Peer::on_bidi(transport::Stream stream) {
  const auto request = std::make_shared<Served>(
      Served{.kind = {}, .pipe = nullptr, .reader = ietf::MessageReader(version_->integers)});
  served_.push_back(request);
  const std::weak_ptr weak = request;
  request->pipe = Pipe::adopt(*transport_, std::move(stream),
                              {.data =
                                   [this, weak](Bytes data, bool fin) {
                                     if (const auto served = weak.lock())
                                       served_data(served, std::move(data), fin);
                                   },
                               .gone =
                                   [weak] {
                                     const auto served = weak.lock();
                                     if (served != nullptr && served->track != nullptr) {
                                       served->track->unsubscribe(served->id);
                                     }
                                   }});
}

void Peer::served_data(const std::shared_ptr<Served>& request, Bytes data, bool fin) {
  if (over() || closing_) return;
  request->reader.feed(std::move(data), fin);
  while (!over()) {
    const auto message = request->reader.next();
    if (!message) return violated(message.error());
    if (!*message) return;
    const ietf::RawMessage& raw = **message;
    const auto* type =
        request->begun
            ? ietf::find_message(version_->version, raw.type, request->kind)
            : ietf::find_message(version_->version, raw.type, ietf::Place::opens_request);
    if (type == nullptr) {
      return violated(Error(SessionError::protocol_violation,
                            fmt::format("message type {:#x} on a request's stream", raw.type)));
    }
    if (const auto text = describe(version_->version, type->kind, raw.body); !text) {
      return violated(text.error());
    }
    Result<void> done;
    if (!std::exchange(request->begun, true)) {
      done = serve(request, type->kind, raw.body);
    } else if (type->kind == ietf::MessageKind::request_update) {
      done = update(request, raw.body);
    }
    if (!done) return violated(done.error());
  }
}

// --- Requests of the relay's

template <typename M>
void Peer::reply(const Served& request, const M& message) {
  const ietf::MessageKind about =
      std::is_same_v<M, ietf::RequestUpdateOk> ? ietf::MessageKind::request_update : request.kind;
  const auto bytes = encoded(message, about);
  log::debug("{}: answers request {} of the relay's with {}", role_, request.id, M::kName);
  (request.pipe != nullptr ? *request.pipe : *control_out_).write(bytes);
}

void Peer::refuse(const Served& request, ietf::RequestErrorCode code, std::string reason) {
  reply(request, ietf::RequestError{
                     .request_id = request.id,
                     .failure = {.code = ietf::wire_code(version_->version, request.kind, code),
                                 .reason = std::move(reason)}});
  if (request.pipe != nullptr) request.pipe->finish();
}

Result<void> Peer::serve(const std::shared_ptr<Served>& request, ietf::MessageKind kind,
                         const Bytes& body) {
  request->kind = kind;
  coding::Reader in(body, version_->integers);
  MOQ_TRY(request->id, in.varint());
  log::debug("{}: got {}", role_, *describe(version_->version, kind, body));
  switch (kind) {
    case ietf::MessageKind::subscribe:
      return serve_subscribe(request, body);
    case ietf::MessageKind::fetch:
      return serve_fetch(request, body);
    // What the relay has, and what it wants to hear of: neither matters to a case.
    case ietf::MessageKind::publish_namespace:
    case ietf::MessageKind::subscribe_namespace:
      reply(*request, ietf::RequestOk{.request_id = request->id});
      return {};
    default:
      refuse(*request, ietf::RequestErrorCode::not_supported, "not by this client");
      return {};
  }
}

Result<void> Peer::serve_subscribe(const std::shared_ptr<Served>& request, const Bytes& body) {
  const auto message = *ietf::decode<ietf::Subscribe>(version_->version, body);
  request->track = find(message.track);
  if (request->track == nullptr) {
    refuse(*request, ietf::RequestErrorCode::does_not_exist, "there is no such track");
    return {};
  }
  const std::uint64_t alias = next_alias_++;
  reply(*request,
        ietf::SubscribeOk{
            .request_id = request->id, .track_alias = alias, .largest = request->track->largest()});
  request->track->subscribe(request->id, alias, message);
  return {};
}

Result<void> Peer::serve_fetch(const std::shared_ptr<Served>& request, const Bytes& body) {
  const auto message = *ietf::decode<ietf::Fetch>(version_->version, body);
  const bool joins = message.range.type != ietf::FetchType::standalone;
  if (joins) {
    const auto joined = std::ranges::find_if(served_, [&](const auto& each) {
      return each->id == message.range.joining_request_id && each->track != nullptr;
    });
    if (joined != served_.end()) request->track = (*joined)->track;
  } else {
    request->track = find(message.range.track);
  }
  if (request->track == nullptr) {
    refuse(*request, ietf::RequestErrorCode::does_not_exist, "there is no such track");
    return {};
  }
  PublishedTrack& track = *std::exchange(request->track, nullptr);
  MOQ_TRY(const auto stream, track.fetch(request->id, message.range));
  if (!stream) {
    refuse(*request, ietf::RequestErrorCode::invalid_range, "there is nothing");
    return {};
  }
  reply(*request,
        ietf::FetchOk{.request_id = request->id, .end = track.bounds(message.range).second});
  data_out_.push_back(Pipe::open_uni(*transport_, {}));
  data_out_.back()->write(*stream);
  data_out_.back()->finish();
  return {};
}

Result<void> Peer::update(const std::shared_ptr<Served>& request, const Bytes& body) {
  const auto message = *ietf::decode<ietf::RequestUpdate>(version_->version, body);
  if (request->track != nullptr && message.forward) {
    request->track->forward(request->id, *message.forward);
  }
  if (version_->updates_are_answered) {
    reply(*request, ietf::RequestUpdateOk{.request_id = message.request_id});
  }
  return {};
}

PublishedTrack& Peer::publish(ietf::FullTrackName name) {
  published_.push_back(std::make_unique<PublishedTrack>(*transport_, *version_, std::move(name)));
  return *published_.back();
}

PublishedTrack* Peer::find(const ietf::FullTrackName& name) const {
  const auto found =
      std::ranges::find_if(published_, [&](const auto& each) { return each->name() == name; });
  return found == published_.end() ? nullptr : found->get();
}

}  // namespace moq::interop
