#include "native/http3/source.h"

#include <algorithm>

#include "native/http3/codes.h"

namespace moq::native::http3 {

StreamHeader::StreamHeader(std::uint64_t type, std::uint64_t session) {
  std::size_t size = coding::write_varint(type, bytes_.data());
  size += coding::write_varint(session, bytes_.data() + size);
  size_ = static_cast<std::uint8_t>(size);
}

StreamHeader StreamHeader::uni(std::uint64_t session) {
  return {static_cast<std::uint64_t>(UniStreamType::webtransport), session};
}

StreamHeader StreamHeader::bidi(std::uint64_t session) {
  return {static_cast<std::uint64_t>(FrameType::webtransport_stream), session};
}

transport::Pull StreamSource::pull(std::span<ByteSpan> slices) {
  if (header_left() == 0) return inner_->pull(slices);
  slices[0] = header_.bytes().subspan(header_sent_);
  transport::Pull pull = inner_->pull(slices.subspan(1));
  ++pull.count;
  return pull;
}

void StreamSource::sent(std::size_t size, bool fin) {
  const std::size_t header = std::min(size, header_left());
  header_sent_ = static_cast<std::uint8_t>(header_sent_ + header);
  if (size > header || fin) inner_->sent(size - header, fin);
}

void StreamSource::acked(std::uint64_t offset) {
  const std::size_t header = header_.bytes().size();
  if (offset > header) inner_->acked(offset - header);
}

std::optional<std::uint64_t> StreamSource::expired() {
  const auto code = inner_->expired();
  return code ? std::optional(to_http3(*code)) : std::nullopt;
}

transport::Pull ByteQueueSource::pull(std::span<ByteSpan> slices) {
  transport::Pull pull;
  for (std::size_t i = chunk_; i < queue_->chunks.size() && pull.count < slices.size(); ++i) {
    const std::size_t skip = i == chunk_ ? offset_ : 0;
    slices[pull.count++] = queue_->chunks[i].span().subspan(skip);
  }
  pull.fin = queue_->fin && chunk_ + pull.count == queue_->chunks.size();
  return pull;
}

void ByteQueueSource::sent(std::size_t size, bool /*fin*/) {
  while (size > 0) {
    const std::size_t taken = std::min(size, queue_->chunks[chunk_].size() - offset_);
    size -= taken;
    offset_ += taken;
    if (offset_ < queue_->chunks[chunk_].size()) return;
    ++chunk_;
    offset_ = 0;
  }
}

}  // namespace moq::native::http3
