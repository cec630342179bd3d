#include "net/ietf/message_type.h"

#include <algorithm>

#include "net/ietf/version.h"

namespace moq::ietf {

std::string_view to_string(MessageKind kind) {
  switch (kind) {
    case MessageKind::client_setup:
      return "CLIENT_SETUP";
    case MessageKind::server_setup:
      return "SERVER_SETUP";
    case MessageKind::setup:
      return "SETUP";
    case MessageKind::goaway:
    case MessageKind::request_goaway:
      return "GOAWAY";
    case MessageKind::max_request_id:
      return "MAX_REQUEST_ID";
    case MessageKind::requests_blocked:
      return "REQUESTS_BLOCKED";
    case MessageKind::subscribe:
      return "SUBSCRIBE";
    case MessageKind::subscribe_ok:
      return "SUBSCRIBE_OK";
    case MessageKind::request_update:
      return "REQUEST_UPDATE";
    case MessageKind::request_update_ok:
      return "REQUEST_UPDATE_OK";
    case MessageKind::unsubscribe:
      return "UNSUBSCRIBE";
    case MessageKind::publish:
      return "PUBLISH";
    case MessageKind::publish_ok:
      return "PUBLISH_OK";
    case MessageKind::publish_done:
      return "PUBLISH_DONE";
    case MessageKind::fetch:
      return "FETCH";
    case MessageKind::fetch_ok:
      return "FETCH_OK";
    case MessageKind::fetch_cancel:
      return "FETCH_CANCEL";
    case MessageKind::track_status:
      return "TRACK_STATUS";
    case MessageKind::track_status_ok:
      return "TRACK_STATUS_OK";
    case MessageKind::publish_namespace:
      return "PUBLISH_NAMESPACE";
    case MessageKind::publish_namespace_done:
      return "PUBLISH_NAMESPACE_DONE";
    case MessageKind::publish_namespace_cancel:
      return "PUBLISH_NAMESPACE_CANCEL";
    case MessageKind::subscribe_namespace:
      return "SUBSCRIBE_NAMESPACE";
    case MessageKind::unsubscribe_namespace:
      return "UNSUBSCRIBE_NAMESPACE";
    case MessageKind::subscribe_tracks:
      return "SUBSCRIBE_TRACKS";
    case MessageKind::namespace_added:
      return "NAMESPACE";
    case MessageKind::namespace_done:
      return "NAMESPACE_DONE";
    case MessageKind::publish_blocked:
      return "PUBLISH_BLOCKED";
    case MessageKind::request_ok:
      return "REQUEST_OK";
    case MessageKind::request_error:
      return "REQUEST_ERROR";
  }
  return "unknown";
}

std::span<const MessageType> message_types(Version version) {
  return version_info(version).messages;
}

const MessageType* find_message(Version version, std::uint64_t type, MessageKind request) {
  for (const MessageType& row : message_types(version)) {
    if (row.type == type && row.place == Place::follows_request && row.requests.contains(request)) {
      return &row;
    }
  }
  return nullptr;
}

const MessageType* find_message(Version version, std::uint64_t type, Place place) {
  for (const MessageType& row : message_types(version)) {
    if (row.type == type && row.place == place) return &row;
  }
  return nullptr;
}

bool knows_type(Version version, std::uint64_t type) {
  return std::ranges::any_of(message_types(version),
                             [&](const MessageType& row) { return row.type == type; });
}

std::optional<std::uint64_t> type_of(Version version, MessageKind kind,
                                     std::optional<MessageKind> request) {
  const MessageType* found = nullptr;
  for (const MessageType& row : message_types(version)) {
    if (row.kind != kind) continue;
    if (request && !row.requests.empty() && !row.requests.contains(*request)) continue;
    if (found == nullptr) {
      found = &row;
    } else if (row.requests != found->requests) {
      return std::nullopt;
    }
  }
  if (found == nullptr) return std::nullopt;
  return found->type;
}

}  // namespace moq::ietf
