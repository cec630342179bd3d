#include "native/quic/frame_scan.h"

#include <cstddef>

namespace moq::native::quic {
namespace {

class Cursor {
 public:
  explicit Cursor(ByteSpan bytes) : bytes_(bytes) {}

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool more() const { return good_ && at_ < bytes_.size(); }

  std::uint8_t byte() {
    if (!more()) return stop();
    return bytes_[at_++];
  }
  std::uint64_t varint() {
    if (!more()) return stop();
    const std::size_t size = std::size_t{1} << (bytes_[at_] >> 6);
    if (bytes_.size() - at_ < size) return stop();
    std::uint64_t value = bytes_[at_] & 0x3f;
    for (std::size_t i = 1; i < size; ++i) value = value << 8 | bytes_[at_ + i];
    at_ += size;
    return value;
  }
  void varints(std::uint64_t count) {
    for (; count > 0 && good_; --count) varint();
  }
  void skip(std::uint64_t size) {
    if (!good_ || size > bytes_.size() - at_) {
      stop();
    } else {
      at_ += static_cast<std::size_t>(size);
    }
  }
  void skip_prefixed() { skip(varint()); }
  void skip_padding() {
    while (at_ < bytes_.size() && bytes_[at_] == 0) ++at_;
  }
  void finish() { at_ = bytes_.size(); }
  std::uint8_t stop() {
    good_ = false;
    return 0;
  }

 private:
  ByteSpan bytes_;
  std::size_t at_ = 0;
  bool good_ = true;
};

void skip_ack(Cursor& cursor, bool ecn) {
  cursor.varints(2);
  const std::uint64_t ranges = cursor.varint();
  cursor.varints(1);
  // Bounded by the packet: the cursor stops at its end.
  for (std::uint64_t i = 0; i < ranges && cursor.good(); ++i) cursor.varints(2);
  if (ecn) cursor.varints(3);
}

void skip_stream(Cursor& cursor, std::uint8_t type) {
  cursor.varint();
  if ((type & 0x04) != 0) cursor.varint();
  if ((type & 0x02) != 0) {
    cursor.skip_prefixed();
  } else {
    cursor.finish();
  }
}

void skip_frame(Cursor& cursor, std::uint8_t type) {
  switch (type) {
    case 0x00:  // PADDING
      return cursor.skip_padding();
    case 0x01:  // PING
    case 0x1e:  // HANDSHAKE_DONE
      return;
    case 0x02:
    case 0x03:
      return skip_ack(cursor, type == 0x03);
    case 0x04:  // RESET_STREAM
      return cursor.varints(3);
    case 0x06:  // CRYPTO
      cursor.varint();
      return cursor.skip_prefixed();
    case 0x07:  // NEW_TOKEN
    case 0x31:  // DATAGRAM with a length
      return cursor.skip_prefixed();
    case 0x10:  // MAX_DATA
    case 0x12:  // MAX_STREAMS
    case 0x13:
    case 0x14:  // DATA_BLOCKED
    case 0x16:  // STREAMS_BLOCKED
    case 0x17:
    case 0x19:  // RETIRE_CONNECTION_ID
      return cursor.varints(1);
    case 0x11:  // MAX_STREAM_DATA
    case 0x15:  // STREAM_DATA_BLOCKED
      return cursor.varints(2);
    case 0x18:  // NEW_CONNECTION_ID
      cursor.varints(2);
      cursor.skip(cursor.byte());
      return cursor.skip(16);
    case 0x1a:  // PATH_CHALLENGE
    case 0x1b:  // PATH_RESPONSE
      return cursor.skip(8);
    case 0x30:  // DATAGRAM to the packet's end
      return cursor.finish();
    default:
      if (type >= 0x08 && type <= 0x0f) return skip_stream(cursor, type);
      // CONNECTION_CLOSE ends everything; anything else is not in RFC 9000.
      cursor.stop();
  }
}

}  // namespace

void find_stop_sending(ByteSpan payload,
                       std::vector<std::pair<std::int64_t, std::uint64_t>>& found) {
  constexpr std::uint8_t kStopSending = 0x05;
  Cursor cursor(payload);
  while (cursor.more()) {
    const std::uint8_t type = cursor.byte();
    if (type != kStopSending) {
      skip_frame(cursor, type);
      continue;
    }
    const std::uint64_t id = cursor.varint();
    const std::uint64_t code = cursor.varint();
    if (cursor.good()) found.emplace_back(static_cast<std::int64_t>(id), code);
  }
}

}  // namespace moq::native::quic
