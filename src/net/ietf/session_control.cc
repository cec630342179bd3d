#include <algorithm>
#include <utility>

#include "net/coding/print.h"
#include "net/coding/reader.h"
#include "net/ietf/control_stream.h"
#include "net/ietf/mapping.h"
#include "net/ietf/namespace_requests.h"
#include "net/ietf/remote_broadcast.h"
#include "net/ietf/session.h"
#include "net/ietf/track_publisher.h"

/// Session: what comes on the control stream, and GOAWAY.
namespace moq::ietf {

// --- The control stream

Result<void> Session::adopt_control(std::shared_ptr<transport::RecvStream> stream, Bytes rest,
                                    bool fin, std::uint64_t type) {
  // Both sides send theirs at once, so the peer's may come before this side's turn.
  if (control_ == nullptr) send_setup();
  if (!control_->adopt(std::move(stream), type)) {
    return moq::fail(SessionError::protocol_violation, "a second control stream");
  }
  control_->feed(std::move(rest), fin);
  return {};
}

Result<void> Session::received(const RawMessage& message) {
  const MessageType* type = find_message(version_, message.type, Place::control);
  if (type == nullptr) {
    return moq::fail(SessionError::protocol_violation,
                     fmt::format("message type {:#x} on the control stream", message.type));
  }
  if (type->kind == MessageKind::setup) {
    MOQ_TRY(const Setup setup, decode<Setup>(version_, message.body));
    return received_setup(setup.options);
  }
  if (!setup_received_) {
    return moq::fail(SessionError::protocol_violation,
                     fmt::format("{} before SETUP", to_string(type->kind)));
  }
  switch (type->kind) {
    case MessageKind::client_setup:
    case MessageKind::server_setup:
      return moq::fail(SessionError::protocol_violation, "a second SETUP");
    case MessageKind::goaway:
      return received_goaway(message.body);
    case MessageKind::max_request_id:
      return received_max_request_id(message.body);
    case MessageKind::requests_blocked:
      MOQ_CHECK_OK(decode<RequestsBlocked>(version_, message.body));
      return {};
    default:
      break;
  }
  if (type->requests.empty()) return make_request(type->kind, message, {});
  return received_about_request(type->kind, message.body);
}

Result<void> Session::received_about_request(MessageKind kind, ByteSpan body) {
  // Of the messages about a request that runs, these name it by what it is about.
  if (kind == MessageKind::publish_namespace_done) {
    MOQ_TRY(const auto done, decode<PublishNamespaceDone>(version_, body));
    const auto [first, last] = published_.equal_range(done.track_namespace);
    std::vector<NamespaceReceiver*> over;
    for (auto it = first; it != last; ++it) over.push_back(it->second);
    for (NamespaceReceiver* receiver : over) receiver->cancelled_by_peer();
    return {};
  }
  if (kind == MessageKind::publish_namespace_cancel) {
    MOQ_CHECK_OK(decode<PublishNamespaceCancel>(version_, body));
    return {};
  }
  if (kind == MessageKind::unsubscribe_namespace) {
    MOQ_TRY(const auto message, decode<UnsubscribeNamespace>(version_, body));
    for (const auto& [id, request] : requests_) {
      if (request->ours() || request->kind() != MessageKind::subscribe_namespace) continue;
      auto& publisher = static_cast<NamespacePublisher&>(*request);
      if (publisher.prefix() != message.prefix) continue;
      publisher.cancelled_by_peer();
      break;
    }
    return {};
  }
  if (kind == MessageKind::request_update) {
    MOQ_TRY(const auto update, decode<RequestUpdate>(version_, body));
    MOQ_CHECK_OK(take_peer_id(update.request_id));
    const std::uint64_t id = update.existing_request_id;
    if (id >= (id % 2 == next_peer_id_ % 2 ? next_peer_id_ : next_id_)) {
      return moq::fail(SessionError::protocol_violation, "an update of a request that never was");
    }
    const auto found = requests_.find(id);
    // It may have ended meanwhile.
    if (found == requests_.end()) return {};
    return found->second->dispatch(kind, body);
  }
  coding::Reader in(body, traits().integers);
  const auto id = in.varint();
  if (!id) return moq::fail(SessionError::protocol_violation, "a message without a request id");
  const auto found = requests_.find(*id);
  if (found == requests_.end()) return {};
  const Request& request = *found->second;
  const bool ends = kind == MessageKind::unsubscribe || kind == MessageKind::fetch_cancel;
  // A PUBLISH is served by who has made it.
  const bool served_here = request.ours() == (request.kind() == MessageKind::publish);
  const bool right = ends                                ? served_here
                     : kind == MessageKind::publish_done ? !served_here
                                                         : request.ours();
  if (!right) {
    return moq::fail(SessionError::protocol_violation,
                     fmt::format("{} about a request of the wrong side", to_string(kind)));
  }
  if (ends) {
    found->second->cancelled_by_peer();
    return {};
  }
  return found->second->dispatch(kind, body);
}

Result<void> Session::received_max_request_id(ByteSpan body) {
  MOQ_TRY(const auto message, decode<MaxRequestId>(version_, body));
  if (message.request_id <= max_id_) {
    return moq::fail(SessionError::protocol_violation, "MAX_REQUEST_ID does not increase");
  }
  max_id_ = message.request_id;
  while (!waiting_requests_.empty() && next_id_ < max_id_ && !closed_ && !goaway_received_) {
    const auto make = std::move(waiting_requests_.front());
    waiting_requests_.pop_front();
    make();
  }
  return {};
}

// --- GOAWAY

void Session::send_goaway(const std::string& uri, Duration timeout) {
  if (closed_ || goaway_id_) return;
  goaway_id_ = next_peer_id_;
  // A client has nowhere to send a server to.
  const auto bytes = encode(version_, Goaway{.uri = config_.side == Side::client ? "" : uri,
                                             .timeout = timeout,
                                             .request_id = *goaway_id_});
  if (bytes) send_control(*bytes);
}

std::size_t Session::move(const Path& path, const std::string& uri, Duration timeout) {
  if (closed_ || traits().requests != RequestCarrier::request_streams) return 0;
  if (!path.has_prefix(scope_.root)) return 0;
  const TrackNamespace name = to_namespace(path.without(scope_.root));
  std::vector<TrackPublisher*> found;
  for (const auto& [id, request] : requests_) {
    TrackPublisher* each = publisher(request);
    if (each != nullptr && each->name().track_namespace == name) found.push_back(each);
  }
  for (TrackPublisher* each : found) each->send_goaway(uri, timeout);
  return found.size();
}

void Session::move_to(const std::string& uri) {
  if (std::exchange(moved_, true) || goaway_received_ || events_ == nullptr) return;
  events_->on_goaway(uri);
}

Result<void> Session::received_goaway(ByteSpan body) {
  MOQ_TRY(const auto message, decode<Goaway>(version_, body));
  if (std::exchange(goaway_received_, true)) {
    return moq::fail(SessionError::protocol_violation, "a second GOAWAY");
  }
  if (config_.side == Side::server && !message.uri.empty()) {
    return moq::fail(SessionError::protocol_violation, "a client's GOAWAY has a URI");
  }
  if (traits().has_goaway_request_id && message.request_id % 2 != next_id_ % 2) {
    return moq::fail(SessionError::invalid_request_id, "GOAWAY names a request of its sender's");
  }
  std::string where;
  // A query may have a token.
  const std::string uri = message.uri.substr(0, message.uri.find('?'));
  if (!uri.empty()) coding::print_value(where, uri);
  log::info("{}: the peer is going away{}{}", name_, message.uri.empty() ? "" : ": ", where);
  waiting_requests_.clear();
  for (NamespaceRequest* request : namespaces_) request->set_draining();
  for (const auto& [name, weak] : broadcasts_) {
    if (const auto broadcast = weak.lock()) broadcast->set_draining();
  }
  if (events_ != nullptr && !moved_) events_->on_goaway(message.uri);
  check_idle();
  return {};
}

bool Session::told_of_end() const {
  return control_ == nullptr || control_->queue().acknowledged() >= media_end_;
}

void Session::check_idle() {
  if (!goaway_received_ || media_ != 0 || idle_posted_) return;
  if (!told_of_end()) {
    control_->queue().when_acknowledged(media_end_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->check_idle();
    });
    return;
  }
  idle_posted_ = true;
  // What ends may be followed by something in the same turn.
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->idle_posted_ = false;
    if (self->events_ != nullptr && !self->closed_ && self->media_ == 0) self->events_->on_idle();
  });
}

}  // namespace moq::ietf
