#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/wire.h"

/// What the drafts send, each message from its figure in the draft's text.
namespace moq::conformance {

/// Session termination codes (both drafts, §"Termination").
namespace session_code {
inline constexpr std::uint64_t kProtocolViolation = 0x3;
inline constexpr std::uint64_t kInvalidRequestId = 0x4;
inline constexpr std::uint64_t kDuplicateTrackAlias = 0x5;
inline constexpr std::uint64_t kKeyValueFormattingError = 0x6;
inline constexpr std::uint64_t kTooManyRequests = 0x7;
inline constexpr std::uint64_t kMalformedPath = 0x9;
inline constexpr std::uint64_t kGoawayTimeout = 0x10;
inline constexpr std::uint64_t kAuthTokenCacheOverflow = 0x13;
inline constexpr std::uint64_t kDuplicateAuthTokenAlias = 0x14;
inline constexpr std::uint64_t kVersionNegotiationFailed = 0x15;
inline constexpr std::uint64_t kUnknownAuthTokenAlias = 0x17;
}  // namespace session_code

/// Message types that mean the same in both drafts.
namespace type {
inline constexpr std::uint64_t kUpdate = 0x02;
inline constexpr std::uint64_t kSubscribe = 0x03;
inline constexpr std::uint64_t kSubscribeOk = 0x04;
inline constexpr std::uint64_t kSubscribeError = 0x05;  ///< 18: REQUEST_ERROR
inline constexpr std::uint64_t kPublishNamespace = 0x06;
inline constexpr std::uint64_t kRequestOk = 0x07;  ///< 14: PUBLISH_NAMESPACE_OK
inline constexpr std::uint64_t kPublishDone = 0x0b;
inline constexpr std::uint64_t kTrackStatus = 0x0d;
inline constexpr std::uint64_t kGoaway = 0x10;
inline constexpr std::uint64_t kMaxRequestId = 0x15;  ///< 14 only
inline constexpr std::uint64_t kFetch = 0x16;
inline constexpr std::uint64_t kFetchOk = 0x18;
inline constexpr std::uint64_t kPublish = 0x1d;
inline constexpr std::uint64_t kSubscribeTracks = 0x51;  ///< 18 only
}  // namespace type

/// Setup options and message parameters, by their ids.
namespace id {
inline constexpr std::uint64_t kPath = 0x01;
inline constexpr std::uint64_t kSetupMaxRequestId = 0x02;
inline constexpr std::uint64_t kToken = 0x03;
inline constexpr std::uint64_t kMaxTokenCache = 0x04;
inline constexpr std::uint64_t kAuthority = 0x05;
inline constexpr std::uint64_t kRendezvousTimeout = 0x04;
inline constexpr std::uint64_t kExpires = 0x08;
inline constexpr std::uint64_t kLargestObject = 0x09;
inline constexpr std::uint64_t kForward = 0x10;
inline constexpr std::uint64_t kSubscriberPriority = 0x20;
inline constexpr std::uint64_t kFilter = 0x21;
inline constexpr std::uint64_t kGroupOrder = 0x22;
inline constexpr std::uint64_t kPrefix = 0x34;
}  // namespace id

namespace group_order {
inline constexpr std::uint8_t kAscending = 1;
inline constexpr std::uint8_t kDescending = 2;
}  // namespace group_order

struct Location {
  std::uint64_t group = 0;
  std::uint64_t object = 0;
  friend auto operator<=>(const Location&, const Location&) = default;
};

struct TrackName {
  Names space;
  std::string name;
  friend bool operator==(const TrackName&, const TrackName&) = default;
};

/// A parameter, setup option, extension header or property; `value` is what goes behind
/// the type.
struct Field {
  std::uint64_t type = 0;
  Buffer value;
  friend bool operator==(const Field&, const Field&) = default;
};
using Fields = std::vector<Field>;

struct Filter {
  static constexpr std::uint64_t kNextGroup = 1;
  static constexpr std::uint64_t kLargestObject = 2;
  static constexpr std::uint64_t kAbsoluteStart = 3;
  static constexpr std::uint64_t kAbsoluteRange = 4;
  std::uint64_t type = kLargestObject;
  Location start;
  std::uint64_t end_group = 0;
};

/// What is not set is not sent in draft 18, and has draft 18's default in draft 14.
struct Subscribe {
  std::uint64_t id = 0;
  TrackName track;
  std::optional<std::uint8_t> forward;
  std::optional<std::uint8_t> group_order;
  std::optional<Filter> filter;
  Fields parameters;
};

/// As in Subscribe, what is not set.
struct Fetch {
  static constexpr std::uint64_t kRelativeJoining = 2;
  static constexpr std::uint64_t kAbsoluteJoining = 3;
  std::uint64_t id = 0;
  std::uint64_t fetch_type = 1;
  std::optional<std::uint8_t> group_order;
  TrackName track;
  Location start;
  Location end;
  Fields parameters;
};

/// What a PUBLISH or SUBSCRIBE_OK of the relay's says.
struct Published {
  TrackName track;  ///< PUBLISH only
  std::uint64_t alias = 0;
  std::optional<Location> largest;
  bool forward = true;
};

/// The messages of one draft.
class Draft {
 public:
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  virtual ~Draft() = default;

  /// 14 or 18.
  static const Draft& numbered(int number);

  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] const std::string& alpn() const { return alpn_; }
  [[nodiscard]] Integers integers() const { return integers_; }
  /// Whether each request has a stream of its own, and the session two control streams.
  [[nodiscard]] bool request_streams() const { return number_ == 18; }
  [[nodiscard]] Writer writer() const { return Writer(integers_); }
  [[nodiscard]] Reader reader(ByteSpan bytes) const { return {integers_, bytes}; }

  // --- What differs between the drafts in numbers only.

  [[nodiscard]] std::uint64_t setup_type() const { return request_streams() ? 0x2f00 : 0x20; }
  [[nodiscard]] std::uint64_t subscribe_namespace_type() const {
    return request_streams() ? 0x50 : 0x11;
  }
  /// A subscription to what does not exist.
  [[nodiscard]] std::uint64_t does_not_exist() const { return request_streams() ? 0x10 : 0x4; }
  [[nodiscard]] std::uint64_t prefix_overlap() const { return request_streams() ? 0x30 : 0x5; }
  /// Whether a message type answers a request with an error.
  [[nodiscard]] bool is_error(std::uint64_t type) const;
  /// Whether it is about a request of its receiver's.
  [[nodiscard]] bool is_answer(std::uint64_t type) const;

  // --- Parts of messages.

  [[nodiscard]] Field number_field(std::uint64_t type, std::uint64_t value) const;
  [[nodiscard]] Field byte_field(std::uint64_t type, std::uint8_t value) const;
  [[nodiscard]] Field bytes_field(std::uint64_t type, ByteSpan value) const;
  [[nodiscard]] Field text_field(std::uint64_t type, std::string_view value) const {
    return bytes_field(type, as_bytes(value));
  }
  /// Key-Value-Pairs, as many as there is room for: properties, draft 18's setup options.
  [[nodiscard]] Buffer pairs(const Fields& fields) const;
  [[nodiscard]] std::optional<Fields> parse_pairs(ByteSpan bytes) const;
  /// A count, and that many: parameters; draft 14's setup parameters.
  [[nodiscard]] Buffer counted(const Fields& fields) const;
  /// What a FETCH of a range has from the track on.
  [[nodiscard]] static std::optional<Fetch> parse_range(Reader& in);
  /// Draft 18's parameters, whose types say how long they are.
  [[nodiscard]] static std::optional<Fields> parse_parameters(Reader& in);
  /// Type, length and body; the length may be another than the body's.
  [[nodiscard]] Buffer message(std::uint64_t type, const Buffer& body) const;
  [[nodiscard]] Buffer message(std::uint64_t type, const Buffer& body, std::size_t length) const;

  // --- Messages.

  [[nodiscard]] virtual Buffer setup(const Fields& options) const = 0;
  [[nodiscard]] virtual std::optional<Fields> parse_setup(ByteSpan body) const = 0;
  [[nodiscard]] virtual Buffer subscribe_body(const Subscribe& message) const = 0;
  [[nodiscard]] Buffer subscribe(const Subscribe& message) const {
    return this->message(type::kSubscribe, subscribe_body(message));
  }
  /// Of a request with this id, where answers have it.
  [[nodiscard]] virtual Buffer subscribe_ok(std::uint64_t id, std::uint64_t alias,
                                            const Fields& track_properties,
                                            std::optional<Location> largest = {}) const = 0;
  [[nodiscard]] virtual Buffer request_error(std::uint64_t id, std::uint64_t code,
                                             std::string_view reason) const = 0;
  [[nodiscard]] virtual Buffer publish_done(std::uint64_t id, std::uint64_t code,
                                            std::uint64_t streams) const = 0;
  [[nodiscard]] virtual Buffer fetch(const Fetch& message) const = 0;
  /// Up to the Largest Object, from the group `start`; or from the group so many before that
  /// object's, as the type has it.
  [[nodiscard]] virtual Buffer joining_fetch(std::uint64_t id, std::uint64_t fetch_type,
                                             std::uint64_t subscription,
                                             std::uint64_t start) const = 0;
  /// A FETCH of the relay's of a range, from behind its request id.
  [[nodiscard]] virtual std::optional<Fetch> parse_fetch(ByteSpan body) const = 0;
  [[nodiscard]] virtual Buffer fetch_error(std::uint64_t id, std::uint64_t code,
                                           std::string_view reason) const = 0;
  [[nodiscard]] virtual Buffer fetch_ok(std::uint64_t id, const Location& end) const = 0;
  [[nodiscard]] virtual Buffer publish(std::uint64_t id, const TrackName& track,
                                       std::uint64_t alias) const = 0;
  /// From behind the request id.
  [[nodiscard]] virtual std::optional<Published> parse_publish(ByteSpan body) const = 0;
  /// As `Client::accepted` has it.
  [[nodiscard]] virtual std::optional<Published> parse_subscribe_ok(ByteSpan body) const = 0;
  /// About the relay's PUBLISH with this id; `forward` is not said if it is not set (18).
  [[nodiscard]] virtual Buffer publish_ok(std::uint64_t id,
                                          std::optional<std::uint8_t> forward) const = 0;
  [[nodiscard]] virtual Buffer publish_error(std::uint64_t id, std::uint64_t code,
                                             std::string_view reason) const = 0;
  /// Of the Forward State of subscription `of`; `id` is the update's own.
  [[nodiscard]] virtual Buffer update_forward(std::uint64_t id, std::uint64_t of,
                                              std::uint8_t forward) const = 0;
  [[nodiscard]] virtual Buffer goaway(std::string_view uri, std::uint64_t request_id) const = 0;
  [[nodiscard]] Buffer publish_namespace(std::uint64_t id, const Names& space) const;
  [[nodiscard]] Buffer subscribe_namespace(std::uint64_t id, const Names& prefix) const;
  /// Draft 18.
  [[nodiscard]] Buffer subscribe_tracks(std::uint64_t id, const Names& prefix,
                                        const Fields& parameters) const;
  [[nodiscard]] Buffer request_update(std::uint64_t id, const Fields& parameters) const;
  [[nodiscard]] Field prefix_field(const Names& prefix) const {
    return {id::kPrefix, writer().names(prefix).take()};
  }

 protected:
  Draft(int number, std::string alpn, Integers integers)
      : number_(number), alpn_(std::move(alpn)), integers_(integers) {}
  /// Whether the types of parameters and properties are told as differences.
  [[nodiscard]] bool deltas() const { return number_ == 18; }

 private:
  int number_;
  std::string alpn_;
  Integers integers_;
};

}  // namespace moq::conformance
