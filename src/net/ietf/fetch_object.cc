#include "net/ietf/fetch_object.h"

#include <algorithm>
#include <string>

#include "net/coding/error.h"
#include "net/coding/writer.h"
#include "net/ietf/limits.h"

namespace moq::ietf {

using coding::CodingError;

namespace {

/// Serialization Flags (draft-18 §"Flags").
constexpr std::uint64_t kSubgroupMode = 0x03;
constexpr std::uint64_t kSubgroupZero = 0x00;
constexpr std::uint64_t kSubgroupPrior = 0x01;
constexpr std::uint64_t kSubgroupNext = 0x02;
constexpr std::uint64_t kSubgroupPresent = 0x03;
constexpr std::uint64_t kObjectPresent = 0x04;
constexpr std::uint64_t kGroupPresent = 0x08;
constexpr std::uint64_t kPriorityPresent = 0x10;
constexpr std::uint64_t kPropertiesPresent = 0x20;
constexpr std::uint64_t kDatagram = 0x40;
constexpr std::uint64_t kEndOfAbsentRange = 0x8c;
constexpr std::uint64_t kEndOfUnknownRange = 0x10c;
/// What draft-14's form has instead.
constexpr std::uint64_t kEverything =
    kSubgroupPresent | kObjectPresent | kGroupPresent | kPriorityPresent | kPropertiesPresent;

bool is_range(std::uint64_t flags) {
  return flags == kEndOfAbsentRange || flags == kEndOfUnknownRange;
}

bool is_behind(Location location, const std::optional<Location>& prior, GroupOrder order) {
  if (!prior) return true;
  if (location.group == prior->group) return location.object > prior->object;
  if (order == GroupOrder::publisher) return true;
  return (location.group > prior->group) == (order == GroupOrder::ascending);
}

}  // namespace

FetchReader::FetchReader(Version version, GroupOrder order, FetchSink& sink, std::uint64_t max_size)
    : version_(version_info(version)),
      form_(version_.fetch),
      order_(order),
      sink_(sink),
      max_size_(max_size),
      state_(form_.flags ? State::flags : State::group),
      integer_(version_.integers),
      flags_(form_.flags ? 0 : kEverything) {}

Result<void> FetchReader::feed(const Bytes& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (state_ == State::payload) {
      const auto size =
          static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size() - at));
      remaining_ -= size;
      if (remaining_ == 0) state_ = form_.flags ? State::flags : State::group;
      MOQ_CHECK_OK(sink_.on_payload(bytes.slice(at, size)));
      at += size;
    } else if (state_ == State::properties) {
      at += properties_.take(bytes, at);
      if (!properties_.done()) continue;
      object_.properties = properties_.finish();
      state_ = State::size;
    } else if (state_ == State::priority) {
      object_.priority = bytes.span()[at++];
      MOQ_CHECK_OK(skip_to(State::properties_size));
    } else {
      at += integer_.take(bytes.span().subspan(at));
      if (integer_.done()) MOQ_CHECK_OK(on_integer(integer_.finish()));
    }
  }
  return {};
}

Result<void> FetchReader::on_integer(std::uint64_t value) {
  switch (state_) {
    case State::flags:
      return on_flags(value);
    case State::group:
      return on_group(value);
    case State::subgroup:
      object_.subgroup = value;
      return skip_to(State::object);
    case State::object:
      return on_object_id(value);
    case State::properties_size:
      MOQ_CHECK_OK(properties_.begin(value));
      state_ = value == 0 ? State::size : State::properties;
      return {};
    case State::size:
      return on_size(value);
    case State::status: {
      MOQ_TRY(object_.status, to_status(version_.objects, value));
      return begin();
    }
    case State::priority:
    case State::properties:
    case State::payload:
      break;
  }
  return {};
}

bool FetchReader::has(State state) const {
  if (is_range(flags_)) return state == State::group || state == State::object;
  switch (state) {
    case State::group:
      return (flags_ & kGroupPresent) != 0;
    case State::subgroup:
      return (flags_ & kDatagram) == 0 && (flags_ & kSubgroupMode) == kSubgroupPresent;
    case State::object:
      return (flags_ & kObjectPresent) != 0;
    case State::priority:
      return (flags_ & kPriorityPresent) != 0;
    case State::properties_size:
      return (flags_ & kPropertiesPresent) != 0;
    default:
      return true;
  }
}

Result<void> FetchReader::skip_to(State state) {
  for (const State next : {State::group, State::subgroup, State::object}) {
    if (next < state || !has(next)) continue;
    state_ = next;
    return {};
  }
  if (state <= State::priority) {
    MOQ_CHECK_OK(resolve());
    if (is_range(flags_)) return end_range();
    if (has(State::priority)) {
      state_ = State::priority;
      return {};
    }
  }
  state_ = has(State::properties_size) ? State::properties_size : State::size;
  return {};
}

Result<void> FetchReader::on_flags(std::uint64_t flags) {
  if (flags > form_.max_flags && !(form_.ranges && is_range(flags))) {
    return fail(CodingError::invalid_value, "serialization flags " + std::to_string(flags));
  }
  flags_ = flags;
  object_ = {};
  // The first has to say where it is.
  if (!prior_.location && !(has(State::group) && has(State::object))) {
    return fail(CodingError::invalid_value, "an object relative to none");
  }
  return skip_to(State::group);
}

Result<void> FetchReader::on_group(std::uint64_t value) {
  if (!form_.flags) object_ = {};
  object_.location.group = value;
  // The end of a range is at an absolute location. The draft does not say so, but with a
  // difference of at least 1 there would be none in the group of the object before.
  if (!form_.deltas || !prior_.location || is_range(flags_)) return skip_to(State::subgroup);
  const std::uint64_t from = prior_.location->group;
  const std::uint64_t last = coding::max_integer(version_.integers);
  const bool up = order_ != GroupOrder::descending;
  if (value >= (up ? last - from : from)) {
    return fail(CodingError::invalid_value, "a group beyond the first or last");
  }
  object_.location.group = up ? from + value + 1 : from - value - 1;
  return skip_to(State::subgroup);
}

Result<void> FetchReader::on_object_id(std::uint64_t value) {
  object_.location.object = value;
  // Relative to the object before, if that is in the same group.
  if (form_.deltas && prior_.location && !is_range(flags_) && !has(State::group)) {
    if (value > coding::max_integer(version_.integers) - prior_.location->object) {
      return fail(CodingError::invalid_value, "an object's id beyond the last");
    }
    object_.location.object += prior_.location->object;
  }
  return skip_to(State::priority);
}

Result<void> FetchReader::resolve() {
  if (!has(State::group)) object_.location.group = prior_.location->group;
  if (!has(State::object)) {
    if (prior_.location->object == coding::max_integer(version_.integers)) {
      return fail(CodingError::invalid_value, "an object's id beyond the last");
    }
    object_.location.object = prior_.location->object + 1;
  }
  if (is_range(flags_)) return {};
  if ((flags_ & kDatagram) == 0 && !has(State::subgroup)) {
    const std::uint64_t mode = flags_ & kSubgroupMode;
    object_.subgroup = 0;
    if (mode != kSubgroupZero) {
      const std::uint64_t step = mode == kSubgroupNext ? 1 : 0;
      if (!prior_.subgroup || *prior_.subgroup > coding::max_integer(version_.integers) - step) {
        return fail(CodingError::invalid_value, "a subgroup relative to none");
      }
      object_.subgroup = *prior_.subgroup + step;
    }
  }
  if (!has(State::priority)) {
    if (!prior_.priority) return fail(CodingError::invalid_value, "a priority as that of none");
    object_.priority = *prior_.priority;
  }
  return {};
}

Result<void> FetchReader::check_order() const {
  if (is_behind(object_.location, prior_.location, order_)) return {};
  return fail(StreamError::malformed_track, "a fetch whose objects are out of order");
}

Result<void> FetchReader::end_range() {
  MOQ_CHECK_OK(check_order());
  prior_.location = object_.location;
  state_ = State::flags;
  return sink_.on_end_of_range({.last = object_.location, .unknown = flags_ == kEndOfUnknownRange});
}

Result<void> FetchReader::on_size(std::uint64_t size) {
  if (size > max_size_) {
    return fail(CodingError::too_large, "object of " + std::to_string(size) + " bytes");
  }
  object_.size = size;
  if (size == 0 && form_.statuses) {
    state_ = State::status;
    return {};
  }
  return begin();
}

Result<void> FetchReader::begin() {
  if (!object_.properties.empty() && !may_have_properties(version_.objects, object_.status)) {
    return fail(CodingError::invalid_value, "properties of an object that is none");
  }
  MOQ_CHECK_OK(check_order());
  prior_.location = object_.location;
  // An object of a datagram has no subgroup to refer to; the one before it still has.
  if (object_.subgroup) prior_.subgroup = object_.subgroup;
  prior_.priority = object_.priority;
  remaining_ = object_.size;
  state_ = form_.flags ? State::flags : State::group;
  if (object_.size > 0) state_ = State::payload;
  return sink_.on_object(object_);
}

Result<void> FetchReader::finish() const {
  if (state_ != (form_.flags ? State::flags : State::group) || integer_.partial()) {
    return fail(CodingError::short_buffer, "the stream ends inside an object");
  }
  return {};
}

FetchWriter::FetchWriter(Version version, GroupOrder order)
    : version_(version_info(version)), order_(order) {}

bool FetchWriter::behind_prior(Location location) const {
  return is_behind(location, prior_.location, order_);
}

void FetchWriter::write_absolute(coding::Writer& out, const FetchObject& object) const {
  out.varint(object.location.group);
  out.varint(object.subgroup.value_or(object.location.object));
  out.varint(object.location.object);
  out.u8(object.priority);
  out.varint(object.properties.size());
  out.bytes(object.properties);
}

void FetchWriter::write_flagged(coding::Writer& out, const FetchObject& object) const {
  const Location at = object.location;
  const bool same_group = prior_.location && prior_.location->group == at.group;
  // Whatever the group.
  const bool next = prior_.location && at.object > 0 && at.object - 1 == prior_.location->object;
  std::uint64_t flags = 0;
  if (!same_group) flags |= kGroupPresent;
  if (!next) flags |= kObjectPresent;
  if (!object.subgroup) {
    flags |= kDatagram;
  } else if (prior_.subgroup == object.subgroup) {
    flags |= kSubgroupPrior;
  } else if (object.subgroup == 0) {
    flags |= kSubgroupZero;
  } else if (prior_.subgroup && *object.subgroup - 1 == *prior_.subgroup) {
    flags |= kSubgroupNext;
  } else {
    flags |= kSubgroupPresent;
  }
  if (prior_.priority != object.priority) flags |= kPriorityPresent;
  if (!object.properties.empty()) flags |= kPropertiesPresent;
  if (flags > version_.fetch.max_flags) out.refuse(CodingError::invalid_value);
  out.varint(flags);
  if (!same_group) {
    const bool absolute = !version_.fetch.deltas || !prior_.location;
    const std::uint64_t from = absolute ? 0 : prior_.location->group;
    const std::uint64_t distance = std::max(at.group, from) - std::min(at.group, from);
    out.varint(absolute ? at.group : distance - 1);
  }
  if ((flags & kSubgroupMode) == kSubgroupPresent) out.varint(*object.subgroup);
  if (!next) {
    const bool delta = version_.fetch.deltas && same_group;
    out.varint(delta ? at.object - prior_.location->object : at.object);
  }
  if ((flags & kPriorityPresent) != 0) out.u8(object.priority);
  if (object.properties.empty()) return;
  out.varint(object.properties.size());
  out.bytes(object.properties);
}

Result<void> FetchWriter::object(std::vector<std::uint8_t>& out, const FetchObject& object) {
  const bool normal = object.status == Status::normal;
  const bool has_status =
      version_.fetch.statuses &&
      to_status(version_.objects, static_cast<unsigned>(object.status)).has_value();
  const bool ok =
      behind_prior(object.location) && (normal || (has_status && object.size == 0)) &&
      (object.properties.empty() || may_have_properties(version_.objects, object.status));
  if (!ok) return fail(CodingError::invalid_value, "fetched object");
  const std::size_t before = out.size();
  coding::Writer writer(out, version_.integers);
  if (version_.fetch.flags) {
    write_flagged(writer, object);
  } else {
    write_absolute(writer, object);
  }
  writer.varint(object.size);
  if (object.size == 0 && version_.fetch.statuses) {
    writer.varint(static_cast<std::uint64_t>(object.status));
  }
  if (const auto reason = writer.refused()) {
    out.resize(before);
    return fail(*reason, "fetched object");
  }
  prior_.location = object.location;
  if (object.subgroup) prior_.subgroup = object.subgroup;
  prior_.priority = object.priority;
  return {};
}

Result<void> FetchWriter::end_of_range(std::vector<std::uint8_t>& out, const EndOfRange& range) {
  if (!version_.fetch.ranges) return fail(CodingError::unsupported, "end of a range");
  if (!behind_prior(range.last)) return fail(CodingError::invalid_value, "end of a range");
  const std::size_t before = out.size();
  coding::Writer writer(out, version_.integers);
  writer.varint(range.unknown ? kEndOfUnknownRange : kEndOfAbsentRange);
  writer.varint(range.last.group);
  writer.varint(range.last.object);
  if (const auto reason = writer.refused()) {
    out.resize(before);
    return fail(*reason, "end of a range");
  }
  prior_.location = range.last;
  return {};
}

}  // namespace moq::ietf
