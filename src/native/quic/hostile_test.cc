// A peer that completes the handshake and then says what it likes. It is a client
// of ours whose packets are rewritten before they are encrypted: this program's
// ngtcp2_crypto_encrypt_cb takes the place of the library's.

#include <gtest/gtest.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <algorithm>
#include <functional>
#include <random>
#include <span>

#include "native/quic/testing/peers.h"
#include "net/transport/error.h"

namespace {

// In the second byte of a 1-RTT packet for the server: the first of its connection ID.
constexpr std::uint8_t kServerGeneration = 7;

std::function<void(std::span<std::uint8_t>)> rewrite;

}  // namespace

extern "C" int ngtcp2_crypto_encrypt_cb(std::uint8_t* dest, const ngtcp2_crypto_aead* aead,
                                        const ngtcp2_crypto_aead_ctx* context,
                                        const std::uint8_t* plaintext, std::size_t size,
                                        const std::uint8_t* nonce, std::size_t nonce_size,
                                        const std::uint8_t* aad, std::size_t aad_size) {
  std::vector<std::uint8_t> payload(plaintext, plaintext + size);
  if (rewrite && (aad[0] & 0x80) == 0 && aad[1] == kServerGeneration) rewrite(payload);
  return ngtcp2_crypto_encrypt(dest, aead, context, payload.data(), size, nonce, nonce_size, aad,
                               aad_size) == 0
             ? 0
             : NGTCP2_ERR_CALLBACK_FAILURE;
}

namespace moq::native::quic::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Writes frames into a payload of a given size; what is left over is PADDING.
class Frames {
 public:
  explicit Frames(std::span<std::uint8_t> out) : out_(out) { std::ranges::fill(out, 0); }
  bool put(std::initializer_list<std::uint8_t> bytes) {
    if (bytes.size() > out_.size() - at_) return false;
    std::ranges::copy(bytes, out_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ += bytes.size();
    return true;
  }
  void varint(std::uint64_t value) {
    if (value < 64) {
      put({static_cast<std::uint8_t>(value)});
    } else {
      put({static_cast<std::uint8_t>(0xc0 | value >> 56), static_cast<std::uint8_t>(value >> 48),
           static_cast<std::uint8_t>(value >> 40), static_cast<std::uint8_t>(value >> 32),
           static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
           static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
    }
  }
  [[nodiscard]] bool full() const { return out_.size() - at_ < 20; }

 private:
  std::span<std::uint8_t> out_;
  std::size_t at_ = 0;
};

/// A frame of a known type with fields that may or may not make sense.
void any_frame(Frames& frames, std::mt19937_64& engine) {
  const auto number = [&engine]() -> std::uint64_t {
    switch (engine() % 8) {
      case 0:
        return engine() & ((1ULL << 62) - 1);
      case 1:
        return (1ULL << 62) - 1 - engine() % 4;
      case 2:
        return engine() % 5000;
      default:
        return engine() % 24;
    }
  };
  const auto type = static_cast<std::uint8_t>(engine() % 0x1c);
  frames.put({type});
  for (std::uint64_t fields = engine() % 6; fields > 0; --fields) frames.varint(number());
}

struct HostileTest : ::testing::Test {
  static Pair::Options options(std::uint64_t seed) {
    Pair::Options options{.seed = seed};
    options.server.issuer.generation = kServerGeneration;
    return options;
  }
  ~HostileTest() override { rewrite = nullptr; }

  /// Both sides are busy, and the server has something of everything open.
  static void occupy(Pair& pair) {
    pair.server->answer = std::string(20'000, 'a');
    for (int i = 0; i < 3; ++i) {
      pair.client->send_uni(std::string(5000, 'u'));
      pair.client->send_bidi(std::string(5000, 'b'));
      pair.server->send_uni(std::string(50'000, 's'));
      pair.server->send_bidi(std::string(5000, 'r'));
    }
    pair.client->connection->send_datagram(Bytes::copy_of("d"));
  }
};

TEST_F(HostileTest, FramesOfAnyKindEndTheConnectionAtWorst) {
  int ended = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 engine(seed);
    Pair pair(options(seed));
    ASSERT_TRUE(pair.connect());
    auto victim = std::move(pair.server);
    pair.server = std::make_unique<Peer>(victim->connection);
    occupy(pair);
    pair.network.run_for(milliseconds(seed % 40));
    rewrite = [&engine](std::span<std::uint8_t> payload) {
      if (engine() % 3 == 0) return;
      Frames frames(payload);
      do {
        any_frame(frames, engine);
      } while (!frames.full() && engine() % 8 != 0);
    };
    pair.client->send_uni(std::string(3000, 'x'));
    pair.network.run_for(seconds(1));
    rewrite = nullptr;
    if (pair.server->closed) ++ended;
    // Whatever became of it, the next client is served.
    const auto attacker = std::move(pair.client);
    ASSERT_TRUE(pair.connect());
    StreamLog& log = pair.client->send_uni("next, please");
    ASSERT_TRUE(pair.network.run_until([&] { return log.finished; }));
    EXPECT_LE(pair.server_endpoint->connections(), 2U);
  }
  // Otherwise the frames were too tame to show anything.
  EXPECT_GT(ended, 75);
}

TEST_F(HostileTest, DamagedPayloadsEndTheConnectionAtWorst) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 engine(seed);
    Pair pair(options(seed));
    ASSERT_TRUE(pair.connect());
    occupy(pair);
    rewrite = [&engine](std::span<std::uint8_t> payload) {
      if (payload.empty() || engine() % 4 != 0) return;
      payload[engine() % std::min<std::size_t>(payload.size(), 24)] =
          static_cast<std::uint8_t>(engine());
    };
    pair.network.run_for(seconds(1));
    rewrite = nullptr;
  }
}

/// Replaces the client's next payload that is large enough.
void say_once(std::function<void(Frames&)> what) {
  rewrite = [what = std::move(what), said = false](std::span<std::uint8_t> payload) mutable {
    if (said || payload.size() < 200) return;
    said = true;
    Frames frames(payload);
    what(frames);
  };
}

struct Rule {
  const char* name;
  QuicError expected;
  std::function<void(Frames&)> what;
};

TEST_F(HostileTest, BrokenRulesEndTheConnectionWithTheirCode) {
  const std::vector<Rule> rules{
      {"a stream beyond the limit", QuicError::stream_limit_error,
       [](Frames& f) {
         f.put({0x0a});
         f.varint(4 * 1024 + 2);
         f.put({1, 'x'});
       }},
      {"data beyond the stream's window", QuicError::flow_control_error,
       [](Frames& f) {
         f.put({0x0e, 0x02});
         f.varint(std::uint64_t{2} << 20);
         f.put({1, 'x'});
       }},
      {"a reset beyond the stream's window", QuicError::flow_control_error,
       [](Frames& f) {
         f.put({0x04, 0x02, 0x00});
         f.varint(std::uint64_t{1} << 40);
       }},
      {"data on a stream of ours that is for sending only", QuicError::stream_state_error,
       [](Frames& f) {
         f.put({0x0a, 0x03, 1, 'x'});
       }},
      {"STOP_SENDING for a stream that we did not open", QuicError::stream_state_error,
       [](Frames& f) {
         f.put({0x05, 0x01, 0x00});
       }},
      {"an ACK of what was never sent", QuicError::protocol_violation,
       [](Frames& f) {
         f.put({0x02});
         f.varint(1'000'000);
         f.put({0, 0, 0});
       }},
      {"a frame that is not known", QuicError::frame_encoding_error,
       [](Frames& f) { f.put({0x3f}); }},
      {"a NEW_TOKEN for a server", QuicError::protocol_violation,
       [](Frames& f) {
         f.put({0x07, 1, 'x'});
       }},
      {"a HANDSHAKE_DONE for a server", QuicError::protocol_violation,
       [](Frames& f) { f.put({0x1e}); }},
      {"a change of a stream's end", QuicError::final_size_error,
       [](Frames& f) {
         f.put({0x0f, 0x0a, 5, 1, 'x'});
         f.put({0x0f, 0x0a, 5, 2, 'x', 'y'});
       }},
  };
  for (const Rule& rule : rules) {
    SCOPED_TRACE(rule.name);
    Pair pair(options(1));
    ASSERT_TRUE(pair.connect());
    pair.network.run_for(seconds(1));
    say_once(rule.what);
    pair.client->send_uni(std::string(1000, 'x'));
    ASSERT_TRUE(
        pair.network.run_until([&] { return pair.server->closed.has_value(); }, seconds(5)));
    EXPECT_TRUE(pair.server->closed->is(rule.expected)) << pair.server->closed->message();
    EXPECT_FALSE(pair.server->closed_by_peer);
  }
}

TEST_F(HostileTest, StreamsOpenedAndResetAtOnceStayWithinTheLimit) {
  Pair pair(options(1));
  ASSERT_TRUE(pair.connect());
  pair.network.run_for(seconds(1));
  std::uint64_t next = 0;
  rewrite = [&next](std::span<std::uint8_t> payload) {
    if (payload.size() < 400) return;
    Frames frames(payload);
    for (int i = 0; i < 30; ++i) {
      frames.put({0x04});
      frames.varint(next++ * 4 + 2);
      frames.put({0x01, 0x00});
    }
  };
  for (int i = 0; i < 200 && !pair.server->closed; ++i) {
    pair.client->connection->send_datagram(Bytes::copy_of(std::string(1000, 'd')));
    pair.network.run_for(milliseconds(30));
  }
  EXPECT_FALSE(pair.server->closed) << pair.server->closed->message();
  EXPECT_EQ(pair.server->incoming.size(), 6000U);
  for (const auto& in : pair.server->incoming) EXPECT_EQ(in->log.reset, 1U);
}

}  // namespace
}  // namespace moq::native::quic::testing
