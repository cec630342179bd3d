#include "net/ietf/datagram.h"

#include <string>

#include "net/coding/error.h"
#include "net/coding/reader.h"
#include "net/coding/writer.h"
#include "net/ietf/stream.h"

namespace moq::ietf {

using coding::CodingError;

namespace {

/// Bits of the type.
constexpr std::uint64_t kPropertiesBit = 0x01;
constexpr std::uint64_t kEndOfGroup = 0x02;
constexpr std::uint64_t kZeroObjectId = 0x04;
constexpr std::uint64_t kDefaultPriorityBit = 0x08;
constexpr std::uint64_t kStatus = 0x20;

std::uint64_t type_of(const ObjectRules& rules, const ObjectDatagram& datagram) {
  const bool has_status = datagram.status != Status::normal;
  const std::uint64_t allowed = has_status ? rules.datagram_status_bits : rules.datagram_bits;
  std::uint64_t type = has_status ? kStatus : 0;
  if (!datagram.properties.empty()) type |= kPropertiesBit;
  if (datagram.end_of_group) type |= kEndOfGroup;
  // Only where the draft has the short form.
  if (datagram.object == 0) type |= kZeroObjectId & allowed;
  if (!datagram.priority) type |= kDefaultPriorityBit;
  return type;
}

}  // namespace

bool is_object_datagram_type(const VersionInfo& version, std::uint64_t type) {
  const ObjectRules& rules = version.objects;
  const bool has_status = (type & kStatus) != 0;
  const std::uint64_t allowed =
      has_status ? kStatus | rules.datagram_status_bits : rules.datagram_bits;
  return (type & ~allowed) == 0;
}

Result<std::optional<ObjectDatagram>> decode_datagram(Version version, const Bytes& bytes) {
  const VersionInfo& info = version_info(version);
  coding::Reader in(bytes, info.integers);
  const auto here = [&] { return bytes.size() - in.remaining(); };
  MOQ_TRY(const std::uint64_t type, in.varint());
  if (info.has_padding && type == kPaddingDatagram) return std::nullopt;
  if (!is_object_datagram_type(info, type)) {
    return fail(CodingError::unknown_type, "datagram " + std::to_string(type));
  }
  ObjectDatagram datagram;
  MOQ_TRY(datagram.track_alias, in.varint());
  MOQ_TRY(datagram.group, in.varint());
  if ((type & kZeroObjectId) == 0) {
    MOQ_TRY(datagram.object, in.varint());
  }
  if ((type & kDefaultPriorityBit) == 0) {
    MOQ_TRY(datagram.priority, in.u8());
  }
  if ((type & kPropertiesBit) != 0) {
    MOQ_TRY(const std::uint64_t size, in.varint());
    if (size == 0) return fail(CodingError::invalid_value, "a datagram's properties of no bytes");
    const std::size_t at = here();
    MOQ_TRY(const ByteSpan properties, in.bytes(size));
    datagram.properties = bytes.slice(at, properties.size());
  }
  datagram.end_of_group = (type & kEndOfGroup) != 0;
  if ((type & kStatus) == 0) {
    datagram.payload = bytes.slice(here());
    return datagram;
  }
  MOQ_TRY(const std::uint64_t status, in.varint());
  MOQ_TRY(datagram.status, to_status(info.objects, status));
  if (!datagram.properties.empty() && !may_have_properties(info.objects, datagram.status)) {
    return fail(CodingError::invalid_value, "properties of an object that is none");
  }
  MOQ_CHECK_OK(in.finish());
  return datagram;
}

Result<std::vector<std::uint8_t>> encode(Version version, const ObjectDatagram& datagram) {
  const VersionInfo& info = version_info(version);
  const std::uint64_t type = type_of(info.objects, datagram);
  const bool normal = datagram.status == Status::normal;
  const bool ok =
      is_object_datagram_type(info, type) &&
      to_status(info.objects, static_cast<unsigned>(datagram.status)).has_value() &&
      (normal || datagram.payload.empty()) &&
      (datagram.properties.empty() || may_have_properties(info.objects, datagram.status));
  if (!ok) return fail(CodingError::invalid_value, "datagram");
  std::vector<std::uint8_t> bytes;
  coding::Writer out(bytes, info.integers);
  out.varint(type);
  out.varint(datagram.track_alias);
  out.varint(datagram.group);
  if ((type & kZeroObjectId) == 0) out.varint(datagram.object);
  if (datagram.priority) out.u8(*datagram.priority);
  if (!datagram.properties.empty()) {
    out.varint(datagram.properties.size());
    out.bytes(datagram.properties);
  }
  if (normal) {
    out.bytes(datagram.payload);
  } else {
    out.varint(static_cast<std::uint64_t>(datagram.status));
  }
  if (const auto reason = out.refused()) return fail(*reason, "datagram");
  return bytes;
}

}  // namespace moq::ietf
