#include "net/lite/frame.h"

#include <algorithm>
#include <string>
#include <utility>

#include "net/coding/error.h"
#include "net/lite/limits.h"

namespace moq::lite {

using coding::CodingError;

FrameReader::FrameReader(Version version, FrameSink& sink, std::uint64_t max_size)
    : sink_(sink),
      max_size_(max_size),
      first_(version_info(version).has_timestamps ? State::timestamp : State::size),
      state_(first_) {}

Result<void> FrameReader::feed(const Bytes& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (state_ == State::payload) {
      const std::size_t size =
          static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size() - at));
      remaining_ -= size;
      if (remaining_ == 0) state_ = first_;
      MOQ_CHECK_OK(sink_.on_payload(bytes.slice(at, size)));
      at += size;
      continue;
    }
    at += varint_.take(bytes.span().subspan(at));
    if (varint_.done()) MOQ_CHECK_OK(on_varint(varint_.finish()));
  }
  return {};
}

Result<void> FrameReader::on_varint(std::uint64_t value) {
  if (state_ == State::size) return begin(value);
  // Both summands are within 2^61, so the sum cannot overflow.
  const std::int64_t next = static_cast<std::int64_t>(timestamp_) + coding::unzigzag(value);
  if (next < 0 || std::cmp_greater(next, kMaxTimestamp)) {
    return fail(CodingError::invalid_value, "FRAME.timestamp_delta");
  }
  timestamp_ = static_cast<std::uint64_t>(next);
  state_ = State::size;
  return {};
}

Result<void> FrameReader::begin(std::uint64_t size) {
  if (size > max_size_) {
    return fail(CodingError::too_large, "frame of " + std::to_string(size) + " bytes");
  }
  remaining_ = size;
  state_ = size == 0 ? first_ : State::payload;
  FrameHeader header{.timestamp = std::nullopt, .size = size};
  if (first_ == State::timestamp) header.timestamp = timestamp_;
  return sink_.on_frame(header);
}

Result<void> FrameReader::finish() const {
  if (state_ != first_ || varint_.partial()) {
    return fail(CodingError::short_buffer, "the stream ends inside a frame");
  }
  return {};
}

std::size_t encode_frame_lite04(const Object& object, EncodedHeaders::Place& /*place*/,
                                std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out) {
  return coding::write_varint(object.size, out.data());
}

std::size_t encode_frame_lite05(const Object& object, EncodedHeaders::Place& place,
                                std::span<std::uint8_t, EncodedHeaders::kMaxHeader> out) {
  const auto clamped = [](const Object& of) {
    return static_cast<std::int64_t>(std::min(of.timestamp, kMaxTimestamp));
  };
  const std::int64_t delta =
      clamped(object) - (place.previous == nullptr ? 0 : clamped(*place.previous));
  const std::size_t size = coding::write_varint(coding::zigzag(delta), out.data());
  return size + coding::write_varint(object.size, out.data() + size);
}

}  // namespace moq::lite
