#include "native/quic/connection_id.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <unordered_set>
#include <vector>

namespace moq::native::quic {
namespace {

Random seeded(std::uint64_t seed) {
  return [engine = std::mt19937_64(seed)](std::span<std::uint8_t> out) mutable {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(engine());
  };
}

TEST(ConnectionIds, NameTheirIssuer) {
  const ConnectionIds ids({.generation = 7, .worker = 3});
  const ConnectionId id = ids.make(seeded(1));
  EXPECT_EQ(id.size(), ConnectionIds::kSize);
  EXPECT_EQ(ConnectionIds::decode(id.span()), (Issuer{.generation = 7, .worker = 3}));
}

TEST(ConnectionIds, OtherLengthsAreNotOurs) {
  const std::vector<std::uint8_t> bytes(20, 7);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    EXPECT_EQ(ConnectionIds::decode(ByteSpan(bytes).first(size)).has_value(),
              size == ConnectionIds::kSize);
  }
}

TEST(ConnectionIds, DoNotRepeat) {
  const ConnectionIds ids({});
  auto random = seeded(2);
  const auto shared = [&random](std::span<std::uint8_t> out) { random(out); };
  std::unordered_set<ConnectionId, ConnectionIdHash> seen(8, ConnectionIdHash(shared));
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(ids.make(shared)).second);
}

TEST(ConnectionId, LongOnesAreCut) {
  const std::vector<std::uint8_t> bytes(255, 1);
  EXPECT_EQ(ConnectionId(bytes).size(), ConnectionId::kMaxSize);
}

TEST(ConnectionIdHash, DependsOnKeyLengthAndEveryByte) {
  const ConnectionIdHash hash(seeded(3));
  const ConnectionIdHash other(seeded(4));
  std::set<std::size_t> values;
  std::vector<std::uint8_t> bytes(20, 0);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    values.insert(hash(ConnectionId(ByteSpan(bytes).first(size))));
  }
  for (auto& byte : bytes) {
    byte = 1;
    values.insert(hash(ConnectionId(bytes)));
    byte = 0;
  }
  EXPECT_EQ(values.size(), 41U);
  EXPECT_NE(hash(ConnectionId(bytes)), other(ConnectionId(bytes)));
}

TEST(Keys, AreGeneratedFromTheGivenRandomness) {
  EXPECT_EQ(Keys::generate(seeded(5)).token, Keys::generate(seeded(5)).token);
  const Keys keys = Keys::generate(system_random());
  EXPECT_NE(keys.token, keys.stateless_reset);
}

}  // namespace
}  // namespace moq::native::quic
