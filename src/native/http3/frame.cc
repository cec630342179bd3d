#include "native/http3/frame.h"

#include <algorithm>
#include <utility>

#include "native/http3/codes.h"
#include "net/coding/writer.h"

namespace moq::native::http3 {

bool is_reserved_frame(std::uint64_t type) {
  return type == 0x2 || type == 0x6 || type == 0x8 || type == 0x9;
}

Result<void> FrameParser::feed(ByteSpan bytes, Handler& handler) {
  while (!stopped_) {
    if (state_ != State::payload) {
      if (bytes.empty()) return {};
      bytes = bytes.subspan(varint_.take(bytes));
      if (!varint_.done()) return {};
      const std::uint64_t value = varint_.finish();
      if (state_ == State::type) {
        type_ = value;
        state_ = State::size;
        continue;
      }
      left_ = value;
      MOQ_TRY(take_, handler.on_frame(type_, left_));
      state_ = State::payload;
      whole_.clear();
      continue;
    }
    const ByteSpan part =
        bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
    bytes = bytes.subspan(part.size());
    left_ -= part.size();
    if (take_ == Take::parts && !part.empty()) {
      MOQ_CHECK_OK(handler.on_frame_part(part));
    } else if (take_ == Take::whole) {
      // A frame that came in one piece is not copied.
      if (left_ == 0 && whole_.empty()) {
        state_ = State::type;
        MOQ_CHECK_OK(handler.on_whole_frame(type_, part));
        continue;
      }
      whole_.insert(whole_.end(), part.begin(), part.end());
    }
    if (left_ != 0) return {};
    state_ = State::type;
    if (take_ != Take::whole) continue;
    const std::vector<std::uint8_t> whole = std::exchange(whole_, {});
    MOQ_CHECK_OK(handler.on_whole_frame(type_, whole));
  }
  return {};
}

Result<void> FrameParser::finish() const {
  if (stopped_ || (state_ == State::type && !varint_.partial())) return {};
  return fail(Http3Error::frame_error, "the stream ends inside a frame");
}

void append_frame_header(std::vector<std::uint8_t>& out, FrameType type, std::size_t size) {
  coding::Writer writer(out);
  writer.varint(static_cast<std::uint64_t>(type));
  writer.varint(size);
}

void append_frame(std::vector<std::uint8_t>& out, FrameType type, ByteSpan payload) {
  append_frame_header(out, type, payload.size());
  out.insert(out.end(), payload.begin(), payload.end());
}

}  // namespace moq::native::http3
