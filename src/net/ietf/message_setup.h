#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "net/ietf/codecs.h"
#include "net/ietf/parameter.h"
#include "net/ietf/version.h"

/// The messages of a session as a whole. See message.h.
namespace moq::ietf {

using coding::field;
using coding::only;
using coding::since;
using coding::until;

/// What a SETUP says, in any draft (§"Setup Parameters", since draft-17 §"Setup
/// Options"). Which may come from whom, and over which transport, is for the session.
struct SetupOptions {
  std::optional<std::string> path = {};  ///< of the request, with `?` and the query
  /// Requests that the peer may make: ids below this.
  std::uint64_t max_request_id = 0;
  std::vector<Token> tokens = {};
  /// What the sender keeps of tokens, in bytes (TokenCache).
  std::uint64_t max_auth_token_cache_size = 0;
  std::optional<std::string> authority = {};
  std::optional<std::string> implementation = {};  ///< name and version; any bytes

  static constexpr auto client_table() {
    using M = SetupOptions;
    return std::tuple(
        param("path", 0x01, &M::path, TextValue{}),
        param("max_request_id", 0x02, &M::max_request_id, kNumberValue, until(Version::draft16)),
        param("token", 0x03, &M::tokens, TokenValue{}),
        param("max_auth_token_cache_size", 0x04, &M::max_auth_token_cache_size, kNumberValue),
        param("authority", 0x05, &M::authority, TextValue{}),
        param("implementation", 0x07, &M::implementation, TextValue{}, since(Version::draft15)));
  }
  /// Draft-14 gives 0x05 to AUTHORITY and to MOQT_IMPLEMENTATION. No server has an
  /// authority to tell, so what comes from one is the other.
  static constexpr auto server_table() {
    using M = SetupOptions;
    return std::tuple(
        param("path", 0x01, &M::path, TextValue{}),
        param("max_request_id", 0x02, &M::max_request_id, kNumberValue, until(Version::draft16)),
        param("token", 0x03, &M::tokens, TokenValue{}),
        param("max_auth_token_cache_size", 0x04, &M::max_auth_token_cache_size, kNumberValue),
        param("implementation", 0x05, &M::implementation, TextValue{}, only(Version::draft14)),
        param("authority", 0x05, &M::authority, TextValue{}, since(Version::draft15)),
        param("implementation", 0x07, &M::implementation, TextValue{}, since(Version::draft15)));
  }
  friend bool operator==(const SetupOptions&, const SetupOptions&) = default;
};

/// CLIENT_SETUP: the first message of a control stream.
struct ClientSetup {
  /// By their codes, in order of preference; none where the ALPN says it.
  std::vector<std::uint64_t> offered = {};
  SetupOptions options = {};

  static constexpr std::string_view kName = "CLIENT_SETUP";
  static constexpr MessageKind kKind = MessageKind::client_setup;
  static constexpr auto versions() { return until(Version::draft16); }
  static constexpr auto fields() {
    return std::tuple(field("offered", &ClientSetup::offered,
                            coding::List<coding::Varint>{.max = kMaxVersions, .item = kNumber},
                            only(Version::draft14)));
  }
  static constexpr auto setup_options() { return SetupOptions::client_table(); }
  friend bool operator==(const ClientSetup&, const ClientSetup&) = default;
};

/// SERVER_SETUP: the answer.
struct ServerSetup {
  std::uint64_t selected = 0;  ///< the version, by its code
  SetupOptions options = {};

  static constexpr std::string_view kName = "SERVER_SETUP";
  static constexpr MessageKind kKind = MessageKind::server_setup;
  static constexpr auto versions() { return until(Version::draft16); }
  static constexpr auto fields() {
    return std::tuple(field("selected", &ServerSetup::selected, kNumber, only(Version::draft14)));
  }
  static constexpr auto setup_options() { return SetupOptions::server_table(); }
  friend bool operator==(const ServerSetup&, const ServerSetup&) = default;
};

/// SETUP: the first message of each control stream.
struct Setup {
  SetupOptions options = {};

  static constexpr std::string_view kName = "SETUP";
  static constexpr MessageKind kKind = MessageKind::setup;
  static constexpr auto versions() { return since(Version::draft17); }
  static constexpr auto fields() { return std::tuple<>(); }
  static constexpr auto setup_options() { return SetupOptions::client_table(); }
  friend bool operator==(const Setup&, const Setup&) = default;
};

/// GOAWAY on a control stream.
struct Goaway {
  /// Where to go instead; empty: to the same place. Only servers may name one. Longer
  /// than kMaxUri fails with CodingError::uri_too_long.
  std::string uri = {};
  Duration timeout = {};  ///< how long the sender waits; zero: it does not say
  /// The first request of the receiver's that was not or may not have been processed.
  std::uint64_t request_id = 0;

  static constexpr std::string_view kName = "GOAWAY";
  static constexpr MessageKind kKind = MessageKind::goaway;
  static constexpr auto fields() {
    using M = Goaway;
    return std::tuple(
        field("uri", &M::uri, kUri),
        field("timeout", &M::timeout, coding::Milliseconds{}, since(Version::draft17)),
        field("request_id", &M::request_id, kNumber, only(Version::draft18)));
  }
  friend bool operator==(const Goaway&, const Goaway&) = default;
};

/// GOAWAY on a request's stream: that request moves.
struct RequestGoaway {
  std::string uri = {};
  Duration timeout = {};

  static constexpr std::string_view kName = "GOAWAY";
  static constexpr MessageKind kKind = MessageKind::request_goaway;
  static constexpr auto versions() { return since(Version::draft18); }
  static constexpr auto fields() {
    using M = RequestGoaway;
    return std::tuple(field("uri", &M::uri, kUri),
                      field("timeout", &M::timeout, coding::Milliseconds{}));
  }
  friend bool operator==(const RequestGoaway&, const RequestGoaway&) = default;
};

struct MaxRequestId {
  std::uint64_t request_id = 0;  ///< ids below this may be used

  static constexpr std::string_view kName = "MAX_REQUEST_ID";
  static constexpr MessageKind kKind = MessageKind::max_request_id;
  static constexpr auto versions() { return until(Version::draft16); }
  static constexpr auto fields() {
    return std::tuple(field("request_id", &MaxRequestId::request_id, kNumber));
  }
  friend bool operator==(const MaxRequestId&, const MaxRequestId&) = default;
};

struct RequestsBlocked {
  std::uint64_t max_request_id = 0;  ///< the limit that the sender has reached

  static constexpr std::string_view kName = "REQUESTS_BLOCKED";
  static constexpr MessageKind kKind = MessageKind::requests_blocked;
  static constexpr auto versions() { return until(Version::draft16); }
  static constexpr auto fields() {
    return std::tuple(field("max_request_id", &RequestsBlocked::max_request_id, kNumber));
  }
  friend bool operator==(const RequestsBlocked&, const RequestsBlocked&) = default;
};

}  // namespace moq::ietf
