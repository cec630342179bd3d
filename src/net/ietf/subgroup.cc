#include "net/ietf/subgroup.h"

#include <algorithm>
#include <string>
#include <utility>

#include "net/coding/error.h"
#include "net/coding/writer.h"
#include "net/ietf/limits.h"
#include "net/ietf/properties.h"

namespace moq::ietf {

using coding::CodingError;
using coding::IntegerForm;

namespace {

/// Bits of the type (§"Subgroup Header").
constexpr std::uint64_t kPropertiesBit = 0x01;
constexpr std::uint64_t kIdMode = 0x06;
constexpr std::uint64_t kEndOfGroup = 0x08;
constexpr std::uint64_t kSubgroup = 0x10;  // always

/// The mode that is none.
constexpr std::uint64_t kReservedMode = 0x06;

SubgroupIdMode id_mode(std::uint64_t type) {
  return static_cast<SubgroupIdMode>((type & kIdMode) >> 1);
}

std::uint64_t type_of(const SubgroupHeader& header) {
  std::uint64_t type = kSubgroup | static_cast<std::uint64_t>(header.id_mode) << 1;
  if (header.has_properties) type |= kPropertiesBit;
  if (header.end_of_group) type |= kEndOfGroup;
  if (!header.priority) type |= kSubgroupDefaultPriority;
  if (header.first_object) type |= kSubgroupFirstObject;
  return type;
}

}  // namespace

std::string_view to_string(Status status) {
  switch (status) {
    case Status::normal:
      return "normal";
    case Status::does_not_exist:
      return "does_not_exist";
    case Status::end_of_group:
      return "end_of_group";
    case Status::end_of_track:
      return "end_of_track";
  }
  return "unknown";
}

std::optional<ObjectStatus> to_model(Status status) {
  if (status == Status::does_not_exist) return std::nullopt;
  return static_cast<ObjectStatus>(status);
}

Result<Status> to_status(const ObjectRules& rules, std::uint64_t number) {
  if (number > 7 || (rules.statuses & 1U << number) == 0) {
    return fail(CodingError::invalid_value, "object status " + std::to_string(number));
  }
  return static_cast<Status>(number);
}

bool may_have_properties(const ObjectRules& rules, Status status) {
  return (rules.statuses_with_properties & 1U << static_cast<unsigned>(status)) != 0;
}

bool is_subgroup_type(const VersionInfo& version, std::uint64_t type) {
  const std::uint64_t bits = type & ~kSubgroup;
  return (type & kSubgroup) != 0 && (bits & ~std::uint64_t{version.objects.subgroup_bits}) == 0 &&
         (type & kIdMode) != kReservedMode;
}

Result<SubgroupHeader> read_subgroup_header(std::uint64_t type, coding::Reader& in) {
  SubgroupHeader header;
  header.id_mode = id_mode(type);
  header.has_properties = (type & kPropertiesBit) != 0;
  header.end_of_group = (type & kEndOfGroup) != 0;
  header.first_object = (type & kSubgroupFirstObject) != 0;
  MOQ_TRY(header.track_alias, in.varint());
  MOQ_TRY(header.group, in.varint());
  if (header.id_mode == SubgroupIdMode::explicit_id) {
    MOQ_TRY(header.subgroup, in.varint());
  }
  if ((type & kSubgroupDefaultPriority) == 0) {
    MOQ_TRY(header.priority, in.u8());
  }
  return header;
}

Result<std::vector<std::uint8_t>> encode(Version version, const SubgroupHeader& header) {
  const VersionInfo& info = version_info(version);
  const std::uint64_t type = type_of(header);
  if (!is_subgroup_type(info, type)) return fail(CodingError::invalid_value, "SUBGROUP_HEADER");
  std::vector<std::uint8_t> bytes;
  coding::Writer out(bytes, info.integers);
  out.varint(type);
  out.varint(header.track_alias);
  out.varint(header.group);
  if (header.id_mode == SubgroupIdMode::explicit_id) out.varint(header.subgroup);
  if (header.priority) out.u8(*header.priority);
  if (const auto reason = out.refused()) return fail(*reason, "SUBGROUP_HEADER");
  return bytes;
}

Result<void> PropertyBuffer::begin(std::uint64_t size) {
  if (size > kMaxObjectProperties) {
    return fail(CodingError::too_large, "properties of " + std::to_string(size) + " bytes");
  }
  missing_ = static_cast<std::size_t>(size);
  return {};
}

std::size_t PropertyBuffer::take(const Bytes& bytes, std::size_t at) {
  const std::size_t size = std::min(missing_, bytes.size() - at);
  if (size == missing_ && parts_.empty()) {
    whole_ = bytes.slice(at, size);
  } else {
    const ByteSpan part = bytes.span().subspan(at, size);
    parts_.insert(parts_.end(), part.begin(), part.end());
  }
  missing_ -= size;
  return size;
}

Bytes PropertyBuffer::finish() {
  if (!parts_.empty()) whole_ = Bytes::copy_of(std::exchange(parts_, {}));
  return std::exchange(whole_, {});
}

SubgroupReader::SubgroupReader(Version version, bool has_properties, SubgroupSink& sink,
                               std::uint64_t max_size)
    : version_(version_info(version)),
      has_properties_(has_properties),
      sink_(sink),
      max_size_(max_size),
      integer_(version_.integers) {}

Result<void> SubgroupReader::feed(const Bytes& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (state_ == State::payload) {
      const auto size =
          static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size() - at));
      remaining_ -= size;
      if (remaining_ == 0) state_ = State::id;
      MOQ_CHECK_OK(sink_.on_payload(bytes.slice(at, size)));
      at += size;
    } else if (state_ == State::properties) {
      at += properties_.take(bytes, at);
      if (!properties_.done()) continue;
      object_.properties = properties_.finish();
      state_ = State::size;
    } else {
      at += integer_.take(bytes.span().subspan(at));
      if (integer_.done()) MOQ_CHECK_OK(on_integer(integer_.finish()));
    }
  }
  return {};
}

Result<void> SubgroupReader::on_integer(std::uint64_t value) {
  switch (state_) {
    case State::id:
      return on_id(value);
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
    case State::properties:
    case State::payload:
      break;
  }
  return {};
}

Result<void> SubgroupReader::on_id(std::uint64_t delta) {
  // "Further objects on the stream would be a protocol violation" (§"Closing Subgroup
  // Streams").
  if (ended_) return fail(CodingError::invalid_value, "an object behind the end of its group");
  const std::uint64_t base = first_ ? 0 : object_.id + 1;
  const std::uint64_t last = coding::max_integer(version_.integers);
  // An id of `last` has been followed by its payload only: nothing can come after it.
  if ((!first_ && object_.id == last) || delta > last - base) {
    return fail(CodingError::invalid_value, "an object's id beyond the last");
  }
  first_ = false;
  object_ = {.id = base + delta};
  state_ = has_properties_ ? State::properties_size : State::size;
  return {};
}

Result<void> SubgroupReader::on_size(std::uint64_t size) {
  if (size > max_size_) {
    return fail(CodingError::too_large, "object of " + std::to_string(size) + " bytes");
  }
  object_.size = size;
  if (size == 0) {
    state_ = State::status;
    return {};
  }
  return begin();
}

Result<void> SubgroupReader::begin() {
  if (!object_.properties.empty() && !may_have_properties(version_.objects, object_.status)) {
    return fail(CodingError::invalid_value, "properties of an object that is none");
  }
  ended_ = object_.status == Status::end_of_group || object_.status == Status::end_of_track;
  remaining_ = object_.size;
  state_ = object_.size == 0 ? State::id : State::payload;
  return sink_.on_object(object_);
}

Result<void> SubgroupReader::finish() const {
  if (state_ != State::id || integer_.partial()) {
    return fail(CodingError::short_buffer, "the stream ends inside an object");
  }
  return {};
}

std::uint64_t sent_timestamp(IntegerForm form, std::uint64_t timestamp, std::uint64_t timescale) {
  if (form == IntegerForm::vi64 || timescale == 0) return timestamp;
  return rescale(timestamp, timescale, kDefaultTimescale);
}

namespace {

enum class Properties : std::uint8_t { none, of_any, of_normal };

/// `list` of an object whose track's timescale the peer is not told: with its time in
/// microseconds, unless it says its timescale itself.
Result<Bytes> in_microseconds(PropertyForm form, const Bytes& list, std::uint64_t timescale) {
  PropertyReader in(form, list);
  PropertyWriter out(form);
  while (true) {
    MOQ_TRY(const auto next, in.next());
    if (!next) return out.finish();
    if (next->type == property::kTimescale) return list;
    if (!next->has_number()) {
      out.add(next->type, std::string(next->bytes.begin(), next->bytes.end()));
      continue;
    }
    const bool time = next->type == property::kTimestamp || next->type == property::kLocTimestamp;
    out.add(next->type, time ? rescale(next->number, timescale, kDefaultTimescale) : next->number);
  }
}

/// Has `place` have the properties of an object of another form. False if that cannot be.
bool convert(const Object& object, std::uint8_t form, EncodedHeaders::Place& place) {
  const auto from = find_property_form(object.properties_form);
  const auto to = find_property_form(form);
  if (!from || !to) return false;
  auto converted = convert_properties(*from, *to, object.properties);
  const bool untold = to->integers == IntegerForm::quic && place.timescale != 0 &&
                      place.timescale != kDefaultTimescale;
  if (converted && untold) converted = in_microseconds(*to, *converted, place.timescale);
  if (!converted) return false;
  place.properties = *std::move(converted);
  return true;
}

// Of a model's object. All numbers came from peers, but of other drafts maybe: what the
// form has no encoding for is sent as its largest.
template <IntegerForm kForm, Properties kProperties>
std::size_t encode_header(const Object& object, EncodedHeaders::Place& place,
                          std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out) {
  std::uint8_t* at = out.data();
  const auto put = [&](std::uint64_t value) { at += coding::write_integer(kForm, value, at); };
  const std::uint64_t base = place.previous == nullptr ? 0 : place.previous->id + 1;
  put(object.id - std::min(object.id, base));
  if (kProperties != Properties::none) {
    const bool may = kProperties == Properties::of_any || object.status == ObjectStatus::normal;
    if (may && object.properties_form == property_form(kForm)) {
      put(object.properties.size());
    } else if (may && convert(object, property_form(kForm), place)) {
      put(place.properties->size());
    } else if (may && object.status == ObjectStatus::normal) {
      // What came without a place for properties has its time here.
      const std::uint64_t time = sent_timestamp(kForm, object.timestamp, place.timescale);
      put(coding::integer_size(kForm, property::kTimestamp) + coding::integer_size(kForm, time));
      put(property::kTimestamp);
      put(time);
    } else {
      put(0);
    }
  }
  put(object.size);
  if (object.size == 0) *at++ = static_cast<std::uint8_t>(object.status);
  return static_cast<std::size_t>(at - out.data());
}

}  // namespace

std::size_t encode_object_quic_plain(const Object& object, EncodedHeaders::Place& place,
                                     std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out) {
  return encode_header<IntegerForm::quic, Properties::none>(object, place, out);
}

std::size_t encode_object_quic_properties(const Object& object, EncodedHeaders::Place& place,
                                          std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out) {
  return encode_header<IntegerForm::quic, Properties::of_any>(object, place, out);
}

std::size_t encode_object_vi64_plain(const Object& object, EncodedHeaders::Place& place,
                                     std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out) {
  return encode_header<IntegerForm::vi64, Properties::none>(object, place, out);
}

std::size_t encode_object_vi64_properties(const Object& object, EncodedHeaders::Place& place,
                                          std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out) {
  return encode_header<IntegerForm::vi64, Properties::of_normal>(object, place, out);
}

std::size_t object_header_split(const VersionInfo& version, ByteSpan header) {
  coding::Reader in(header, version.integers);
  // Ours, so it is there.
  (void)in.varint();
  (void)in.varint();
  return header.size() - in.remaining();
}

ByteSpan sent_properties(const VersionInfo& version, const Subgroup& subgroup, std::size_t index) {
  const Object& object = subgroup.objects()[index];
  if (!may_have_properties(version.objects, static_cast<Status>(object.status))) return {};
  if (object.properties_form == version.properties.form) return object.properties;
  // Those without a form are in the header.
  return subgroup.headers(version.objects_with_properties.wire_form)
      .properties(index)
      .value_or(ByteSpan{});
}

Bytes properties_for(const VersionInfo& version, const Object& object, std::uint64_t timescale) {
  if (object.properties_form == version.properties.form) return object.properties;
  EncodedHeaders::Place place{.timescale = timescale};
  if (convert(object, version.properties.form, place)) return *std::move(place.properties);
  if (object.status != ObjectStatus::normal) return {};
  PropertyWriter out(version.properties);
  out.add(property::kTimestamp, sent_timestamp(version.integers, object.timestamp, timescale));
  return out.finish().value_or(Bytes{});
}

Result<EncodedObject> encode_object(const VersionInfo& version, const StreamObject& object,
                                    std::optional<std::uint64_t> previous,
                                    std::optional<std::uint64_t> properties_size) {
  const bool ascends = !previous || object.id > *previous;
  const bool ok =
      ascends && to_status(version.objects, static_cast<unsigned>(object.status)) &&
      (object.size == 0 || object.status == Status::normal) &&
      (properties_size.value_or(0) == 0 || may_have_properties(version.objects, object.status));
  if (!ok) return fail(CodingError::invalid_value, "object");
  EncodedObject encoded;
  coding::Writer out(encoded.bytes, version.integers);
  out.varint(previous ? object.id - *previous - 1 : object.id);
  if (properties_size) out.varint(*properties_size);
  encoded.split = encoded.bytes.size();
  out.varint(object.size);
  if (object.size == 0) out.varint(static_cast<std::uint64_t>(object.status));
  if (const auto reason = out.refused()) return fail(*reason, "object");
  return encoded;
}

}  // namespace moq::ietf
