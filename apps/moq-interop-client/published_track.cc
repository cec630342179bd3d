#include "moq-interop-client/published_track.h"

#include <utility>

#include "net/ietf/fetch_object.h"
#include "net/ietf/stream.h"
#include "net/ietf/subgroup.h"

namespace moq::interop {

namespace {

constexpr std::uint8_t kPriority = ietf::kDefaultPriority;

/// Where a subscription with this filter begins.
Location beginning(const ietf::Filter& filter, const std::optional<Location>& largest) {
  switch (filter.type) {
    case ietf::FilterType::next_group:
      return largest ? Location{largest->group + 1, 0} : Location{};
    case ietf::FilterType::largest_object:
      return largest ? Location{largest->group, largest->object + 1} : Location{};
    case ietf::FilterType::absolute_start:
    case ietf::FilterType::absolute_range:
      break;
  }
  return filter.start;
}

}  // namespace

PublishedTrack::PublishedTrack(transport::Session& session, const ietf::VersionInfo& version,
                               ietf::FullTrackName name)
    : session_(session), version_(version), name_(std::move(name)) {}

std::optional<Location> PublishedTrack::largest() const {
  if (groups_.empty()) return std::nullopt;
  const auto& [number, group] = *groups_.rbegin();
  return Location{number, group.objects.size() - 1};
}

void PublishedTrack::add(std::uint64_t group, std::string payload) {
  groups_[group].objects.push_back(std::move(payload));
  send();
}

void PublishedTrack::end(std::uint64_t group) {
  groups_.at(group).ended = true;
  send();
}

void PublishedTrack::subscribe(std::uint64_t request, std::uint64_t alias,
                               const ietf::Subscribe& message) {
  subscriptions_[request] = {.alias = alias,
                             .from = beginning(message.filter, largest()),
                             .forward = message.forward,
                             .groups = {}};
  send();
}

void PublishedTrack::forward(std::uint64_t request, bool forward) {
  const auto found = subscriptions_.find(request);
  if (found == subscriptions_.end()) return;
  found->second.forward = forward;
  send();
}

void PublishedTrack::send() {
  for (auto& [id, subscription] : subscriptions_) {
    if (!subscription.forward) continue;
    for (const auto& [number, group] : groups_) send(subscription, number, group);
  }
}

void PublishedTrack::send(Subscription& to, std::uint64_t number, const Group& group) {
  for (std::uint64_t id = 0; id < group.objects.size(); ++id) {
    if (Location{number, id} < to.from) continue;
    Sending& stream = to.groups[number];
    if (stream.last && id <= *stream.last) continue;
    if (stream.pipe == nullptr) {
      stream.pipe = Pipe::open_uni(session_, {});
      const bool tells_first = (version_.objects.subgroup_bits & ietf::kSubgroupFirstObject) != 0;
      stream.pipe->write(*ietf::encode(
          version_.version, ietf::SubgroupHeader{.track_alias = to.alias,
                                                 .group = number,
                                                 .priority = kPriority,
                                                 .end_of_group = true,
                                                 .first_object = tells_first && id == 0}));
    }
    const std::string& payload = group.objects[id];
    const auto header =
        *ietf::encode_object(version_, {.id = id, .size = payload.size()}, stream.last, {});
    stream.pipe->write(header.bytes);
    stream.pipe->write(as_bytes(payload));
    stream.last = id;
  }
  const auto stream = to.groups.find(number);
  if (!group.ended || stream == to.groups.end()) return;
  if (!std::exchange(stream->second.finished, true)) stream->second.pipe->finish();
}

std::pair<Location, Location> PublishedTrack::bounds(const ietf::FetchRange& range) const {
  const Location last = largest().value_or(Location{});
  const Location end{last.group, last.object + 1};
  switch (range.type) {
    case ietf::FetchType::relative_joining:
      return {{last.group - std::min(range.joining_start, last.group), 0}, end};
    case ietf::FetchType::absolute_joining:
      return {{range.joining_start, 0}, end};
    case ietf::FetchType::standalone:
      break;
  }
  if (range.end.object == 0) return {range.start, std::min(end, {range.end.group + 1, 0})};
  return {range.start, std::min(end, range.end)};
}

Result<std::optional<std::vector<std::uint8_t>>> PublishedTrack::fetch(
    std::uint64_t request, const ietf::FetchRange& range) const {
  const auto [start, end] = bounds(range);
  MOQ_TRY(auto out, ietf::encode(version_.version, ietf::FetchHeader{.request_id = request}));
  ietf::FetchWriter writer(version_.version, ietf::GroupOrder::ascending);
  bool any = false;
  for (const auto& [number, group] : groups_) {
    for (std::uint64_t id = 0; id < group.objects.size(); ++id) {
      const Location where{number, id};
      if (where < start || where >= end) continue;
      any = true;
      const std::string& payload = group.objects[id];
      MOQ_CHECK_OK(writer.object(
          out, {.location = where, .subgroup = 0, .priority = kPriority, .size = payload.size()}));
      out.insert(out.end(), payload.begin(), payload.end());
    }
  }
  if (!any) return std::nullopt;
  return out;
}

}  // namespace moq::interop
