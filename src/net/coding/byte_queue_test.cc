#include "net/coding/byte_queue.h"

#include <string>

#include <gtest/gtest.h>

namespace moq::coding {
namespace {

Bytes bytes(const std::string& text) { return Bytes::copy_of(text); }
std::string text(const std::optional<Bytes>& taken) {
  return taken ? std::string(taken->text()) : "-";
}

TEST(ByteQueue, TakesWhatOnePieceHas) {
  ByteQueue queue;
  queue.push(bytes("abc"));
  queue.push(Bytes());
  queue.push(bytes("de"));
  EXPECT_EQ(queue.take(2).text(), "ab");
  EXPECT_EQ(queue.take(2).text(), "c") << "no more than the front";
  EXPECT_EQ(queue.take(2).text(), "de");
  EXPECT_TRUE(queue.empty());
}

TEST(ByteQueue, TakesAWholeOnlyWhenAllHasArrived) {
  ByteQueue queue;
  EXPECT_EQ(text(queue.take_whole(4)), "-");
  queue.push(bytes("ab"));
  EXPECT_EQ(text(queue.take_whole(4)), "-");
  queue.push(bytes("cdef"));
  EXPECT_EQ(text(queue.take_whole(4)), "abcd");
  EXPECT_EQ(text(queue.take_whole(2)), "ef");
  EXPECT_EQ(text(queue.take_whole(0)), "");
}

TEST(ByteQueue, SharesWhatLiesInOnePiece) {
  const Bytes all = bytes("abcdef");
  ByteQueue queue;
  queue.push(all);
  EXPECT_EQ(queue.take_whole(3)->data(), all.data());
  EXPECT_EQ(queue.take_all().data(), all.data() + 3);
}

TEST(ByteQueue, GivesAllOfSeveralPiecesAsOne) {
  ByteQueue queue;
  for (const char* part : {"a", "bc", "def"}) queue.push(bytes(part));
  EXPECT_EQ(queue.take_all().text(), "abcdef");
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.take_all().empty());
}

}  // namespace
}  // namespace moq::coding
