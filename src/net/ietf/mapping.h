#pragma once

#include <optional>

#include "net/base/time.h"
#include "net/ietf/error.h"
#include "net/ietf/limits.h"
#include "net/ietf/properties.h"
#include "net/ietf/types.h"
#include "net/model/group.h"
#include "net/model/path.h"
#include "net/model/track_info.h"

/// What of the drafts is what of the model (docs/wire/mapping.md).
namespace moq::ietf {

/// A namespace's fields are the segments of a path. None if a field is empty or has a
/// slash in it: it would be another path.
[[nodiscard]] std::optional<Path> to_path(const TrackNamespace& name);
[[nodiscard]] TrackNamespace to_namespace(const Path& path);

/// Whether it has few enough fields for a message. (A path of moq-lite may have more.)
[[nodiscard]] inline bool is_encodable(const TrackNamespace& name) {
  return name.size() <= kMaxNamespaceFields;
}
/// Whether its fields and its name are short enough, too.
[[nodiscard]] bool is_encodable(const FullTrackName& name);

/// Priorities count the other way: the drafts send the lowest first.
[[nodiscard]] constexpr std::uint8_t to_priority(std::uint8_t other) {
  return static_cast<std::uint8_t>(255 - other);
}

/// Whether it is one that drafts with VersionInfo::has_reserved_namespaces reserve.
[[nodiscard]] inline bool is_reserved(const TrackNamespace& name) {
  return !name.empty() && name.front().starts_with('.');
}

[[nodiscard]] TrackInfo to_info(const TrackProperties& properties);
[[nodiscard]] TrackProperties to_properties(const TrackInfo& info);
/// `info`'s properties as `version` encodes them: those that came, and what is not known
/// here with them; or what is known of a track that came without.
[[nodiscard]] Result<Bytes> encode_properties(const VersionInfo& version, const TrackInfo& info);

/// Has `message` say what there is to say of its track.
template <typename M>
Result<void> set_info(const VersionInfo& version, const TrackInfo& info, M& message) {
  if (!version.has_track_properties) {
    return set_track_properties(version, to_properties(info), message);
  }
  MOQ_TRY(message.properties, encode_properties(version, info));
  return {};
}

/// The time of an object whose properties are these, in units of its track's `timescale`:
/// what they say, or else that of its `arrival`.
[[nodiscard]] std::uint64_t timestamp_of(PropertyForm form, ByteSpan properties,
                                         std::uint64_t timescale, Time arrival);

/// What to answer a request with that failed for `error`.
[[nodiscard]] RequestErrorCode request_error_of(const Error& error);
/// What a subscription ends with whose track was given up with `error`.
[[nodiscard]] PublishDoneCode publish_done_of(const Error& error);

}  // namespace moq::ietf
