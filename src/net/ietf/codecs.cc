#include "net/ietf/codecs.h"

#include <algorithm>
#include <utility>

#include "net/ietf/properties.h"

namespace moq::ietf {

namespace {

template <typename E>
Result<void> read_enum(Reader& in, E first, E last, E& value) {
  MOQ_TRY(const std::uint64_t number, in.varint());
  if (number < static_cast<std::uint64_t>(first) || number > static_cast<std::uint64_t>(last)) {
    return fail(CodingError::invalid_value);
  }
  value = static_cast<E>(number);
  return {};
}

bool has_start(FilterType type) {
  return type == FilterType::absolute_start || type == FilterType::absolute_range;
}

}  // namespace

Result<void> StrictFlag::read(Reader& in, bool& value) const {
  MOQ_TRY(const std::uint8_t byte, in.u8());
  if (byte > 1) return fail(CodingError::invalid_value);
  value = byte != 0;
  return {};
}

void ByteString::write(Writer& out, const std::string& value) const {
  if (value.size() > max) out.refuse(over);
  out.varint(value.size());
  out.bytes(as_bytes(value));
}

Result<void> ByteString::read(Reader& in, std::string& value) const {
  MOQ_TRY(const std::uint64_t length, in.varint());
  if (length > max) return fail(over);
  MOQ_TRY(const ByteSpan bytes, in.bytes(length));
  value = as_text(bytes);
  return {};
}

void NamespaceCodec::write(Writer& out, const TrackNamespace& value) const {
  if (value.size() < min_fields) out.refuse(CodingError::invalid_value);
  if (value.size() > kMaxNamespaceFields) out.refuse(CodingError::too_many);
  out.varint(value.size());
  for (const std::string& part : value) {
    if (part.empty() && !empty_fields) out.refuse(CodingError::invalid_value);
    out.varint(part.size());
    out.bytes(as_bytes(part));
  }
}

Result<void> NamespaceCodec::read(Reader& in, TrackNamespace& value) const {
  MOQ_TRY(const std::uint64_t count, in.varint());
  if (count < min_fields) return fail(CodingError::invalid_value);
  if (count > kMaxNamespaceFields) return fail(CodingError::too_many);
  value.clear();
  std::size_t total = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    MOQ_TRY(const std::uint64_t length, in.varint());
    if (length == 0 && !empty_fields) return fail(CodingError::invalid_value);
    if (length > kMaxFullTrackName - total) return fail(CodingError::too_large);
    MOQ_TRY(const ByteSpan part, in.bytes(length));
    total += part.size();
    value.emplace_back(as_text(part));
  }
  return {};
}

void FullNameCodec::write(Writer& out, const FullTrackName& value) const {
  if (value.size() > kMaxFullTrackName) out.refuse(CodingError::too_large);
  track_namespace.write(out, value.track_namespace);
  out.varint(value.track_name.size());
  out.bytes(as_bytes(value.track_name));
}

Result<void> FullNameCodec::read(Reader& in, FullTrackName& value) const {
  value.track_name.clear();
  MOQ_CHECK_OK(track_namespace.read(in, value.track_namespace));
  return ByteString{.max = kMaxFullTrackName - value.size()}.read(in, value.track_name);
}

void LocationCodec::write(Writer& out, const Location& value) const {
  out.varint(value.group);
  out.varint(value.object);
}

Result<void> LocationCodec::read(Reader& in, Location& value) const {
  MOQ_TRY(value.group, in.varint());
  MOQ_TRY(value.object, in.varint());
  return {};
}

void ContentExists::write(Writer& out, const std::optional<Location>& value) const {
  out.u8(value ? 1 : 0);
  if (value) LocationCodec{}.write(out, *value);
}

Result<void> ContentExists::read(Reader& in, std::optional<Location>& value) const {
  bool exists = false;
  MOQ_CHECK_OK(StrictFlag{}.read(in, exists));
  value.reset();
  if (!exists) return {};
  return LocationCodec{}.read(in, value.emplace());
}

void OrderByte::write(Writer& out, GroupOrder value) const {
  if (value < min) out.refuse(CodingError::invalid_value);
  out.u8(static_cast<std::uint8_t>(value));
}

Result<void> OrderByte::read(Reader& in, GroupOrder& value) const {
  MOQ_TRY(const std::uint8_t byte, in.u8());
  if (byte < static_cast<std::uint8_t>(min) ||
      byte > static_cast<std::uint8_t>(GroupOrder::descending)) {
    return fail(CodingError::invalid_value);
  }
  value = static_cast<GroupOrder>(byte);
  return {};
}

void FilterCodec::write(Writer& out, const Filter& value) const {
  out.varint(static_cast<std::uint64_t>(value.type));
  if (has_start(value.type)) LocationCodec{}.write(out, value.start);
  if (value.type != FilterType::absolute_range) return;
  if (!delta_end) return out.varint(value.end_group);
  if (value.end_group < value.start.group) out.refuse(CodingError::invalid_value);
  out.varint(value.end_group - std::min(value.end_group, value.start.group));
}

Result<void> FilterCodec::read(Reader& in, Filter& value) const {
  value = {};
  MOQ_CHECK_OK(read_enum(in, FilterType::next_group, FilterType::absolute_range, value.type));
  if (has_start(value.type)) MOQ_CHECK_OK(LocationCodec{}.read(in, value.start));
  if (value.type != FilterType::absolute_range) return {};
  MOQ_TRY(value.end_group, in.varint());
  if (!delta_end) return {};
  if (value.end_group > kNumber.max - value.start.group) return fail(CodingError::invalid_value);
  value.end_group += value.start.group;
  return {};
}

void UpdatedRange::write(Writer& out, const Filter& value) const {
  if (!has_start(value.type)) out.refuse(CodingError::invalid_value);
  LocationCodec{}.write(out, value.start);
  const bool open = value.type != FilterType::absolute_range;
  if (!open && value.end_group >= coding::kMaxVarint) out.refuse(CodingError::too_large);
  out.varint(open ? 0 : std::min(value.end_group, coding::kMaxVarint - 1) + 1);
}

Result<void> UpdatedRange::read(Reader& in, Filter& value) const {
  value = {};
  MOQ_CHECK_OK(LocationCodec{}.read(in, value.start));
  MOQ_TRY(const std::uint64_t end, in.varint());
  if (end == 0) return {};
  value.type = FilterType::absolute_range;
  value.end_group = end - 1;
  return {};
}

void FetchRangeCodec::write(Writer& out, const FetchRange& value) const {
  out.varint(static_cast<std::uint64_t>(value.type));
  if (value.type == FetchType::standalone) {
    name.write(out, value.track);
    LocationCodec{}.write(out, value.start);
    LocationCodec{}.write(out, value.end);
  } else {
    out.varint(value.joining_request_id);
    out.varint(value.joining_start);
  }
}

Result<void> FetchRangeCodec::read(Reader& in, FetchRange& value) const {
  value = {};
  MOQ_CHECK_OK(read_enum(in, FetchType::standalone, FetchType::absolute_joining, value.type));
  if (value.type == FetchType::standalone) {
    MOQ_CHECK_OK(name.read(in, value.track));
    MOQ_CHECK_OK(LocationCodec{}.read(in, value.start));
    return LocationCodec{}.read(in, value.end);
  }
  MOQ_TRY(value.joining_request_id, in.varint());
  MOQ_TRY(value.joining_start, in.varint());
  return {};
}

void RetryInterval::write(Writer& out, const std::optional<Duration>& value) const {
  out.varint(value ? coding::Milliseconds::count(*value) + 1 : 0);
}

Result<void> RetryInterval::read(Reader& in, std::optional<Duration>& value) const {
  value.reset();
  MOQ_TRY(const std::uint64_t wire, in.varint());
  if (wire == 0) return {};
  const auto longest = static_cast<std::uint64_t>(coding::Milliseconds::kMax.count());
  value = std::chrono::milliseconds(static_cast<std::int64_t>(std::min(wire - 1, longest)));
  return {};
}

Result<void> TrackPropertiesCodec::read(Reader& in, Bytes& value) const {
  MOQ_CHECK_OK(check_properties({.integers = in.form(), .delta_types = true}, in.rest()));
  MOQ_TRY(const ByteSpan bytes, in.bytes(in.remaining()));
  value = Bytes::copy_of(bytes);
  return {};
}

}  // namespace moq::ietf
