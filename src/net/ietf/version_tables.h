#pragma once

#include <array>
#include <cstdint>

#include "net/ietf/error.h"
#include "net/ietf/message_type.h"

/// The tables that rows of VersionInfo name, as the drafts print them. For version.cc.
namespace moq::ietf::tables {

inline constexpr KindSet kSubscriptions{MessageKind::subscribe, MessageKind::publish};

// --- Draft-14 §"Control Messages": one stream carries all.
inline constexpr std::array<MessageType, 30> kMessages14{{
    {0x20, MessageKind::client_setup, Place::control},
    {0x21, MessageKind::server_setup, Place::control},
    {0x10, MessageKind::goaway, Place::control},
    {0x15, MessageKind::max_request_id, Place::control},
    {0x1a, MessageKind::requests_blocked, Place::control},
    {0x03, MessageKind::subscribe, Place::control},
    {0x04, MessageKind::subscribe_ok, Place::control, {MessageKind::subscribe}},
    {0x05, MessageKind::request_error, Place::control, {MessageKind::subscribe}},
    {0x02, MessageKind::request_update, Place::control, kSubscriptions},
    {0x0a, MessageKind::unsubscribe, Place::control, kSubscriptions},
    {0x0b, MessageKind::publish_done, Place::control, kSubscriptions},
    {0x1d, MessageKind::publish, Place::control},
    {0x1e, MessageKind::publish_ok, Place::control, {MessageKind::publish}},
    {0x1f, MessageKind::request_error, Place::control, {MessageKind::publish}},
    {0x16, MessageKind::fetch, Place::control},
    {0x18, MessageKind::fetch_ok, Place::control, {MessageKind::fetch}},
    {0x19, MessageKind::request_error, Place::control, {MessageKind::fetch}},
    {0x17, MessageKind::fetch_cancel, Place::control, {MessageKind::fetch}},
    {0x0d, MessageKind::track_status, Place::control},
    {0x0e, MessageKind::track_status_ok, Place::control, {MessageKind::track_status}},
    {0x0f, MessageKind::request_error, Place::control, {MessageKind::track_status}},
    {0x06, MessageKind::publish_namespace, Place::control},
    {0x07, MessageKind::request_ok, Place::control, {MessageKind::publish_namespace}},
    {0x08, MessageKind::request_error, Place::control, {MessageKind::publish_namespace}},
    {0x09, MessageKind::publish_namespace_done, Place::control, {MessageKind::publish_namespace}},
    {0x0c, MessageKind::publish_namespace_cancel, Place::control, {MessageKind::publish_namespace}},
    {0x11, MessageKind::subscribe_namespace, Place::control},
    {0x12, MessageKind::request_ok, Place::control, {MessageKind::subscribe_namespace}},
    {0x13, MessageKind::request_error, Place::control, {MessageKind::subscribe_namespace}},
    {0x14, MessageKind::unsubscribe_namespace, Place::control, {MessageKind::subscribe_namespace}},
}};

// --- Draft-18 §"Control Messages", §"Session initialization".
inline constexpr KindSet kRequests18{
    MessageKind::subscribe,       MessageKind::publish,           MessageKind::fetch,
    MessageKind::track_status,    MessageKind::publish_namespace, MessageKind::subscribe_namespace,
    MessageKind::subscribe_tracks};
inline constexpr KindSet kUpdatable18{MessageKind::subscribe,
                                      MessageKind::publish,
                                      MessageKind::fetch,
                                      MessageKind::publish_namespace,
                                      MessageKind::subscribe_namespace,
                                      MessageKind::subscribe_tracks};
inline constexpr KindSet kFallible18{
    MessageKind::subscribe,        MessageKind::publish,           MessageKind::fetch,
    MessageKind::track_status,     MessageKind::publish_namespace, MessageKind::subscribe_namespace,
    MessageKind::subscribe_tracks, MessageKind::request_update};
inline constexpr KindSet kOfNamespaces18{MessageKind::publish_namespace,
                                         MessageKind::subscribe_namespace,
                                         MessageKind::subscribe_tracks};

// The table of the draft has PUBLISH_OK as 0x1E, its text has it as a REQUEST_OK, 0x7
// (and draft-19 reserves 0x1E): the second is sent, both are read.
inline constexpr std::array<MessageType, 23> kMessages18{{
    {0x2f00, MessageKind::setup, Place::control},
    {0x10, MessageKind::goaway, Place::control},
    {0x10, MessageKind::request_goaway, Place::follows_request, kRequests18},
    {0x03, MessageKind::subscribe, Place::opens_request},
    {0x04, MessageKind::subscribe_ok, Place::follows_request, {MessageKind::subscribe}},
    {0x1d, MessageKind::publish, Place::opens_request},
    {0x07, MessageKind::publish_ok, Place::follows_request, {MessageKind::publish}},
    {0x1e, MessageKind::publish_ok, Place::follows_request, {MessageKind::publish}},
    {0x0b, MessageKind::publish_done, Place::follows_request, kSubscriptions},
    {0x16, MessageKind::fetch, Place::opens_request},
    {0x18, MessageKind::fetch_ok, Place::follows_request, {MessageKind::fetch}},
    {0x0d, MessageKind::track_status, Place::opens_request},
    {0x07, MessageKind::track_status_ok, Place::follows_request, {MessageKind::track_status}},
    {0x06, MessageKind::publish_namespace, Place::opens_request},
    {0x50, MessageKind::subscribe_namespace, Place::opens_request},
    {0x51, MessageKind::subscribe_tracks, Place::opens_request},
    {0x07, MessageKind::request_ok, Place::follows_request, kOfNamespaces18},
    {0x08,
     MessageKind::namespace_added,
     Place::follows_request,
     {MessageKind::subscribe_namespace}},
    {0x0e, MessageKind::namespace_done, Place::follows_request, {MessageKind::subscribe_namespace}},
    {0x0f, MessageKind::publish_blocked, Place::follows_request, {MessageKind::subscribe_tracks}},
    {0x02, MessageKind::request_update, Place::follows_request, kUpdatable18},
    {0x07, MessageKind::request_update_ok, Place::follows_request, {MessageKind::request_update}},
    {0x05, MessageKind::request_error, Place::follows_request, kFallible18},
}};

// --- Ids of message parameters: draft-14 §"Version Specific Parameters", draft-18
// §"Message Parameters" of its IANA considerations.
inline constexpr std::array<std::uint64_t, 3> kParameterIds14{0x02, 0x03, 0x04};
inline constexpr std::array<std::uint64_t, 13> kParameterIds18{
    0x02, 0x03, 0x04, 0x06, 0x08, 0x09, 0x0a, 0x10, 0x20, 0x21, 0x22, 0x32, 0x34};

// --- Draft-14 §"Error Codes": a table for each message. TRACK_STATUS_ERROR has those of
// SUBSCRIBE_ERROR, PUBLISH_NAMESPACE_CANCEL those of PUBLISH_NAMESPACE_ERROR.
inline constexpr std::array<RequestErrorRow, 8> kSubscribeErrors14{{
    {RequestErrorCode::internal, 0x0},
    {RequestErrorCode::unauthorized, 0x1},
    {RequestErrorCode::timeout, 0x2},
    {RequestErrorCode::not_supported, 0x3},
    {RequestErrorCode::does_not_exist, 0x4},
    {RequestErrorCode::invalid_range, 0x5},
    {RequestErrorCode::malformed_auth_token, 0x10},
    {RequestErrorCode::expired_auth_token, 0x12},
}};
inline constexpr std::array<RequestErrorRow, 5> kPublishErrors14{{
    {RequestErrorCode::internal, 0x0},
    {RequestErrorCode::unauthorized, 0x1},
    {RequestErrorCode::timeout, 0x2},
    {RequestErrorCode::not_supported, 0x3},
    {RequestErrorCode::uninterested, 0x4},
}};
inline constexpr std::array<RequestErrorRow, 12> kFetchErrors14{{
    {RequestErrorCode::internal, 0x0},
    {RequestErrorCode::unauthorized, 0x1},
    {RequestErrorCode::timeout, 0x2},
    {RequestErrorCode::not_supported, 0x3},
    {RequestErrorCode::does_not_exist, 0x4},
    {RequestErrorCode::invalid_range, 0x5},
    {RequestErrorCode::no_objects, 0x6},
    {RequestErrorCode::invalid_joining_request_id, 0x7},
    {RequestErrorCode::unknown_status_in_range, 0x8},
    {RequestErrorCode::malformed_track, 0x9},
    {RequestErrorCode::malformed_auth_token, 0x10},
    {RequestErrorCode::expired_auth_token, 0x12},
}};
inline constexpr std::array<RequestErrorRow, 7> kPublishNamespaceErrors14{{
    {RequestErrorCode::internal, 0x0},
    {RequestErrorCode::unauthorized, 0x1},
    {RequestErrorCode::timeout, 0x2},
    {RequestErrorCode::not_supported, 0x3},
    {RequestErrorCode::uninterested, 0x4},
    {RequestErrorCode::malformed_auth_token, 0x10},
    {RequestErrorCode::expired_auth_token, 0x12},
}};
inline constexpr std::array<RequestErrorRow, 8> kSubscribeNamespaceErrors14{{
    {RequestErrorCode::internal, 0x0},
    {RequestErrorCode::unauthorized, 0x1},
    {RequestErrorCode::timeout, 0x2},
    {RequestErrorCode::not_supported, 0x3},
    {RequestErrorCode::does_not_exist, 0x4},
    {RequestErrorCode::prefix_overlap, 0x5},
    {RequestErrorCode::malformed_auth_token, 0x10},
    {RequestErrorCode::expired_auth_token, 0x12},
}};
inline constexpr std::array<RequestErrorTable, 5> kRequestErrors14{{
    {{MessageKind::subscribe, MessageKind::track_status}, kSubscribeErrors14},
    {{MessageKind::publish}, kPublishErrors14},
    {{MessageKind::fetch}, kFetchErrors14},
    {{MessageKind::publish_namespace}, kPublishNamespaceErrors14},
    {{MessageKind::subscribe_namespace}, kSubscribeNamespaceErrors14},
}};

// --- Draft-18 §"REQUEST_ERROR Codes".
inline constexpr std::array<RequestErrorRow, 18> kErrors18{{
    {RequestErrorCode::internal, 0x0},
    {RequestErrorCode::unauthorized, 0x1},
    {RequestErrorCode::timeout, 0x2},
    {RequestErrorCode::not_supported, 0x3},
    {RequestErrorCode::malformed_auth_token, 0x4},
    {RequestErrorCode::expired_auth_token, 0x5},
    {RequestErrorCode::going_away, 0x6},
    {RequestErrorCode::excessive_load, 0x9},
    {RequestErrorCode::does_not_exist, 0x10},
    {RequestErrorCode::invalid_range, 0x11},
    {RequestErrorCode::malformed_track, 0x12},
    {RequestErrorCode::duplicate_subscription, 0x19},
    {RequestErrorCode::uninterested, 0x20},
    {RequestErrorCode::prefix_overlap, 0x30},
    {RequestErrorCode::namespace_too_large, 0x31},
    {RequestErrorCode::invalid_joining_request_id, 0x32},
    {RequestErrorCode::unsupported_extension, 0x33},
    {RequestErrorCode::redirect, 0x34},
}};
inline constexpr std::array<RequestErrorTable, 1> kRequestErrors18{{{kFallible18, kErrors18}}};

// --- §"PUBLISH_DONE Codes".
inline constexpr std::array<PublishDoneRow, 8> kPublishDone14{{
    {PublishDoneCode::internal, 0x0},
    {PublishDoneCode::unauthorized, 0x1},
    {PublishDoneCode::track_ended, 0x2},
    {PublishDoneCode::subscription_ended, 0x3},
    {PublishDoneCode::going_away, 0x4},
    {PublishDoneCode::expired, 0x5},
    {PublishDoneCode::too_far_behind, 0x6},
    {PublishDoneCode::malformed_track, 0x7},
}};
inline constexpr std::array<PublishDoneRow, 10> kPublishDone18{{
    {PublishDoneCode::internal, 0x0},
    {PublishDoneCode::unauthorized, 0x1},
    {PublishDoneCode::track_ended, 0x2},
    {PublishDoneCode::subscription_ended, 0x3},
    {PublishDoneCode::going_away, 0x4},
    {PublishDoneCode::too_far_behind, 0x5},
    {PublishDoneCode::expired, 0x6},
    {PublishDoneCode::update_failed, 0x8},
    {PublishDoneCode::excessive_load, 0x9},
    {PublishDoneCode::malformed_track, 0x12},
}};

// --- Draft-14 §"Data Stream Reset Error Codes", draft-18 §"Stream Reset Error Codes".
inline constexpr std::array<StreamErrorRow, 4> kStreamErrors14{{
    {StreamError::internal, 0x0},
    {StreamError::cancelled, 0x1},
    {StreamError::delivery_timeout, 0x2},
    {StreamError::session_closed, 0x3},
}};
inline constexpr std::array<StreamErrorRow, 10> kStreamErrors18{{
    {StreamError::internal, 0x0},
    {StreamError::cancelled, 0x1},
    {StreamError::delivery_timeout, 0x2},
    {StreamError::session_closed, 0x3},
    {StreamError::going_away, 0x4},
    {StreamError::too_far_behind, 0x5},
    {StreamError::unknown_object_status, 0x6},
    {StreamError::expired_auth_token, 0x7},
    {StreamError::excessive_load, 0x9},
    {StreamError::malformed_track, 0x12},
}};

}  // namespace moq::ietf::tables
