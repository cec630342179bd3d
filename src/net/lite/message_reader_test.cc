#include "net/lite/message_reader.h"

#include <vector>

#include <gtest/gtest.h>

#include "net/coding/error.h"

namespace moq::lite {
namespace {

using coding::CodingError;
using Buffer = std::vector<std::uint8_t>;

Bytes bytes(const Buffer& buffer) { return Bytes::copy_of(buffer); }

TEST(MessageReader, CutsTypesAndMessages) {
  MessageReader reader;
  reader.feed(bytes({0x02, 3, 'a', 'b', 'c', 0x40, 0x41, 0, 1, 'd'}));
  EXPECT_EQ(reader.next_varint().value(), 2U);
  EXPECT_EQ(reader.next_message().value()->text(), "abc");
  EXPECT_EQ(reader.next_varint().value(), 0x41U);
  EXPECT_EQ(reader.next_message().value()->text(), "");
  EXPECT_EQ(reader.next_message().value()->text(), "d");
  EXPECT_FALSE(reader.next_message().value());
  EXPECT_FALSE(reader.next_varint().value());
  EXPECT_TRUE(reader.empty());
  EXPECT_FALSE(reader.at_end());
  reader.feed({}, true);
  EXPECT_TRUE(reader.at_end());
  EXPECT_FALSE(reader.next_message().value()) << "the end between messages is no error";
}

TEST(MessageReader, ReturnsPartsOfWhatWasFed) {
  const Bytes fed = bytes({3, 'a', 'b', 'c'});
  MessageReader reader;
  reader.feed(fed);
  EXPECT_EQ(reader.next_message().value()->data(), fed.data() + 1);
}

TEST(MessageReader, JoinsWhatLiesTogether) {
  BytesBuilder builder;
  MessageReader reader;
  const Bytes first = builder.append(Buffer{3, 'a'});
  const Bytes second = builder.append(Buffer{'b', 'c'});
  reader.feed(first);
  reader.feed(second);
  EXPECT_EQ(reader.next_message().value()->data(), first.data() + 1);
}

TEST(MessageReader, PutsAMessageTogether) {
  MessageReader reader;
  reader.feed(bytes({0x40}));
  EXPECT_FALSE(reader.next_message().value());
  EXPECT_FALSE(reader.empty());
  reader.feed(bytes({4}));
  EXPECT_FALSE(reader.next_message().value());
  EXPECT_FALSE(reader.empty());
  reader.feed(bytes({'a', 'b'}));
  reader.feed(bytes({'c'}));
  EXPECT_FALSE(reader.next_message().value());
  reader.feed(bytes({'d', 1, 'e'}));
  EXPECT_EQ(reader.next_message().value()->text(), "abcd");
  EXPECT_EQ(reader.next_message().value()->text(), "e");
}

TEST(MessageReader, RefusesALengthAsSoonAsItIsKnown) {
  MessageReader reader(4);
  reader.feed(bytes({4, 'a', 'b', 'c', 'd', 5}));
  EXPECT_EQ(reader.next_message().value()->text(), "abcd");
  const auto refused = reader.next_message();
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().is(CodingError::too_large));
}

TEST(MessageReader, RefusesByDefaultAbove64KiB) {
  MessageReader reader;
  reader.feed(bytes({0x80, 1, 0, 1}));
  EXPECT_TRUE(reader.next_message().error().is(CodingError::too_large));
}

TEST(MessageReader, FailsWhenTheStreamEndsInside) {
  MessageReader varint;
  varint.feed(bytes({0x40}), true);
  EXPECT_FALSE(varint.at_end());
  EXPECT_TRUE(varint.next_varint().error().is(CodingError::short_buffer));
  MessageReader body;
  body.feed(bytes({2, 'a'}));
  EXPECT_FALSE(body.next_message().value());
  body.feed({}, true);
  EXPECT_TRUE(body.next_message().error().is(CodingError::short_buffer));
}

TEST(MessageReader, HandsOverTheRest) {
  MessageReader reader;
  const Bytes fed = bytes({0, 1, 'a', 'x', 'y'});
  reader.feed(fed);
  EXPECT_EQ(reader.next_varint().value(), 0U);
  EXPECT_EQ(reader.next_message().value()->text(), "a");
  const Bytes rest = reader.take_rest();
  EXPECT_EQ(rest.data(), fed.data() + 3);
  EXPECT_EQ(rest.text(), "xy");
  EXPECT_TRUE(reader.empty());
  EXPECT_TRUE(reader.take_rest().empty());
}

TEST(MessageReader, HandsOverARestInSeveralPieces) {
  MessageReader reader;
  reader.feed(bytes({1, 'a', 'x'}));
  reader.feed(bytes({'y'}));
  reader.feed(bytes({'z'}));
  EXPECT_EQ(reader.next_message().value()->text(), "a");
  EXPECT_EQ(reader.take_rest().text(), "xyz");
}

}  // namespace
}  // namespace moq::lite
