#include "native/http3/capsule.h"

#include <algorithm>
#include <utility>

#include "native/http3/codes.h"
#include "net/coding/utf8.h"
#include "net/coding/writer.h"

namespace moq::native::http3 {
namespace {
constexpr std::size_t kCodeSize = 4;
}  // namespace

Result<void> CapsuleParser::feed(ByteSpan bytes, Handler& handler) {
  while (!bytes.empty()) {
    if (state_ == State::closed) {
      return fail(Http3Error::message_error, "data after the end of the session");
    }
    if (state_ == State::payload) {
      const ByteSpan part =
          bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
      bytes = bytes.subspan(part.size());
      left_ -= part.size();
      if (type_ == static_cast<std::uint64_t>(CapsuleType::close_session)) {
        payload_.insert(payload_.end(), part.begin(), part.end());
      }
      if (left_ == 0) MOQ_CHECK_OK(complete(handler));
      continue;
    }
    bytes = bytes.subspan(varint_.take(bytes));
    if (!varint_.done()) return {};
    const std::uint64_t value = varint_.finish();
    if (state_ == State::type) {
      type_ = value;
      state_ = State::size;
      continue;
    }
    left_ = value;
    if (type_ == static_cast<std::uint64_t>(CapsuleType::close_session) &&
        (left_ < kCodeSize || left_ > kCodeSize + kMaxCloseReason)) {
      return fail(Http3Error::message_error, "a CLOSE capsule of an impossible size");
    }
    state_ = State::payload;
    if (left_ == 0) MOQ_CHECK_OK(complete(handler));
  }
  return {};
}

Result<void> CapsuleParser::complete(Handler& handler) {
  state_ = State::type;
  if (type_ == static_cast<std::uint64_t>(CapsuleType::drain_session)) {
    handler.on_drain_capsule();
  } else if (type_ == static_cast<std::uint64_t>(CapsuleType::close_session)) {
    state_ = State::closed;
    const std::vector<std::uint8_t> payload = std::exchange(payload_, {});
    std::uint32_t code = 0;
    for (std::size_t i = 0; i < kCodeSize; ++i) code = code << 8 | payload[i];
    const std::string_view reason = as_text(ByteSpan(payload).subspan(kCodeSize));
    if (!coding::is_utf8(reason)) {
      return fail(Http3Error::message_error, "the reason of a CLOSE capsule is not UTF-8");
    }
    handler.on_close_capsule(code, std::string(reason));
  }
  return {};
}

Result<void> CapsuleParser::finish() const {
  if (state_ == State::closed || (state_ == State::type && !varint_.partial())) return {};
  return fail(Http3Error::message_error, "the stream ends inside a capsule");
}

void append_close_capsule(std::vector<std::uint8_t>& out, std::uint32_t code,
                          std::string_view reason) {
  std::size_t size = std::min(reason.size(), kMaxCloseReason);
  // Never in the middle of a character: not before a continuation byte.
  while (size > 0 && size < reason.size() &&
         (static_cast<unsigned char>(reason[size]) & 0xc0U) == 0x80U) {
    --size;
  }
  reason = reason.substr(0, size);
  coding::Writer writer(out);
  writer.varint(static_cast<std::uint64_t>(CapsuleType::close_session));
  writer.varint(kCodeSize + reason.size());
  for (const int shift : {24, 16, 8, 0}) writer.u8(static_cast<std::uint8_t>(code >> shift));
  writer.bytes(as_bytes(reason));
}

void append_drain_capsule(std::vector<std::uint8_t>& out) {
  coding::Writer writer(out);
  writer.varint(static_cast<std::uint64_t>(CapsuleType::drain_session));
  writer.varint(0);
}

}  // namespace moq::native::http3
