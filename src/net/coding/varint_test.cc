#include "net/coding/varint.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "net/coding/reader.h"
#include "net/coding/writer.h"

namespace moq::coding {
namespace {

using Image = std::vector<std::uint8_t>;

Image encoded(std::uint64_t value) {
  Image out;
  Writer(out).varint(value);
  return out;
}

TEST(Varint, MatchesTheExamplesOfRfc9000) {
  const Image eight{0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c};
  EXPECT_EQ(encoded(151288809941952652), eight);
  EXPECT_EQ(encoded(494878333), (Image{0x9d, 0x7f, 0x3e, 0x7d}));
  EXPECT_EQ(encoded(15293), (Image{0x7b, 0xbd}));
  EXPECT_EQ(encoded(37), (Image{0x25}));
}

TEST(Varint, TakesTheShortestLengthAtEveryBoundary) {
  const std::pair<std::uint64_t, std::size_t> kCases[] = {
      {0, 1},          {63, 1},        {64, 2}, {16383, 2}, {16384, 4}, {(1 << 30) - 1, 4},
      {1ULL << 30, 8}, {kMaxVarint, 8}};
  for (const auto& [value, size] : kCases) {
    EXPECT_EQ(varint_size(value), size) << value;
    const Image image = encoded(value);
    EXPECT_EQ(image.size(), size) << value;
    const auto decoded = read_varint(image);
    ASSERT_TRUE(decoded) << value;
    EXPECT_EQ(decoded->value, value);
    EXPECT_EQ(decoded->size, size);
  }
}

TEST(Varint, ReadsLongerEncodingsThanNeeded) {
  for (const std::size_t size : {1U, 2U, 4U, 8U}) {
    Image image(size);
    write_varint(37, size, image.data());
    const auto decoded = read_varint(image);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->value, 37U);
    EXPECT_EQ(decoded->size, size);
  }
}

TEST(Varint, WritesTheLargestValueForWhatIsLarger) {
  EXPECT_EQ(encoded(kMaxVarint + 1), encoded(kMaxVarint));
  EXPECT_EQ(encoded(std::numeric_limits<std::uint64_t>::max()), encoded(kMaxVarint));
}

TEST(Varint, IsNotThereUntilItsLastByteIs) {
  const Image image = encoded(kMaxVarint);
  for (std::size_t size = 0; size < image.size(); ++size) {
    EXPECT_FALSE(read_varint(ByteSpan(image).first(size))) << size;
  }
}

TEST(VarintAccumulator, TakesWhatBelongsToTheVarintAndNoMore) {
  for (const std::uint64_t value : {std::uint64_t{5}, std::uint64_t{300}, kMaxVarint}) {
    Image image = encoded(value);
    const std::size_t size = image.size();
    image.push_back(0xee);

    VarintAccumulator whole;
    EXPECT_EQ(whole.take(image), size);
    ASSERT_TRUE(whole.done());
    EXPECT_EQ(whole.finish(), value);

    VarintAccumulator slow;
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_FALSE(slow.done());
      EXPECT_EQ(slow.partial(), i > 0);
      EXPECT_EQ(slow.take(ByteSpan(image).subspan(i, 1)), 1U);
    }
    ASSERT_TRUE(slow.done());
    EXPECT_EQ(slow.take(ByteSpan(image).subspan(size)), 0U);
    EXPECT_EQ(slow.finish(), value);
    EXPECT_FALSE(slow.done());
    EXPECT_FALSE(slow.partial());
  }
}

TEST(Zigzag, OrdersByMagnitude) {
  const std::int64_t kValues[] = {0, -1, 1, -2, 2};
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(zigzag(kValues[i]), i);
    EXPECT_EQ(unzigzag(i), kValues[i]);
  }
}

TEST(Zigzag, HoldsAtTheEnds) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(unzigzag(zigzag(kMin)), kMin);
  EXPECT_EQ(unzigzag(zigzag(kMax)), kMax);
  EXPECT_EQ(unzigzag(kMaxVarint), -(std::int64_t{1} << 61));
  EXPECT_EQ(unzigzag(kMaxVarint - 1), (std::int64_t{1} << 61) - 1);
}

TEST(Reader, NeverReadsPastTheEnd) {
  const Image image{0x01, 0x40};
  Reader in(image);
  EXPECT_EQ(in.u8().value(), 1);
  EXPECT_TRUE(in.varint().error().is(CodingError::short_buffer));
  EXPECT_TRUE(in.bytes(2).error().is(CodingError::short_buffer));
  EXPECT_TRUE(
      in.bytes(std::numeric_limits<std::uint64_t>::max()).error().is(CodingError::short_buffer));
  EXPECT_TRUE(in.finish().error().is(CodingError::trailing_bytes));
  EXPECT_EQ(in.bytes(1).value()[0], 0x40);
  EXPECT_TRUE(in.finish());
  EXPECT_TRUE(in.u8().error().is(CodingError::short_buffer));
}

}  // namespace
}  // namespace moq::coding
