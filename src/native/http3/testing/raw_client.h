#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "native/http3/capsule.h"
#include "native/http3/frame.h"
#include "native/http3/settings.h"
#include "native/http3/testing/sessions.h"
#include "net/coding/writer.h"

namespace moq::native::http3::testing {

inline std::string text_of(const std::vector<std::uint8_t>& bytes) {
  return std::string(as_text(ByteSpan(bytes)));
}
inline std::string frame(FrameType type, std::string_view payload) {
  std::vector<std::uint8_t> out;
  append_frame(out, type, as_bytes(payload));
  return text_of(out);
}
inline std::string varint(std::uint64_t value) {
  std::vector<std::uint8_t> out;
  coding::Writer(out).varint(value);
  return text_of(out);
}
inline std::string headers(const std::vector<Field>& fields) {
  return frame(FrameType::headers, text_of(Qpack().encode(0, fields)));
}
inline std::string connect_headers(const std::string& path = "/") {
  return headers(request_fields(
      {.authority = "relay", .path = path, .origin = "", .protocols = {"moq-lite-05"}}));
}
inline std::string control(const std::string& frames) {
  return varint(0) + frame(FrameType::settings, text_of(encode_settings({}))) + frames;
}
inline const std::string kDrain = frame(FrameType::data, varint(0x78ae) + varint(0));
inline std::string close_capsule(std::uint32_t code, std::string_view reason) {
  std::vector<std::uint8_t> out;
  append_close_capsule(out, code, reason);
  return frame(FrameType::data, text_of(out));
}

/// A client that writes HTTP/3 by hand.
struct Raw {
  explicit Raw(Limits limits = {}, Pair::Options options = {})
      : server(std::move(options), limits) {
    EXPECT_TRUE(server.connect());
  }
  ~Raw() { streams.clear(); }

  struct Stream {
    transport::Stream stream;
    StreamLog log;
  };
  Stream& uni(std::string bytes, bool fin = false) {
    auto& each = *streams.emplace_back(std::make_unique<Stream>());
    each.stream.send = quic().open_uni({}, source(std::move(bytes), fin), &each.log);
    return each;
  }
  Stream& bidi(std::string bytes, bool fin = false) {
    auto& each = *streams.emplace_back(std::make_unique<Stream>());
    each.stream = quic().open_bidi({}, source(std::move(bytes), fin), &each.log, &each.log);
    return each;
  }
  static std::unique_ptr<TextSource> source(std::string bytes, bool fin) {
    return std::make_unique<TextSource>(std::move(bytes), fin);
  }
  /// A session as it should be; its CONNECT stream is number 0.
  Stream& open(const std::string& more = {}, bool fin = false) {
    uni(control({}));
    Stream& connect = bidi(connect_headers() + more, fin);
    EXPECT_TRUE(until([&] { return !server.sessions.empty(); }));
    return connect;
  }
  quic::Connection& quic() { return *server.pair.client->connection; }
  bool until(const std::function<bool()>& done) { return server.until(done); }
  /// The code with which the server closed the connection.
  std::uint64_t closed() {
    EXPECT_TRUE(until([&] { return server.pair.client->closed.has_value(); }));
    return server.pair.client->closed ? server.pair.client->closed->code() : 0;
  }
  bool gone() {
    return until([&] { return server.connections->size() == 0; });
  }

  Server server;
  std::deque<std::unique_ptr<Stream>> streams;
};

}  // namespace moq::native::http3::testing
