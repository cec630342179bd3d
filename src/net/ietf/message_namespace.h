#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "net/ietf/message_subscribe.h"

/// The messages that concern namespaces. See message.h.
namespace moq::ietf {

/// The fields of a published namespace, which may have no fields since draft-17.
template <typename M>
[[nodiscard]] constexpr auto namespace_fields(TrackNamespace M::*member) {
  return std::tuple(field("track_namespace", member, kNamespace15, until(Version::draft15)),
                    field("track_namespace", member, kNamespace16, only(Version::draft16)),
                    field("track_namespace", member, kNamespace, since(Version::draft17)));
}
/// Of a prefix, which may have none since draft-16; and before, as those who want to hear
/// of everything send it all the same.
template <typename M>
[[nodiscard]] constexpr auto prefix_fields(TrackNamespace M::*member) {
  return std::tuple(field("prefix", member, kPrefix15, until(Version::draft15)),
                    field("prefix", member, kNamespace, since(Version::draft16)));
}

/// There are tracks in a namespace.
struct PublishNamespace {
  std::uint64_t request_id = 0;
  TrackNamespace track_namespace = {};
  std::vector<Token> tokens = {};

  static constexpr std::string_view kName = "PUBLISH_NAMESPACE";
  static constexpr MessageKind kKind = MessageKind::publish_namespace;
  static constexpr auto fields() {
    using M = PublishNamespace;
    return std::tuple_cat(std::tuple(field("request_id", &M::request_id, kNumber)),
                          namespace_fields(&M::track_namespace));
  }
  static constexpr auto message_parameters() {
    return std::tuple(param("token", 0x03, &PublishNamespace::tokens, TokenValue{}));
  }
  friend bool operator==(const PublishNamespace&, const PublishNamespace&) = default;
};

/// No longer.
struct PublishNamespaceDone {
  TrackNamespace track_namespace = {};  ///< up to draft-15
  std::uint64_t request_id = 0;         ///< draft-16

  static constexpr std::string_view kName = "PUBLISH_NAMESPACE_DONE";
  static constexpr MessageKind kKind = MessageKind::publish_namespace_done;
  static constexpr auto versions() { return until(Version::draft16); }
  static constexpr auto fields() {
    using M = PublishNamespaceDone;
    return std::tuple(
        field("track_namespace", &M::track_namespace, kNamespace15, until(Version::draft15)),
        field("request_id", &M::request_id, kNumber, only(Version::draft16)));
  }
  friend bool operator==(const PublishNamespaceDone&, const PublishNamespaceDone&) = default;
};

/// The subscriber wants to hear no more of a namespace.
struct PublishNamespaceCancel {
  TrackNamespace track_namespace = {};  ///< up to draft-15
  std::uint64_t request_id = 0;         ///< draft-16
  std::uint64_t error = 0;              ///< as for the failure of a PUBLISH_NAMESPACE
  std::string reason = {};

  static constexpr std::string_view kName = "PUBLISH_NAMESPACE_CANCEL";
  static constexpr MessageKind kKind = MessageKind::publish_namespace_cancel;
  static constexpr auto versions() { return until(Version::draft16); }
  static constexpr auto fields() {
    using M = PublishNamespaceCancel;
    return std::tuple(
        field("track_namespace", &M::track_namespace, kNamespace15, until(Version::draft15)),
        field("request_id", &M::request_id, kNumber, only(Version::draft16)),
        field("error", &M::error, kNumber), field("reason", &M::reason, kReason));
  }
  friend bool operator==(const PublishNamespaceCancel&, const PublishNamespaceCancel&) = default;
};

/// Asks for namespaces with a prefix; in draft-14, and 15, for their tracks too.
struct SubscribeNamespace {
  std::uint64_t request_id = 0;
  TrackNamespace prefix = {};
  std::vector<Token> tokens = {};

  static constexpr std::string_view kName = "SUBSCRIBE_NAMESPACE";
  static constexpr MessageKind kKind = MessageKind::subscribe_namespace;
  static constexpr auto fields() {
    using M = SubscribeNamespace;
    return std::tuple_cat(std::tuple(field("request_id", &M::request_id, kNumber)),
                          prefix_fields(&M::prefix));
  }
  static constexpr auto message_parameters() {
    return std::tuple(param("token", 0x03, &SubscribeNamespace::tokens, TokenValue{}));
  }
  friend bool operator==(const SubscribeNamespace&, const SubscribeNamespace&) = default;
};

struct UnsubscribeNamespace {
  TrackNamespace prefix = {};    ///< draft-14
  std::uint64_t request_id = 0;  ///< draft-15

  static constexpr std::string_view kName = "UNSUBSCRIBE_NAMESPACE";
  static constexpr MessageKind kKind = MessageKind::unsubscribe_namespace;
  static constexpr auto versions() { return until(Version::draft15); }
  static constexpr auto fields() {
    using M = UnsubscribeNamespace;
    return std::tuple(field("prefix", &M::prefix, kPrefix15, until(Version::draft14)),
                      field("request_id", &M::request_id, kNumber, only(Version::draft15)));
  }
  friend bool operator==(const UnsubscribeNamespace&, const UnsubscribeNamespace&) = default;
};

/// Asks for a PUBLISH of each track in namespaces with a prefix.
struct SubscribeTracks {
  std::uint64_t request_id = 0;
  TrackNamespace prefix = {};
  bool forward = true;  ///< of those subscriptions
  std::vector<Token> tokens = {};

  static constexpr std::string_view kName = "SUBSCRIBE_TRACKS";
  static constexpr MessageKind kKind = MessageKind::subscribe_tracks;
  static constexpr auto versions() { return since(Version::draft18); }
  static constexpr auto fields() {
    using M = SubscribeTracks;
    return std::tuple_cat(std::tuple(field("request_id", &M::request_id, kNumber)),
                          prefix_fields(&M::prefix));
  }
  static constexpr auto message_parameters() {
    using M = SubscribeTracks;
    return std::tuple(param("token", 0x03, &M::tokens, TokenValue{}),
                      param("forward", 0x10, &M::forward, kFlagValue));
  }
  friend bool operator==(const SubscribeTracks&, const SubscribeTracks&) = default;
};

/// NAMESPACE: there is one with the prefix that was asked for.
struct NamespaceAdded {
  TrackNamespace suffix = {};

  static constexpr std::string_view kName = "NAMESPACE";
  static constexpr MessageKind kKind = MessageKind::namespace_added;
  static constexpr auto versions() { return since(Version::draft16); }
  static constexpr auto fields() {
    return std::tuple(field("suffix", &NamespaceAdded::suffix, kNamespace));
  }
  friend bool operator==(const NamespaceAdded&, const NamespaceAdded&) = default;
};

struct NamespaceDone {
  TrackNamespace suffix = {};

  static constexpr std::string_view kName = "NAMESPACE_DONE";
  static constexpr MessageKind kKind = MessageKind::namespace_done;
  static constexpr auto versions() { return since(Version::draft16); }
  static constexpr auto fields() {
    return std::tuple(field("suffix", &NamespaceDone::suffix, kNamespace));
  }
  friend bool operator==(const NamespaceDone&, const NamespaceDone&) = default;
};

/// A track that cannot be published to who asked for it by SUBSCRIBE_TRACKS.
struct PublishBlocked {
  FullTrackName track = {};  ///< with the suffix of its namespace

  static constexpr std::string_view kName = "PUBLISH_BLOCKED";
  static constexpr MessageKind kKind = MessageKind::publish_blocked;
  static constexpr auto versions() { return since(Version::draft17); }
  static constexpr auto fields() {
    return std::tuple(field("track", &PublishBlocked::track, FullNameCodec{}));
  }
  friend bool operator==(const PublishBlocked&, const PublishBlocked&) = default;
};

}  // namespace moq::ietf
