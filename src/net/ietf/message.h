#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "net/ietf/message_fetch.h"
#include "net/ietf/message_namespace.h"
#include "net/ietf/message_setup.h"
#include "net/ietf/message_subscribe.h"

/// The control messages of moq-transport, each one struct for all drafts. A message
/// declares `fields()` (net/coding/fields.h), then the parameters that may come in it,
/// `message_parameters()` or `setup_options()` (parameter.h), then the
/// `trailing_fields()` behind those; each with the drafts that have it. What a draft
/// does not carry keeps its default.
///
/// On the wire each is its type, 16 bits of length, and that. The type, and where the
/// message may come, is in message_type.h.
namespace moq::ietf {

/// Why a request fails.
struct Failure {
  std::uint64_t code = 0;  ///< as sent: see request_error_code
  /// When to try again at the earliest; none: not at all.
  std::optional<Duration> retry = {};
  std::string reason = {};
  std::optional<Redirect> redirect = {};

  friend bool operator==(const Failure&, const Failure&) = default;
};
void print_value(std::string& out, const Failure& value);

/// Code and reason; what else there is depends on the draft.
struct FailureCodec {
  bool has_retry = false;
  /// The code with which a Redirect comes, and without which it does not.
  std::optional<std::uint64_t> redirect_code = std::nullopt;

  void write(Writer& out, const Failure& value) const;
  Result<void> read(Reader& in, Failure& value) const;
};

/// REQUEST_ERROR, or the error of one kind of request in draft-14.
struct RequestError {
  std::uint64_t request_id = 0;
  Failure failure = {};

  static constexpr std::string_view kName = "REQUEST_ERROR";
  static constexpr MessageKind kKind = MessageKind::request_error;
  static constexpr auto fields() {
    using M = RequestError;
    return std::tuple(
        field("request_id", &M::request_id, kNumber, until(Version::draft16)),
        field("failure", &M::failure, FailureCodec{}, until(Version::draft15)),
        field("failure", &M::failure, FailureCodec{.has_retry = true},
              since(Version::draft16).until(Version::draft17)),
        field("failure", &M::failure,
              FailureCodec{.has_retry = true,
                           .redirect_code = static_cast<std::uint64_t>(RequestErrorCode::redirect)},
              since(Version::draft18)));
  }
  friend bool operator==(const RequestError&, const RequestError&) = default;
};

/// REQUEST_OK to a request that concerns namespaces; in draft-14, the OK of its kind.
struct RequestOk {
  std::uint64_t request_id = 0;

  static constexpr std::string_view kName = "REQUEST_OK";
  static constexpr MessageKind kKind = MessageKind::request_ok;
  static constexpr auto fields() {
    return std::tuple(
        field("request_id", &RequestOk::request_id, kNumber, until(Version::draft16)));
  }
  static constexpr auto message_parameters() { return std::tuple<>(); }
  /// Draft-14 has not even a count of none.
  static constexpr auto parameters_in() { return since(Version::draft15); }
  friend bool operator==(const RequestOk&, const RequestOk&) = default;
};

/// Every message: for tests, fuzzing and tools.
using AllMessages =
    std::tuple<ClientSetup, ServerSetup, Setup, Goaway, RequestGoaway, MaxRequestId,
               RequestsBlocked, Subscribe, SubscribeOk, TrackStatus, TrackStatusOk, RequestUpdate,
               RequestUpdateOk, Unsubscribe, Publish, PublishOk, PublishDone, Fetch, FetchOk,
               FetchCancel, PublishNamespace, PublishNamespaceDone, PublishNamespaceCancel,
               SubscribeNamespace, UnsubscribeNamespace, SubscribeTracks, NamespaceAdded,
               NamespaceDone, PublishBlocked, RequestOk, RequestError>;

}  // namespace moq::ietf
