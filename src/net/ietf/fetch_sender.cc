#include "net/ietf/fetch_sender.h"

#include <algorithm>
#include <utility>

namespace moq::ietf {

void FetchSender::add(std::vector<std::uint8_t> bytes) {
  const std::uint64_t size = bytes.size();
  add(Piece{.header = std::move(bytes)}, size);
}

void FetchSender::add(std::shared_ptr<Group> group, const Object& object,
                      std::vector<std::uint8_t> header) {
  const std::uint64_t size = header.size() + object.size;
  add(Piece{.header = std::move(header), .group = std::move(group), .object = &object}, size);
}

void FetchSender::add(Piece piece, std::uint64_t size) {
  added_ += size;
  piece.end = added_;
  pieces_.push_back(std::move(piece));
  if (stream_ != nullptr) stream_->ready();
}

void FetchSender::finish() {
  finished_ = true;
  if (stream_ != nullptr) stream_->ready();
}

void FetchSender::abort(std::uint64_t code) {
  abort_code_ = code;
  if (stream_ != nullptr) stream_->ready();
}

ByteSpan FetchSender::slice_at(Cursor& at) const {
  while (at.piece < pieces_.size()) {
    const Piece& piece = pieces_[at.piece];
    const std::size_t chunks = piece.object == nullptr ? 0 : piece.object->payload.size();
    while (at.slice <= chunks) {
      const ByteSpan all =
          at.slice == 0 ? ByteSpan(piece.header) : piece.object->payload[at.slice - 1].span();
      if (at.offset < all.size()) return all.subspan(at.offset);
      at = {.piece = at.piece, .slice = at.slice + 1};
    }
    at = {.piece = at.piece + 1};
  }
  return {};
}

transport::Pull FetchSender::pull(std::span<ByteSpan> slices) {
  std::size_t count = 0;
  for (Cursor at = cursor_; count < slices.size(); ++count) {
    const ByteSpan slice = slice_at(at);
    if (slice.empty()) return {.count = count, .fin = finished_};
    slices[count] = slice;
    at.offset += slice.size();
  }
  return {.count = count};
}

void FetchSender::sent(std::size_t size, bool /*fin*/) {
  sent_ += size;
  while (size > 0) {
    const std::size_t step = std::min(size, slice_at(cursor_).size());
    if (step == 0) return;  // more than was pulled: the caller's mistake, not ours to spread
    cursor_.offset += step;
    size -= step;
  }
  if (!finished_ && unsent() <= kLow) on_low_();
}

void FetchSender::acked(std::uint64_t offset) {
  // One that the cursor is still in, at its end, stays for the next time.
  while (cursor_.piece > 0 && pieces_.front().end <= offset) {
    pieces_.pop_front();
    --cursor_.piece;
  }
}

}  // namespace moq::ietf
