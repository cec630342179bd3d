#include "net/ietf/mapping.h"

#include <algorithm>
#include <chrono>
#include <string>

namespace moq::ietf {

std::optional<Path> to_path(const TrackNamespace& name) {
  std::string text;
  for (const std::string& field : name) {
    if (field.empty() || field.find('/') != std::string::npos) return std::nullopt;
    if (!text.empty()) text += '/';
    text += field;
  }
  return Path(text);
}

TrackNamespace to_namespace(const Path& path) {
  TrackNamespace name;
  for (Path rest = path; !rest.empty();) {
    const auto [first, behind] = rest.split();
    name.emplace_back(first);
    rest = Path(behind);
  }
  return name;
}

TrackInfo to_info(const TrackProperties& properties) {
  return {.priority = to_priority(properties.publisher_priority),
          .ordered = properties.group_order == GroupOrder::ascending,
          .max_latency = properties.max_cache_duration.value_or(Duration::max()),
          .timescale = properties.timescale.value_or(kDefaultTimescale),
          .object_delivery_timeout = properties.object_delivery_timeout,
          .subgroup_delivery_timeout = properties.subgroup_delivery_timeout,
          .has_subgroups = true};
}

TrackProperties to_properties(const TrackInfo& info) {
  // Longer than any cache keeps is as long as it likes.
  constexpr Duration kLongest = std::chrono::hours(24);
  TrackProperties out{.object_delivery_timeout = info.object_delivery_timeout,
                      .subgroup_delivery_timeout = info.subgroup_delivery_timeout,
                      .publisher_priority = to_priority(info.priority),
                      .group_order = info.ordered ? GroupOrder::ascending : GroupOrder::descending};
  if (info.max_latency < kLongest) out.max_cache_duration = info.max_latency;
  if (info.timescale != kDefaultTimescale) out.timescale = info.timescale;
  return out;
}

Result<Bytes> encode_properties(const VersionInfo& version, const TrackInfo& info) {
  const auto from = find_property_form(info.properties_form);
  if (from) return convert_properties(*from, version.properties, info.properties);
  return write_track_properties(version.properties, to_properties(info));
}

std::uint64_t timestamp_of(PropertyForm form, ByteSpan properties, std::uint64_t timescale,
                           Time arrival) {
  std::optional<std::uint64_t> timestamp;
  std::uint64_t units = timescale;
  PropertyReader in(form, properties);
  while (true) {
    const auto next = in.next();
    if (!next || !*next) break;
    const Property& property = **next;
    if (property.type == property::kTimestamp || property.type == property::kLocTimestamp) {
      timestamp = property.number;
    }
    if (property.type == property::kTimescale && property.number != 0) units = property.number;
  }
  if (timestamp) return rescale(*timestamp, units, timescale);
  const auto since = std::chrono::floor<std::chrono::microseconds>(arrival.time_since_epoch());
  return rescale(static_cast<std::uint64_t>(since.count()), 1'000'000, timescale);
}

RequestErrorCode request_error_of(const Error& error) {
  if (&error.domain() == &error_domain(RequestErrorCode{})) {
    return static_cast<RequestErrorCode>(error.code());
  }
  return error.is(StreamError::going_away) ? RequestErrorCode::going_away
                                           : RequestErrorCode::does_not_exist;
}

PublishDoneCode publish_done_of(const Error& error) {
  const auto either = [&](StreamError stream, PublishDoneCode done) {
    return error.is(stream) || error.is(done);
  };
  if (either(StreamError::going_away, PublishDoneCode::going_away)) {
    return PublishDoneCode::going_away;
  }
  if (either(StreamError::malformed_track, PublishDoneCode::malformed_track)) {
    return PublishDoneCode::malformed_track;
  }
  return PublishDoneCode::internal;
}

bool is_encodable(const FullTrackName& name) {
  std::size_t size = name.track_name.size();
  for (const std::string& field : name.track_namespace) size += field.size();
  return is_encodable(name.track_namespace) && size <= kMaxFullTrackName;
}

}  // namespace moq::ietf
