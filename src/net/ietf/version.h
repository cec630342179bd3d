#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "net/coding/fields.h"
#include "net/coding/integer.h"
#include "net/ietf/error.h"
#include "net/ietf/message_type.h"
#include "net/model/group.h"

namespace moq::ietf {

/// The drafts of moq-transport, by their numbers. What differs between them is data: in
/// VersionInfo, in the tables that it names, and on the fields and parameters of
/// messages. Nothing else compares drafts. So far there are rows for 14 and 18.
enum class Version : std::uint8_t { draft14 = 14, draft15, draft16, draft17, draft18, draft19 };

/// What carries requests and their answers.
enum class RequestCarrier : std::uint8_t {
  control_stream,   ///< the one bidirectional stream that carries everything
  request_streams,  ///< a bidirectional stream for each request
};

/// How a session begins.
enum class SetupForm : std::uint8_t {
  /// CLIENT_SETUP and SERVER_SETUP, on a bidirectional control stream of the client's.
  client_and_server,
  /// One SETUP each way, at the beginning of a unidirectional control stream.
  one_each,
};

/// How a parameter's value is encoded.
enum class ValueForm : std::uint8_t {
  key_value,  ///< under an even id one integer, under an odd one a length and bytes
  typed,      ///< as the parameter's definition says
};

enum class OnUnknown : std::uint8_t { ignore, violation };

/// How parameters of a kind of messages are encoded, and which are refused.
struct ParameterRules {
  ValueForm values;
  /// Ids are differences to the one before; so they only ascend.
  bool delta_types;
  /// A count is in front; otherwise they end with the message.
  bool counted;
  /// What to do with an id that the draft does not define.
  OnUnknown unknown;
  /// What to do with one that it defines for other messages.
  OnUnknown misplaced;
};

/// How lists of properties (extension headers) are encoded.
struct PropertyForm {
  /// What the model knows it by (ObjectHeader::properties_form); never 0.
  std::uint8_t form;
  coding::IntegerForm integers;
  /// Types are differences to the one before.
  bool delta_types;

  friend bool operator==(const PropertyForm&, const PropertyForm&) = default;
};

/// PropertyForm::form of the drafts whose integers are of `integers`.
[[nodiscard]] constexpr std::uint8_t property_form(coding::IntegerForm integers) {
  return integers == coding::IntegerForm::quic ? 1 : 2;
}

/// Which forms and values the headers of objects may have.
struct ObjectRules {
  /// The bits of a SUBGROUP_HEADER's type that may be set, besides 0x10.
  std::uint8_t subgroup_bits;
  /// The bits of an OBJECT_DATAGRAM's type that may be set if it has a payload.
  std::uint8_t datagram_bits;
  /// The bits that may be set if it has a status, besides 0x20.
  std::uint8_t datagram_status_bits;
  /// The values of Object Status that there are, as bits 1 << value.
  std::uint8_t statuses;
  /// Those with which an object may have properties.
  std::uint8_t statuses_with_properties;
};

/// How objects follow a FETCH_HEADER.
struct FetchForm {
  /// Each begins with flags that say what follows; otherwise it has every field, as an
  /// absolute value.
  bool flags;
  /// The largest value that is flags.
  std::uint64_t max_flags;
  /// With flags, group and object are differences; otherwise absolute.
  bool deltas;
  /// The markers for the end of a range without objects.
  bool ranges;
  /// An object without payload has a status.
  bool statuses;
};

/// Headers of a subgroup's objects, for EncodedHeaders.
struct ObjectEncoding {
  std::size_t wire_form;
  EncodedHeaders::Encoder encode;
};

/// One row of the table of versions.
struct VersionInfo {
  Version version;
  /// "moq-transport-18": in configuration and in logs.
  std::string_view name;
  /// ALPN token and WebTransport subprotocol.
  std::string_view alpn;
  /// The number that stands for it in a SETUP exchange.
  std::uint64_t code;
  coding::IntegerForm integers;
  RequestCarrier requests;
  SetupForm setup;
  /// MAX_REQUEST_ID and REQUESTS_BLOCKED limit requests, which come in sequence;
  /// otherwise streams do, and race.
  bool has_max_request_id;
  /// Messages that answer or end a request name it; otherwise their stream does.
  bool responses_have_request_id;
  /// A request's update is answered; otherwise it cannot fail.
  bool updates_are_answered;
  /// Any request may be updated; otherwise subscriptions only, which only narrow.
  bool has_request_updates;
  /// Requests end by a message (UNSUBSCRIBE, FETCH_CANCEL, ...); otherwise with their
  /// stream.
  bool has_cancel_messages;
  /// SUBSCRIBE_NAMESPACE is answered by NAMESPACE on its stream, and SUBSCRIBE_TRACKS by
  /// PUBLISH; otherwise the first by PUBLISH_NAMESPACE and PUBLISH.
  bool has_subscribe_tracks;
  bool has_goaway_timeout;
  /// GOAWAY names the first request that was not processed.
  bool has_goaway_request_id;
  /// A request without result may be retried, or sent elsewhere, as its error says.
  bool has_retry_interval;
  bool has_redirect;
  /// A second subscription to a track is refused; otherwise both run.
  bool has_duplicate_subscription;
  /// Namespaces whose first field begins with a period are not the application's.
  bool has_reserved_namespaces;
  /// A fetch may join a subscription with the filter for the largest object only; another
  /// closes the session.
  bool joins_largest_only;
  /// A fetch without objects is an error; otherwise a stream without objects.
  bool empty_fetch_is_error;
  /// Properties of a track in messages; otherwise parameters and fields tell some.
  bool has_track_properties;
  /// Unknown track properties from 0x4000 to 0x7fff make a track unusable.
  bool has_mandatory_properties;
  /// Streams and datagrams of nothing.
  bool has_padding;
  /// What a token that refers to an alias in a SETUP closes the session with.
  SessionError setup_alias_error;
  ParameterRules setup_options;
  ParameterRules message_parameters;
  PropertyForm properties;
  ObjectRules objects;
  FetchForm fetch;
  std::span<const MessageType> messages;
  /// Ids of message parameters, for ParameterRules::misplaced.
  std::span<const std::uint64_t> parameter_ids;
  std::span<const RequestErrorTable> request_errors;
  std::span<const PublishDoneRow> publish_done;
  std::span<const StreamErrorRow> stream_errors;
  /// On streams whose objects have no properties, and on those whose objects may.
  ObjectEncoding plain_objects;
  ObjectEncoding objects_with_properties;
};

/// The versions that there are rows for, the oldest first.
[[nodiscard]] std::span<const VersionInfo> versions();
/// The row of a version that has one: throws std::out_of_range otherwise.
[[nodiscard]] const VersionInfo& version_info(Version version);
/// The form with that PropertyForm::form; none for 0, and for one that no version has.
[[nodiscard]] std::optional<PropertyForm> find_property_form(std::uint8_t form);
/// By the name in configuration, "moq-transport-18".
[[nodiscard]] const VersionInfo* find_by_name(std::string_view name);

[[nodiscard]] constexpr coding::VersionOrdinal ordinal(Version version) {
  return static_cast<coding::VersionOrdinal>(version);
}

}  // namespace moq::ietf
