#include "net/ietf/properties.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "net/coding/codecs.h"
#include "net/coding/error.h"
#include "net/coding/writer.h"
#include "net/ietf/limits.h"

namespace moq::ietf {

using coding::CodingError;

namespace {

constexpr std::uint64_t kMaxType = std::numeric_limits<std::uint64_t>::max();

bool is_mandatory(std::uint64_t type) {
  return type >= property::kFirstMandatory && type <= property::kLastMandatory;
}

Duration milliseconds(std::uint64_t count) {
  const auto longest = static_cast<std::uint64_t>(coding::Milliseconds::kMax.count());
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(count, longest)));
}

std::optional<Duration> timeout(std::uint64_t count) {
  if (count == 0) return std::nullopt;
  return milliseconds(count);
}

tl::unexpected<Error> malformed(const char* why) { return fail(StreamError::malformed_track, why); }

// Calls `f(property)` for every one in the list and, in place of Immutable Properties, for
// every one in those.
template <typename F>
Result<void> for_each_property(PropertyForm form, ByteSpan list, const F& f) {
  PropertyReader reader(form, list);
  bool immutable = false;
  while (true) {
    MOQ_TRY(const auto next, reader.next());
    if (!next) return {};
    if (next->type != property::kImmutable) {
      MOQ_CHECK_OK(f(*next));
      continue;
    }
    if (std::exchange(immutable, true)) return malformed("two lists of immutable properties");
    PropertyReader within(form, next->bytes);
    while (true) {
      const auto inner = within.next();
      if (!inner) return malformed("immutable properties that cannot be parsed");
      if (!*inner) break;
      if ((*inner)->type == property::kImmutable) return malformed("nested immutable properties");
      MOQ_CHECK_OK(f(**inner));
    }
  }
}

Result<void> read_one(TrackProperties& out, const Property& next) {
  switch (next.type) {
    case property::kObjectDeliveryTimeout:
      out.object_delivery_timeout = timeout(next.number);
      return {};
    case property::kSubgroupDeliveryTimeout:
      out.subgroup_delivery_timeout = timeout(next.number);
      return {};
    case property::kMaxCacheDuration:
      out.max_cache_duration = milliseconds(next.number);
      return {};
    case property::kTimescale:
      if (next.number == 0) return fail(CodingError::invalid_value, "a timescale of 0");
      out.timescale = next.number;
      return {};
    case property::kPublisherPriority:
      if (next.number > 255) return fail(CodingError::invalid_value, "a priority above 255");
      out.publisher_priority = static_cast<std::uint8_t>(next.number);
      return {};
    case property::kGroupOrder:
      if (next.number < 1 || next.number > 2) {
        return fail(CodingError::invalid_value, "a group order that is none");
      }
      out.group_order = static_cast<GroupOrder>(next.number);
      return {};
    case property::kDynamicGroups:
      if (next.number > 1) return fail(CodingError::invalid_value, "dynamic groups above 1");
      out.dynamic_groups = next.number == 1;
      return {};
    default:
      if (is_mandatory(next.type) && !out.unknown_mandatory) out.unknown_mandatory = next.type;
      return {};
  }
}

}  // namespace

Result<std::optional<Property>> PropertyReader::next() {
  if (in_.remaining() == 0) return std::nullopt;
  MOQ_TRY(const std::uint64_t type, in_.varint());
  if (form_.delta_types && type > kMaxType - type_) {
    return fail(CodingError::invalid_value, "a property's type beyond 64 bits");
  }
  type_ = form_.delta_types ? type_ + type : type;
  Property property{.type = type_};
  if (property.has_number()) {
    MOQ_TRY(property.number, in_.varint());
  } else {
    MOQ_TRY(const std::uint64_t size, in_.varint());
    if (size > kMaxKeyValue) return fail(CodingError::too_large, "a property's value");
    MOQ_TRY(property.bytes, in_.bytes(size));
  }
  return property;
}

void PropertyWriter::insert(Entry entry) {
  const auto behind = std::ranges::upper_bound(entries_, entry.type, {}, &Entry::type);
  entries_.insert(behind, std::move(entry));
}

void PropertyWriter::add(std::uint64_t type, std::uint64_t number) { insert({type, number, {}}); }

void PropertyWriter::add(std::uint64_t type, std::string bytes) {
  insert({type, 0, std::move(bytes)});
}

Result<Bytes> PropertyWriter::finish() const {
  std::vector<std::uint8_t> list;
  coding::Writer out(list, form_.integers);
  std::uint64_t previous = 0;
  for (const Entry& entry : entries_) {
    out.varint(form_.delta_types ? entry.type - previous : entry.type);
    previous = entry.type;
    if (entry.type % 2 == 0) {
      out.varint(entry.number);
    } else {
      if (entry.bytes.size() > kMaxKeyValue) out.refuse(CodingError::too_large);
      out.varint(entry.bytes.size());
      out.bytes(as_bytes(entry.bytes));
    }
  }
  if (const auto reason = out.refused()) return fail(*reason, "properties");
  return Bytes::copy_of(list);
}

Result<void> check_properties(PropertyForm form, ByteSpan list) {
  PropertyReader reader(form, list);
  while (true) {
    MOQ_TRY(const auto next, reader.next());
    if (!next) return {};
  }
}

namespace {

// `depth`: how many lists may be within each other.
Result<Bytes> convert(PropertyForm from, PropertyForm to, const Bytes& list, int depth) {
  PropertyReader reader(from, list);
  PropertyWriter writer(to);
  while (true) {
    MOQ_TRY(const auto next, reader.next());
    if (!next) return writer.finish();
    if (next->has_number()) {
      writer.add(next->type, next->number);
    } else if (next->type == property::kImmutable && depth > 0) {
      MOQ_TRY(const Bytes within, convert(from, to, Bytes::copy_of(next->bytes), depth - 1));
      writer.add(next->type, std::string(within.text()));
    } else {
      writer.add(next->type, std::string(as_text(next->bytes)));
    }
  }
}

}  // namespace

Result<Bytes> convert_properties(PropertyForm from, PropertyForm to, const Bytes& list) {
  if (from == to || list.empty()) return list;
  return convert(from, to, list, 1);
}

Result<TrackProperties> read_track_properties(PropertyForm form, ByteSpan list) {
  TrackProperties out;
  MOQ_CHECK_OK(
      for_each_property(form, list, [&](const Property& next) { return read_one(out, next); }));
  return out;
}

Result<Bytes> write_track_properties(PropertyForm form, const TrackProperties& track) {
  PropertyWriter out(form);
  const auto add = [&](std::uint64_t type, const std::optional<Duration>& value) {
    if (value) out.add(type, coding::Milliseconds::count(*value));
  };
  const TrackProperties unset;
  add(property::kObjectDeliveryTimeout, track.object_delivery_timeout);
  add(property::kMaxCacheDuration, track.max_cache_duration);
  add(property::kSubgroupDeliveryTimeout, track.subgroup_delivery_timeout);
  if (track.timescale) out.add(property::kTimescale, *track.timescale);
  if (track.publisher_priority != unset.publisher_priority) {
    out.add(property::kPublisherPriority, track.publisher_priority);
  }
  if (track.group_order == GroupOrder::descending) {
    out.add(property::kGroupOrder, static_cast<std::uint64_t>(track.group_order));
  }
  if (track.dynamic_groups) out.add(property::kDynamicGroups, 1);
  return out.finish();
}

Result<ObjectProperties> read_object_properties(const VersionInfo& version, Location location,
                                                ByteSpan list) {
  ObjectProperties out;
  std::optional<std::uint64_t> loc_timestamp;
  const auto once = [](std::optional<std::uint64_t>& gap, std::uint64_t value,
                       std::uint64_t limit) -> Result<void> {
    if (gap) return malformed("a gap that is told twice");
    if (value > limit) return malformed("a gap before the beginning");
    gap = value;
    return {};
  };
  const auto read =
      for_each_property(version.properties, list, [&](const Property& next) -> Result<void> {
        switch (next.type) {
          case property::kTimestamp:
            out.timestamp = next.number;
            return {};
          case property::kLocTimestamp:
            loc_timestamp = next.number;
            return {};
          case property::kPriorGroupGap:
            return once(out.prior_group_gap, next.number, location.group);
          case property::kPriorObjectGap:
            return once(out.prior_object_gap, next.number, location.object);
          default:
            if (version.has_mandatory_properties && is_mandatory(next.type)) {
              return malformed("a mandatory track property of an object");
            }
            return {};
        }
      });
  if (!read && read.error().is(StreamError::malformed_track)) return fail(read.error());
  if (!read) return fail(StreamError::malformed_track, read.error().message());
  if (!out.timestamp) out.timestamp = loc_timestamp;
  return out;
}

}  // namespace moq::ietf
