#include "native/quic/frame_scan.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace moq::native::quic {
namespace {

using Stops = std::vector<std::pair<std::int64_t, std::uint64_t>>;

Stops scan(const std::vector<std::uint8_t>& payload) {
  Stops found;
  find_stop_sending(payload, found);
  return found;
}

TEST(FrameScan, FindsStopSendingAmongAllOtherFrames) {
  const std::vector<std::vector<std::uint8_t>> others{
      {0x00, 0x00, 0x00},                    // PADDING
      {0x01},                                // PING
      {0x02, 0x05, 0x00, 0x01, 0x00, 0, 0},  // ACK, two ranges
      {0x03, 0x05, 0x00, 0x00, 0x00, 1, 2, 3},
      {0x04, 0x04, 0x01, 0x02},           // RESET_STREAM
      {0x06, 0x00, 0x02, 'h', 'i'},       // CRYPTO
      {0x07, 0x02, 'h', 'i'},             // NEW_TOKEN
      {0x0a, 0x04, 0x02, 0x05, 0x05},     // STREAM with a length
      {0x0f, 0x04, 0x40, 0x41, 0x01, 5},  // STREAM with offset, length and FIN
      {0x10, 0x80, 0x00, 0x10, 0x00},     // MAX_DATA
      {0x11, 0x04, 0x05},                 // MAX_STREAM_DATA
      {0x12, 0x05},
      {0x13, 0x05},
      {0x14, 0x05},
      {0x15, 0x04, 0x05},
      {0x16, 0x05},
      {0x17, 0x05},
      {0x18, 0x01, 0x00, 0x02, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
      {0x19, 0x05},
      {0x1a, 5, 5, 5, 5, 5, 5, 5, 5},
      {0x1b, 5, 5, 5, 5, 5, 5, 5, 5},
      {0x1e},
      {0x31, 0x02, 5, 5},  // DATAGRAM
  };
  for (const auto& other : others) {
    std::vector<std::uint8_t> payload = other;
    payload.insert(payload.end(), {0x05, 0x04, 0x40, 0x99});
    EXPECT_EQ(scan(payload), (Stops{{4, 0x99}})) << "behind frame type " << int{other[0]};
    // Cut anywhere: nothing is read beyond the end, and nothing is invented.
    for (std::size_t size = 0; size < payload.size(); ++size) {
      EXPECT_TRUE(
          scan({payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(size)}).empty());
    }
  }
}

TEST(FrameScan, FindsSeveral) {
  EXPECT_EQ(scan({0x05, 0x04, 0x01, 0x01, 0x05, 0x08, 0x02}), (Stops{{4, 1}, {8, 2}}));
}

TEST(FrameScan, DataThatReachesTheEndHidesNothing) {
  EXPECT_TRUE(scan({0x08, 0x04, 0x05, 0x04, 0x01}).empty());
  EXPECT_TRUE(scan({0x30, 0x05, 0x04, 0x01}).empty());
}

TEST(FrameScan, StopsAtWhatItDoesNotKnow) {
  EXPECT_TRUE(scan({0x3f, 0x05, 0x04, 0x01}).empty());
  EXPECT_TRUE(scan({0x1c, 0x05, 0x04, 0x01}).empty());
  EXPECT_TRUE(scan({0x06, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x05}).empty());
  EXPECT_TRUE(scan({0x02, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}).empty());
}

}  // namespace
}  // namespace moq::native::quic
