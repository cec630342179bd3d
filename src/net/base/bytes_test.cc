#include "net/base/bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace moq {
namespace {

TEST(Bytes, CopySharesStorage) {
  const Bytes a = Bytes::copy_of("hello");
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization): it is what is tested.
  const Bytes b = a;
  EXPECT_EQ(a.data(), b.data());
  EXPECT_EQ(b.text(), "hello");
}

TEST(Bytes, SliceIsClampedAndShares) {
  const Bytes a = Bytes::copy_of("hello world");
  EXPECT_EQ(a.slice(6).text(), "world");
  EXPECT_EQ(a.slice(6).data(), a.data() + 6);
  EXPECT_EQ(a.slice(9, 100).text(), "ld");
  EXPECT_TRUE(a.slice(100).empty());
}

TEST(Bytes, SliceOutlivesItsParent) {
  Bytes tail;
  {
    const Bytes a = Bytes::copy_of("hello world");
    tail = a.slice(6);
  }
  EXPECT_EQ(tail.text(), "world");
}

TEST(BytesBuilder, NeighboursJoin) {
  BytesBuilder builder;
  Bytes a = builder.append(as_bytes("abc"));
  const Bytes b = builder.append(as_bytes("def"));
  const Bytes c = builder.append(as_bytes("ghi"));
  EXPECT_FALSE(a.join(c));
  EXPECT_TRUE(a.join(b));
  EXPECT_TRUE(a.join(c));
  EXPECT_EQ(a.text(), "abcdefghi");
}

TEST(BytesBuilder, FullBlockStartsAnother) {
  BytesBuilder builder;
  const std::string big(1500, 'x');
  Bytes a = builder.append(as_bytes(big));
  const Bytes b = builder.append(as_bytes(big));
  EXPECT_FALSE(a.join(b));
  EXPECT_EQ(a.text(), big);
  EXPECT_EQ(b.text(), big);
}

TEST(BytesBuilder, TakesMoreThanAnyBlock) {
  BytesBuilder builder;
  const std::string big(200000, 'y');
  EXPECT_EQ(builder.append(as_bytes(big)).text(), big);
}

}  // namespace
}  // namespace moq
