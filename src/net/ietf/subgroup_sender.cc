#include "net/ietf/subgroup_sender.h"

namespace moq::ietf {

std::optional<std::uint64_t> SubgroupSender::expired() {
  const auto& all = objects().objects();
  // They ascend. The peer would take one that was sent as another, or for a violation.
  if (!all.empty() && all.back().id > coding::max_integer(version_.integers)) {
    return wire_code(version_.version, StreamError::internal);
  }
  return ObjectSender::expired();
}

ByteSpan SubgroupSender::header_at(std::size_t index, std::size_t offset) const {
  const ObjectEncoding& encoding = version_.objects_with_properties;
  ByteSpan header = objects().headers(encoding.wire_form).at(objects(), index, encoding.encode);
  if (index != 0 && is_first(index)) header = first_header(index);
  const ByteSpan properties = sent_properties(version_, objects(), index);
  if (properties.empty()) return header.subspan(offset);
  // Properties are in the middle, and in memory of their own.
  const std::size_t split = object_header_split(version_, header);
  if (offset < split) return header.subspan(offset, split - offset);
  offset -= split;
  if (offset < properties.size()) return properties.subspan(offset);
  return header.subspan(split + offset - properties.size());
}

ByteSpan SubgroupSender::first_header(std::size_t index) const {
  if (first_size_ == 0) {
    EncodedHeaders::Place place{.timescale = objects().group().timescale()};
    first_size_ =
        version_.objects_with_properties.encode(objects().objects()[index], place, first_);
  }
  return ByteSpan(first_).first(first_size_);
}

}  // namespace moq::ietf
