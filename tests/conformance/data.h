#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conformance/draft.h"

/// Objects as they go on subgroup streams: both drafts have the same fields (draft-14 and
/// draft-18, §"Subgroup Header").
namespace moq::conformance {

namespace subgroup_type {
inline constexpr std::uint64_t kPlain = 0x10;
inline constexpr std::uint64_t kProperties = 0x01;
inline constexpr std::uint64_t kIdModes = 0x06;
inline constexpr std::uint64_t kFirstObjectId = 0x02;
inline constexpr std::uint64_t kExplicitId = 0x04;
inline constexpr std::uint64_t kEndOfGroup = 0x08;
inline constexpr std::uint64_t kDefaultPriority = 0x20;  ///< 18
}  // namespace subgroup_type

namespace status {
inline constexpr std::uint64_t kNormal = 0x0;
inline constexpr std::uint64_t kDoesNotExist = 0x1;  ///< 14
inline constexpr std::uint64_t kEndOfGroup = 0x3;
}  // namespace status

struct Object {
  std::uint64_t id = 0;
  /// As they go on the wire, where the subgroup's type says that objects have them.
  Buffer properties;
  std::string payload;
  /// Sent where the payload is empty.
  std::uint64_t status = status::kNormal;
  friend bool operator==(const Object&, const Object&) = default;
};

struct Subgroup {
  std::uint64_t type = subgroup_type::kPlain;
  std::uint64_t alias = 0;
  std::uint64_t group = 0;
  std::uint64_t subgroup = 0;
  std::uint8_t priority = 128;
  std::vector<Object> objects;

  [[nodiscard]] bool has(std::uint64_t bits) const { return (type & bits) == bits; }
};

/// The whole stream.
[[nodiscard]] Buffer encode(const Draft& draft, const Subgroup& subgroup);
/// Objects that follow `previous` of the same stream.
[[nodiscard]] Buffer encode_next(const Draft& draft, std::uint64_t subgroup_type,
                                 std::optional<std::uint64_t> previous,
                                 const std::vector<Object>& objects);
/// What has come of a stream, in whole objects. Nothing while the header is not whole, and
/// for a stream that is no subgroup.
[[nodiscard]] std::optional<Subgroup> decode_subgroup(const Draft& draft, ByteSpan bytes);

struct FetchedObject {
  Location location;
  std::string payload;
  friend bool operator==(const FetchedObject&, const FetchedObject&) = default;
};

/// The answer to the FETCH with this id.
struct Fetched {
  std::uint64_t request_id = 0;
  std::vector<FetchedObject> objects;
};
/// The whole stream, whose objects are in one group, one after the other.
[[nodiscard]] Buffer encode(const Draft& draft, const Fetched& fetched);
/// As `decode_subgroup`, of what a FETCH_HEADER begins; with its groups in this order.
[[nodiscard]] std::optional<Fetched> decode_fetch(const Draft& draft, ByteSpan bytes,
                                                  std::uint8_t order);

}  // namespace moq::conformance
