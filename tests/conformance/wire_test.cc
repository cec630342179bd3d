#include "conformance/wire.h"

#include <gtest/gtest.h>

namespace moq::conformance {
namespace {

struct Example {
  Buffer bytes;
  std::uint64_t value;
};

// RFC 9000 §A.1.
const std::vector<Example> kQuic{
    {{0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c}, 151288809941952652},
    {{0x9d, 0x7f, 0x3e, 0x7d}, 494878333},
    {{0x7b, 0xbd}, 15293},
    {{0x25}, 37},
};

// Draft-18 §"Variable-Length Integers", the minimal ones.
const std::vector<Example> kVi64{
    {{0x25}, 37},
    {{0xbb, 0xbd}, 15293},
    {{0xed, 0x7f, 0x3e, 0x7d}, 226442877},
    {{0xfa, 0xa1, 0xa0, 0xe4, 0x03, 0xd8}, 2893212287960},
    {{0xfc, 0x89, 0x98, 0xab, 0xc6, 0x6b, 0xc0}, 151288809941952},
    {{0xfe, 0xfa, 0x31, 0x8f, 0xa8, 0xe3, 0xca, 0x11}, 70423237261249041},
    {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, ~std::uint64_t{0}},
};

void check(Integers form, const std::vector<Example>& examples) {
  for (const Example& each : examples) {
    EXPECT_EQ(Writer(form).integer(each.value).data(), each.bytes) << each.value;
    Reader in(form, each.bytes);
    EXPECT_EQ(in.integer(), each.value);
    EXPECT_TRUE(in.empty());
    Reader part(form, ByteSpan(each.bytes).first(each.bytes.size() - 1));
    EXPECT_EQ(part.integer(), std::nullopt);
  }
}

TEST(ConformanceWireTest, WritesAndReadsTheExamples) {
  check(Integers::quic, kQuic);
  check(Integers::vi64, kVi64);
}

TEST(ConformanceWireTest, WritesMoreBytesThanItTakesWhereAsked) {
  EXPECT_EQ(Writer(Integers::quic).integer(37, 2).data(), (Buffer{0x40, 0x25}));
  EXPECT_EQ(Writer(Integers::vi64).integer(37, 2).data(), (Buffer{0x80, 0x25}));
  EXPECT_EQ(Writer(Integers::vi64).integer(37, 7).data(), (Buffer{0xfc, 0, 0, 0, 0, 0, 0x25}));
  for (std::size_t size = 1; size <= 9; ++size) {
    const Buffer bytes = Writer(Integers::vi64).integer(37, size).take();
    ASSERT_EQ(bytes.size(), size);
    EXPECT_EQ(Reader(Integers::vi64, bytes).integer(), 37U);
  }
}

TEST(ConformanceWireTest, ReadsTextsAndNames) {
  const Buffer bytes = Writer(Integers::vi64).names({"a", "bc"}).text("").u16(0x102).take();
  EXPECT_EQ(bytes, (Buffer{2, 1, 'a', 2, 'b', 'c', 0, 1, 2}));
  Reader in(Integers::vi64, bytes);
  EXPECT_EQ(in.names(), (Names{"a", "bc"}));
  EXPECT_EQ(in.text(), "");
  EXPECT_EQ(in.u16(), 0x102);
  EXPECT_EQ(in.byte(), std::nullopt);
}

}  // namespace
}  // namespace moq::conformance
