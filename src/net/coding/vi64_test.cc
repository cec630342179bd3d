#include "net/coding/vi64.h"

#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "net/coding/integer.h"
#include "net/coding/reader.h"
#include "net/coding/writer.h"

namespace moq::coding {
namespace {

using Image = std::vector<std::uint8_t>;
constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();

Image encoded(std::uint64_t value) {
  Image out;
  Writer(out, IntegerForm::vi64).varint(value);
  return out;
}

// The table of draft-18 §"Variable-Length Integers".
const std::pair<Image, std::uint64_t> kExamples[] = {
    {{0x25}, 37},
    {{0x80, 0x25}, 37},
    {{0xbb, 0xbd}, 15293},
    {{0xed, 0x7f, 0x3e, 0x7d}, 226442877},
    {{0xfa, 0xa1, 0xa0, 0xe4, 0x03, 0xd8}, 2893212287960},
    {{0xfc, 0x89, 0x98, 0xab, 0xc6, 0x6b, 0xc0}, 151288809941952},
    {{0xfe, 0xfa, 0x31, 0x8f, 0xa8, 0xe3, 0xca, 0x11}, 70423237261249041},
    {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, kLargest},
};

TEST(Vi64, MatchesTheExamplesOfTheDraft) {
  for (const auto& [image, value] : kExamples) {
    const auto decoded = read_vi64(image);
    ASSERT_TRUE(decoded) << value;
    EXPECT_EQ(decoded->value, value);
    EXPECT_EQ(decoded->size, image.size());
    EXPECT_EQ(encoded(value), image.size() == vi64_size(value) ? image : Image{0x25});
  }
}

TEST(Vi64, TakesTheShortestLengthAtEveryBoundary) {
  for (std::size_t size = 1; size <= kMaxVi64Size; ++size) {
    const std::uint64_t last = size == 9 ? kLargest : (std::uint64_t{1} << (7 * size)) - 1;
    EXPECT_EQ(vi64_size(last), size);
    EXPECT_EQ(vi64_size(last + 1), size < 9 ? size + 1 : 1) << "behind the last comes 0";
    const Image image = encoded(last);
    EXPECT_EQ(image.size(), size);
    const auto decoded = read_vi64(image);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->value, last);
    for (std::size_t less = 0; less < size; ++less) {
      EXPECT_FALSE(read_vi64(ByteSpan(image).first(less)));
    }
  }
  EXPECT_EQ(vi64_size(0), 1U);
}

TEST(Vi64, ReadsLongerEncodingsThanNeeded) {
  for (std::size_t size = 1; size <= kMaxVi64Size; ++size) {
    Image image(size);
    write_vi64(37, size, image.data());
    EXPECT_EQ(vi64_length(image[0]), size);
    const auto decoded = read_vi64(image);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->value, 37U);
    EXPECT_EQ(decoded->size, size);
  }
}

TEST(Integers, ArriveByteByByteInEitherForm) {
  for (const IntegerForm form : {IntegerForm::quic, IntegerForm::vi64}) {
    for (const std::uint64_t value : {std::uint64_t{5}, std::uint64_t{300}, max_integer(form)}) {
      Image image(kMaxIntegerSize);
      image.resize(write_integer(form, value, image.data()));
      const std::size_t size = image.size();
      EXPECT_EQ(integer_size(form, value), size);
      image.push_back(0xee);

      IntegerAccumulator whole(form);
      EXPECT_EQ(whole.take(image), size);
      ASSERT_TRUE(whole.done());
      EXPECT_EQ(whole.finish(), value);

      IntegerAccumulator slow(form);
      for (std::size_t i = 0; i < size; ++i) {
        EXPECT_FALSE(slow.done());
        EXPECT_EQ(slow.partial(), i > 0);
        EXPECT_EQ(slow.take(ByteSpan(image).subspan(i, 1)), 1U);
      }
      ASSERT_TRUE(slow.done());
      EXPECT_EQ(slow.finish(), value);
      EXPECT_FALSE(slow.partial());
      EXPECT_EQ(slow.take(image), size) << "begins anew, in the same form";
      EXPECT_EQ(slow.finish(), value);
    }
  }
}

TEST(Integers, AreReadInTheFormOfTheReader) {
  const Image image{0x81, 0x2c, 0, 0};
  EXPECT_EQ(Reader(image, IntegerForm::vi64).varint().value(), 300U);
  EXPECT_EQ(Reader(image).varint().value(), 0x12c0000U);
}

TEST(Writer, RemembersWhatHasNoEncoding) {
  Image out;
  Writer quic(out);
  quic.varint(kMaxVarint);
  EXPECT_EQ(quic.refused(), std::nullopt);
  quic.varint(kMaxVarint + 1);
  EXPECT_EQ(quic.refused(), CodingError::too_large);
  quic.refuse(CodingError::invalid_value);
  EXPECT_EQ(quic.refused(), CodingError::too_large) << "the first";
  Writer vi64(out, IntegerForm::vi64);
  vi64.varint(kLargest);
  EXPECT_EQ(vi64.refused(), std::nullopt);
}

}  // namespace
}  // namespace moq::coding
