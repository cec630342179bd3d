#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/base/time.h"
#include "net/coding/codecs.h"
#include "net/ietf/limits.h"
#include "net/ietf/types.h"

/// Field codecs of moq-transport (see net/coding/codecs.h). What differs between drafts
/// is a codec's member, and which draft has which is said where a message names them.
namespace moq::ietf {

using coding::CodingError;
using coding::Reader;
using coding::Writer;

/// Any number that the draft's integers can have.
inline constexpr coding::Varint kNumber{.max = std::numeric_limits<std::uint64_t>::max()};

/// A byte that is 0 or 1; anything else is refused.
struct StrictFlag {
  void write(Writer& out, bool value) const { out.u8(value ? 1 : 0); }
  Result<void> read(Reader& in, bool& value) const;
};

/// A length and that many bytes of any value, at most `max`; longer fails with `over`.
/// Reason phrases and URIs are among them: one that is no UTF-8 harms nobody.
struct ByteString {
  std::size_t max;
  CodingError over = CodingError::too_large;

  void write(Writer& out, const std::string& value) const;
  Result<void> read(Reader& in, std::string& value) const;
};
inline constexpr ByteString kReason{.max = kMaxReason};
inline constexpr ByteString kUri{.max = kMaxUri, .over = CodingError::uri_too_long};

/// §"Track Naming": a count and fields, at most kMaxNamespaceFields and kMaxFullTrackName
/// bytes in all.
struct NamespaceCodec {
  std::size_t min_fields = 0;
  bool empty_fields = false;  ///< whether a field may have no bytes

  void write(Writer& out, const TrackNamespace& value) const;
  Result<void> read(Reader& in, TrackNamespace& value) const;
};
/// Of a track or what is published: up to draft-15, in draft-16, and since.
inline constexpr NamespaceCodec kNamespace15{.min_fields = 1, .empty_fields = true};
inline constexpr NamespaceCodec kPrefix15{.empty_fields = true};
inline constexpr NamespaceCodec kNamespace16{.min_fields = 1};
inline constexpr NamespaceCodec kNamespace{};

/// A namespace and a name, together at most kMaxFullTrackName bytes.
struct FullNameCodec {
  NamespaceCodec track_namespace = {};

  void write(Writer& out, const FullTrackName& value) const;
  Result<void> read(Reader& in, FullTrackName& value) const;
};

struct LocationCodec {
  void write(Writer& out, const Location& value) const;
  Result<void> read(Reader& in, Location& value) const;
};

/// Content Exists, and the Largest Location if it does (draft-14).
struct ContentExists {
  void write(Writer& out, const std::optional<Location>& value) const;
  Result<void> read(Reader& in, std::optional<Location>& value) const;
};

/// A byte. `min`: the least order that may be sent.
struct OrderByte {
  GroupOrder min = GroupOrder::ascending;

  void write(Writer& out, GroupOrder value) const;
  Result<void> read(Reader& in, GroupOrder& value) const;
};

/// A filter: type, and start and end where the type has them.
struct FilterCodec {
  /// Whether the end group is sent as its distance from the start's.
  bool delta_end = false;

  void write(Writer& out, const Filter& value) const;
  Result<void> read(Reader& in, Filter& value) const;
};

/// Start and end of a SUBSCRIBE_UPDATE in draft-14, which has no types: the end is sent
/// plus 1, and 0 is none. A filter of another type is refused.
struct UpdatedRange {
  void write(Writer& out, const Filter& value) const;
  Result<void> read(Reader& in, Filter& value) const;
};

/// §"FETCH": the type, and what it has.
struct FetchRangeCodec {
  FullNameCodec name = {};

  void write(Writer& out, const FetchRange& value) const;
  Result<void> read(Reader& in, FetchRange& value) const;
};

/// A member that may be missing, where the draft has no way to leave it out: writing
/// nothing is refused as `invalid_value`.
template <typename Codec>
struct Required {
  Codec codec = {};

  template <typename T>
  void write(Writer& out, const std::optional<T>& value) const {
    if (!value) out.refuse(CodingError::invalid_value);
    codec.write(out, value ? *value : T{});
  }
  template <typename T>
  Result<void> read(Reader& in, std::optional<T>& value) const {
    return codec.read(in, value.emplace());
  }
};

/// What is there if anything follows: the last of a message's fields.
template <typename Codec>
struct IfMore {
  Codec codec = {};

  template <typename T>
  void write(Writer& out, const std::optional<T>& value) const {
    if (value) codec.write(out, *value);
  }
  template <typename T>
  Result<void> read(Reader& in, std::optional<T>& value) const {
    value.reset();
    if (in.remaining() == 0) return {};
    return codec.read(in, value.emplace());
  }
};

/// A minimum time to wait in milliseconds, plus 1; 0 is none: never (draft-18
/// §"REQUEST_ERROR").
struct RetryInterval {
  void write(Writer& out, const std::optional<Duration>& value) const;
  Result<void> read(Reader& in, std::optional<Duration>& value) const;
};

/// Track Properties: all that follows (draft-18 §"Properties"). Bytes that are no
/// properties are refused; the rest is for read_track_properties.
struct TrackPropertiesCodec {
  void write(Writer& out, const Bytes& value) const { out.bytes(value); }
  Result<void> read(Reader& in, Bytes& value) const;
};

}  // namespace moq::ietf
