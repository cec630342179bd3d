#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/error.h"
#include "net/model/path.h"
#include "net/model/scope.h"

namespace moq::token {

/// Seconds since 1970 in UTC, as in `exp`. Any 64-bit number can come out of a
/// token: mind overflow before turning one into finer units.
using UnixTime = std::chrono::sys_seconds;

/// What a token grants: its payload (RFC 7519 §4). Members have the names of the
/// claims.
struct Claims {
  /// What `put` and `get` are below; "" is the top.
  std::string root;
  /// Prefixes below `root` to publish under. "" is everything there; an empty
  /// list is nothing. Prefixes match whole segments.
  std::vector<std::string> put;
  /// The same for subscribing.
  std::vector<std::string> get;
  std::optional<UnixTime> exp;  ///< not valid from then on
  std::optional<UnixTime> iat;  ///< when it was issued; nothing depends on it
  /// Not valid before. The reference's tools never write it; its npm package
  /// honours it, as RFC 7519 §4.1.5 asks.
  std::optional<UnixTime> nbf;  // its clock may be kClockTolerance ahead

  friend bool operator==(const Claims&, const Claims&) = default;

  /// From a payload. `put` and `get` may each be one string; null times are none;
  /// other claims are ignored, but for `aud`, with which it is for somebody else
  /// (RFC 7519 §4.1.3). Fails with malformed, bad_claims or audience.
  static Result<Claims> parse(std::string_view json);
  /// As a payload: `root` and lists, without what is empty. `root` is always
  /// there, since versions of the reference's npm package insist on it. Fails with
  /// bad_claims when a path is not UTF-8.
  [[nodiscard]] Result<std::string> to_json() const;

  /// Fails with useless unless something is granted.
  [[nodiscard]] Result<void> require_grant() const;
  /// Fails with expired from `exp` on, with not_yet_valid before `nbf`.
  [[nodiscard]] Result<void> require_valid_at(UnixTime now) const;

  /// What a session may do whose connection was made to `path`: that is its root,
  /// and the prefixes are relative to it, none within another.
  ///
  /// A path below the token's root narrows what is granted to what is there; a
  /// path above it leaves it where it is. Fails with wrong_path when path and root
  /// are neither, or when nothing that is granted is below the path.
  [[nodiscard]] Result<Scope> authorize(const Path& path) const;
};

/// The most that a key may grant: `scope` of a JWK, an extension of the
/// reference's. Members have the names of the JSON.
struct KeyScope {
  std::string root;
  std::vector<std::string> put;
  std::vector<std::string> get;

  friend bool operator==(const KeyScope&, const KeyScope&) = default;

  /// Fails with bad_key when it would allow nothing.
  [[nodiscard]] Result<void> require_grant() const;
  /// Whether each prefix of the claims is at or below one of these, of the same
  /// kind, wherever either splits it into root and rest.
  [[nodiscard]] bool allows(const Claims& claims) const;
};

}  // namespace moq::token
