#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conformance/case.h"

/// What cases of the delivery of objects have in common.
namespace moq::conformance {

inline constexpr std::uint64_t kEndOfTrack = 0x2;  ///< PUBLISH_DONE: TRACK_ENDED
inline constexpr std::uint64_t kCancelled = 0x1;   ///< of streams

/// Objects `first` to `last` of a group, whose payloads say which they are.
[[nodiscard]] Subgroup objects(std::uint64_t group, std::uint64_t first, std::uint64_t last,
                               std::uint64_t alias);
/// A group of so many objects.
[[nodiscard]] Subgroup group(std::uint64_t id, std::uint64_t objects, std::uint64_t alias);
/// The group's object after `previous` and those up to `last`, for a stream that has begun.
[[nodiscard]] Buffer more(const Draft& draft, const Subgroup& begun, std::uint64_t last);

/// Where the objects are that have come in subgroups, in order: of all tracks, or one's.
[[nodiscard]] std::vector<Location> locations(const Client& client,
                                              std::optional<std::uint64_t> alias = {});
[[nodiscard]] std::string to_string(const std::vector<Location>& all);
/// Waits for as many objects as there are here; these have to be the ones, and no others
/// may come before the session's next answers.
Outcome gets(Client& client, const std::vector<Location>& wanted,
             std::optional<std::uint64_t> alias = {});

/// Waits for PUBLISH_DONE about a subscription, of whichever side's making, which has to say
/// that the track has ended, and how many streams there were.
Outcome hears_the_end(Client& client, const Request& request);

/// FETCH of a range.
Request fetch(Client& client, Fetch message);
/// FETCH of the groups from so many before a subscription's Largest Object's on.
Request join(Client& client, const Request& subscription, std::uint64_t groups);
/// The same from the group `first` on.
Request join_from(Client& client, const Request& subscription, std::uint64_t first);
/// The objects of a fetch, which has asked for this order of groups. Waits for the end of its
/// stream.
Result<Fetched> fetched(Client& client, const Request& request,
                        std::uint8_t order = group_order::kAscending);

/// A track that the relay has brought.
struct Brought {
  Request request;
  Published said;
};
/// Waits for the relay's next PUBLISH, whose request id has to be a server's.
Result<Brought> brought(Client& client);
/// PUBLISH to the relay, which has to take it.
Result<Request> bring(Client& client, const TrackName& track, std::uint64_t alias);

}  // namespace moq::conformance
