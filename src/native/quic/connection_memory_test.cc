#include "native/quic/connection_memory.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace moq::native::quic {
namespace {

constexpr std::size_t kTooMuch = std::numeric_limits<std::size_t>::max();

// LeakSanitizer sees what is left.
TEST(ConnectionMemory, FreesWhatNobodyFreed) {
  ConnectionMemory memory;
  const ngtcp2_mem& mem = *memory.get();
  std::vector<void*> pieces;
  for (std::size_t i = 0; i < 100; ++i) pieces.push_back(mem.malloc(i, mem.user_data));
  for (std::size_t i = 0; i < pieces.size(); i += 3) mem.free(pieces[i], mem.user_data);
  EXPECT_EQ(memory.size(), 66U);
}

TEST(ConnectionMemory, DoesAsMallocDoes) {
  ConnectionMemory memory;
  const ngtcp2_mem& mem = *memory.get();
  mem.free(nullptr, mem.user_data);
  void* data = mem.malloc(4, mem.user_data);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data) % alignof(std::max_align_t), 0U);
  std::memcpy(data, "abc", 4);
  void* between = mem.calloc(3, 7, mem.user_data);
  EXPECT_EQ(std::string(static_cast<char*>(between), 21), std::string(21, '\0'));
  data = mem.realloc(data, 100'000, mem.user_data);
  EXPECT_STREQ(static_cast<char*>(data), "abc");
  void* fresh = mem.realloc(nullptr, 8, mem.user_data);
  EXPECT_EQ(memory.size(), 3U);
  for (void* each : {between, data, fresh}) mem.free(each, mem.user_data);
  EXPECT_EQ(memory.size(), 0U);
}

TEST(ConnectionMemory, SaysWhenThereIsNotEnough) {
  ConnectionMemory memory;
  const ngtcp2_mem& mem = *memory.get();
  void* data = mem.malloc(1, mem.user_data);
  EXPECT_EQ(mem.malloc(kTooMuch, mem.user_data), nullptr);
  EXPECT_EQ(mem.calloc(kTooMuch / 2, 3, mem.user_data), nullptr);
  EXPECT_EQ(mem.realloc(data, kTooMuch, mem.user_data), nullptr);
  EXPECT_EQ(memory.size(), 1U) << "what was there is there";
}

}  // namespace
}  // namespace moq::native::quic
