#include "net/ietf/message_reader.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "net/coding/error.h"

namespace moq::ietf {
namespace {

using coding::CodingError;
using coding::IntegerForm;
using Buffer = std::vector<std::uint8_t>;

Bytes bytes(const Buffer& buffer) { return Bytes::copy_of(buffer); }

TEST(ControlMessages, AreCut) {
  MessageReader reader(IntegerForm::quic);
  reader.feed(bytes({0x02, 0, 3, 'a', 'b', 'c', 0x40, 0x41, 0, 0, 5, 0, 1, 'd', 7}));
  const auto first = reader.next().value();
  EXPECT_EQ(first->type, 2U);
  EXPECT_EQ(first->body.text(), "abc");
  const auto second = reader.next().value();
  EXPECT_EQ(second->type, 0x41U);
  EXPECT_TRUE(second->body.empty());
  EXPECT_EQ(reader.next().value()->body.text(), "d");
  EXPECT_FALSE(reader.next().value());
  EXPECT_FALSE(reader.empty()) << "a type has come";
  EXPECT_EQ(reader.next_type().value(), 7U);
  reader.feed(bytes({0, 0}), true);
  EXPECT_EQ(reader.next().value()->type, 7U);
  EXPECT_TRUE(reader.at_end());
  EXPECT_FALSE(reader.next().value()) << "the end between messages is no error";
}

TEST(ControlMessages, HaveTypesInTheDraftsIntegers) {
  MessageReader reader(IntegerForm::vi64);
  reader.feed(bytes({0xaf, 0x00, 0, 0}));
  EXPECT_EQ(reader.next().value()->type, 0x2f00U);
}

TEST(ControlMessages, ArePartsOfWhatWasFed) {
  const Bytes fed = bytes({3, 0, 2, 'a', 'b'});
  MessageReader reader(IntegerForm::quic);
  reader.feed(fed);
  EXPECT_EQ(reader.next().value()->body.data(), fed.data() + 3);
}

TEST(ControlMessages, ArePutTogether) {
  const Buffer whole{0x40, 3, 0, 4, 'a', 'b', 'c', 'd', 5, 0, 0};
  for (std::size_t step = 1; step < whole.size(); ++step) {
    MessageReader reader(IntegerForm::quic);
    std::vector<RawMessage> messages;
    for (std::size_t at = 0; at < whole.size(); at += step) {
      reader.feed(Bytes::copy_of(ByteSpan(whole).subspan(at, std::min(step, whole.size() - at))));
      while (auto message = reader.next().value()) messages.push_back(*std::move(message));
    }
    ASSERT_EQ(messages.size(), 2U) << "in steps of " << step;
    EXPECT_EQ(messages[0].type, 3U);
    EXPECT_EQ(messages[0].body.text(), "abcd");
    EXPECT_EQ(messages[1].type, 5U);
  }
}

TEST(ControlMessages, AreRefusedAsSoonAsTheirLengthIsKnown) {
  MessageReader reader(IntegerForm::quic, 4);
  reader.feed(bytes({1, 0, 4, 'a', 'b', 'c', 'd', 1, 0, 5}));
  EXPECT_EQ(reader.next().value()->body.text(), "abcd");
  EXPECT_TRUE(reader.next().error().is(CodingError::too_large));
}

TEST(ControlMessages, MayBeAsLongAsTheirLengthSays) {
  Buffer longest{1, 0xff, 0xff};
  longest.resize(3 + kMaxMessage);
  MessageReader reader(IntegerForm::quic);
  reader.feed(bytes(longest));
  EXPECT_EQ(reader.next().value()->body.size(), kMaxMessage);
}

TEST(ControlMessages, EndWithTheirStreamOnlyWhenWhole) {
  const Buffer whole{0x40, 3, 0, 1, 'a'};
  for (std::size_t size = 1; size < whole.size(); ++size) {
    MessageReader reader(IntegerForm::quic);
    reader.feed(Bytes::copy_of(ByteSpan(whole).first(size)), true);
    EXPECT_TRUE(reader.next().error().is(CodingError::short_buffer)) << size;
    EXPECT_FALSE(reader.at_end());
  }
}

TEST(ControlMessages, BeginBehindATypeThatWasRead) {
  MessageReader reader(IntegerForm::vi64);
  reader.begin(0x2f00);
  reader.feed(bytes({0, 1, 'a', 0x10, 0, 0}));
  const auto setup = reader.next().value();
  EXPECT_EQ(setup->type, 0x2f00U);
  EXPECT_EQ(setup->body.text(), "a");
  EXPECT_EQ(reader.next().value()->type, 0x10U);
}

TEST(ControlMessages, LeaveTheRest) {
  MessageReader reader(IntegerForm::quic);
  reader.feed(bytes({1, 0, 0, 'x'}));
  reader.feed(bytes({'y'}));
  EXPECT_TRUE(reader.next().value());
  EXPECT_EQ(reader.take_rest().text(), "xy");
  EXPECT_TRUE(reader.empty());
}

}  // namespace
}  // namespace moq::ietf
