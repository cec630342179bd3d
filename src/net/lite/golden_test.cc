// The wire image of every message in every version, field by field, and one matrix
// of tests over all of them.

#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/lite/codec.h"
#include "net/lite/message_reader.h"

namespace moq::lite {
namespace {

using coding::CodingError;
using std::chrono::milliseconds;
using Buffer = std::vector<std::uint8_t>;
using enum Version;

// A part of an image: raw bytes, or a varint, which may be encoded longer.
struct Piece {
  Buffer bytes;
  std::optional<std::uint64_t> varint;
};
using Image = std::vector<Piece>;

Image varint(std::uint64_t value) {
  Buffer bytes(coding::varint_size(value));
  coding::write_varint(value, bytes.data());
  return {{bytes, value}};
}
Image raw(const Buffer& bytes) { return {{bytes, std::nullopt}}; }
Image u8(std::uint8_t value) { return raw({value}); }
Image text(std::string_view value) {
  Image image = varint(value.size());
  image.push_back({Buffer(value.begin(), value.end()), std::nullopt});
  return image;
}
template <typename... Parts>
Image wire(const Parts&... parts) {
  Image image;
  (image.insert(image.end(), parts.begin(), parts.end()), ...);
  return image;
}

Buffer flatten(const Image& image) {
  Buffer out;
  for (const Piece& piece : image) out.insert(out.end(), piece.bytes.begin(), piece.bytes.end());
  return out;
}

struct Golden {
  std::string name;
  Version version;
  Image image;
  std::function<Buffer()> encoded;
  // Whether the body decodes, and to the message.
  std::function<Result<bool>(ByteSpan)> decodes;
};

template <typename M>
Golden golden(Version version, const M& message, Image image) {
  return {std::string(M::kName), version, std::move(image),
          [=] { return encode(version, message); },
          [=](ByteSpan body) -> Result<bool> {
            MOQ_TRY(const M decoded, decode_body<M>(version, body));
            return decoded == message;
          }};
}

// The two bytes of a varint from 64 to 16383.
Image two(std::uint8_t high, std::uint8_t low) {
  return {{{static_cast<std::uint8_t>(0x40 | high), low}, high * 256U + low}};
}

std::vector<Golden> announce_goldens() {
  using enum AnnounceStatus;
  const auto prefix = text("room/");
  const auto suffix = text("alice");
  std::vector<Golden> all;
  for (const Version version : {lite01, lite02, lite03}) {
    all.push_back(golden(version, AnnounceRequest{.prefix = "room/"}, wire(prefix)));
  }
  for (const Version version : {lite04, lite05}) {
    all.push_back(golden(version, AnnounceRequest{.prefix = "room/", .exclude_hop = 300},
                         wire(prefix, two(0x01, 0x2c) /* exclude hop */)));
    // "Everything", by anyone.
    all.push_back(golden(version, AnnounceRequest{}, wire(text(""), varint(0))));
  }
  for (const Version version : {lite01, lite02}) {
    all.push_back(golden(version, AnnounceInit{.suffixes = {"a", "bc"}},
                         wire(varint(2) /* count */, text("a"), text("bc"))));
    all.push_back(golden(version, AnnounceBroadcast{.status = active, .suffix = "alice"},
                         wire(varint(1) /* active */, suffix)));
  }
  all.push_back(golden(lite05, AnnounceOk{.hop_id = 300, .active_count = 2},
                       wire(two(0x01, 0x2c) /* hop id */, varint(2) /* active count */)));
  all.push_back(golden(lite03,
                       AnnounceBroadcast{.status = active, .suffix = "alice", .hops = {0, 0, 0}},
                       wire(varint(1) /* active */, suffix, varint(3) /* hops */)));
  for (const Version version : {lite04, lite05}) {
    all.push_back(
        golden(version, AnnounceBroadcast{.status = active, .suffix = "alice", .hops = {7, 0, 300}},
               wire(varint(1) /* active */, suffix, varint(3) /* hop count */, varint(7), varint(0),
                    two(0x01, 0x2c))));
    all.push_back(golden(version, AnnounceBroadcast{.status = ended, .suffix = "alice"},
                         wire(varint(0) /* ended */, suffix, varint(0) /* hop count */)));
  }
  return all;
}

std::vector<Golden> subscribe_goldens() {
  std::vector<Golden> all;
  const auto name = wire(text("room/alice"), text("video"));
  const auto options = wire(u8(1) /* ordered */, two(0x01, 0xf4) /* 500 ms */,
                            varint(6) /* start 5 */, varint(10) /* end 9 */);
  const auto no_options = wire(u8(0), varint(0), varint(0) /* latest */, varint(0) /* unbounded */);
  for (const Version version : {lite01, lite02}) {
    all.push_back(golden(
        version, Subscribe{.id = 300, .broadcast = "room/alice", .track = "video", .priority = 200},
        wire(two(0x01, 0x2c) /* id */, name, u8(200) /* priority */)));
  }
  all.push_back(golden(lite01, SubscribeOkProperties{.priority = 9}, wire(u8(9))));
  all.push_back(golden(lite02, SubscribeOkProperties{}, {}));
  for (const Version version : {lite03, lite04, lite05}) {
    all.push_back(golden(version,
                         Subscribe{.id = 1,
                                   .broadcast = "room/alice",
                                   .track = "video",
                                   .priority = 200,
                                   .ordered = true,
                                   .max_latency = milliseconds(500),
                                   .start_group = 5,
                                   .end_group = 9},
                         wire(varint(1) /* id */, name, u8(200) /* priority */, options)));
    all.push_back(golden(version, Subscribe{.id = 0, .broadcast = "room/alice", .track = "video"},
                         wire(varint(0) /* id */, name, u8(0) /* priority */, no_options)));
    all.push_back(golden(version,
                         SubscribeUpdate{.priority = 200,
                                         .ordered = true,
                                         .max_latency = milliseconds(500),
                                         .start_group = 5,
                                         .end_group = 9},
                         wire(u8(200) /* priority */, options)));
    all.push_back(golden(version, SubscribeUpdate{}, wire(u8(0), no_options)));
    all.push_back(
        golden(version, SubscribeDrop{.start = 5, .end = 300, .error = 2},
               wire(varint(5) /* start */, two(0x01, 0x2c) /* end */, varint(2) /* error */)));
  }
  for (const Version version : {lite03, lite04}) {
    all.push_back(golden(version,
                         SubscribeOkProperties{.priority = 200,
                                               .ordered = true,
                                               .max_latency = milliseconds(500),
                                               .start_group = 5,
                                               .end_group = 9},
                         wire(u8(200) /* priority */, options)));
  }
  all.push_back(golden(lite05, SubscribeStart{.group = 300}, two(0x01, 0x2c)));
  all.push_back(golden(lite05, SubscribeEnd{.group = 0}, varint(0)));
  return all;
}

std::vector<Golden> other_goldens() {
  std::vector<Golden> all;
  const auto name = wire(text("room/alice"), text("video"));
  for (const Version version : {lite03, lite04, lite05}) {
    all.push_back(golden(
        version, Fetch{.broadcast = "room/alice", .track = "video", .priority = 200, .group = 300},
        wire(name, u8(200) /* priority */, two(0x01, 0x2c) /* group */)));
  }
  for (const Version version : {lite01, lite02}) {
    all.push_back(golden(version, SessionInfo{.bitrate = 300}, two(0x01, 0x2c)));
    all.push_back(golden(version, SessionInfo{}, varint(0)));
  }
  all.push_back(golden(lite03, Probe{.bitrate = 300}, two(0x01, 0x2c)));
  for (const Version version : {lite04, lite05}) {
    all.push_back(golden(version, Probe{.bitrate = 300, .rtt = 25},
                         wire(two(0x01, 0x2c) /* bits per second */, varint(25) /* ms */)));
    all.push_back(golden(version, Probe{}, wire(varint(0), varint(0))));
    all.push_back(golden(version, Goaway{.uri = "https://b/"}, text("https://b/")));
    all.push_back(golden(version, Goaway{}, text("")));
  }
  for (const Version version : {lite01, lite02, lite03, lite04, lite05}) {
    all.push_back(
        golden(version, GroupHeader{.subscribe_id = 1, .sequence = coding::kMaxVarint},
               wire(varint(1) /* subscribe id */, varint(coding::kMaxVarint) /* sequence */)));
  }
  all.push_back(
      golden(lite05, TrackRequest{.broadcast = "room/alice", .track = "video"}, wire(name)));
  all.push_back(golden(
      lite05,
      TrackInfoMessage{
          .priority = 3, .ordered = true, .max_latency = milliseconds(500), .timescale = 300},
      wire(u8(3) /* priority */, u8(1) /* ordered */, two(0x01, 0xf4) /* 500 ms */,
           two(0x01, 0x2c) /* per second */)));
  all.push_back(golden(lite05, Setup{}, varint(0)));
  all.push_back(golden(
      lite05, Setup{.probe = ProbeLevel::report, .path = "/x?y", .role = Role::subscriber},
      wire(varint(3) /* count */, varint(1) /* probe */, varint(1), raw({1}), varint(2) /* path */,
           varint(4), raw({'/', 'x', '?', 'y'}), varint(3) /* role */, varint(1), raw({2}))));
  return all;
}

const std::vector<Golden>& goldens() {
  static const std::vector<Golden> kAll = [] {
    std::vector<Golden> all = announce_goldens();
    for (auto& one : subscribe_goldens()) all.push_back(std::move(one));
    for (auto& one : other_goldens()) all.push_back(std::move(one));
    return all;
  }();
  return kAll;
}

// Runs `test(golden)` for each, naming it where it fails.
template <typename Test>
void for_each_golden(Test test) {
  for (const Golden& one : goldens()) {
    SCOPED_TRACE(std::string(version_info(one.version).name) + " " + one.name + " " +
                 testing::PrintToString(flatten(one.image)));
    test(one);
  }
}

void expect_decodes(const Golden& one, ByteSpan body) {
  const auto result = one.decodes(body);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_TRUE(*result) << "decoded to another message";
}

// The image with its length in front, as it goes on a stream.
Buffer framed(const Golden& one) {
  const Buffer body = flatten(one.image);
  Buffer out;
  append_varint(out, body.size());
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

TEST(Golden, Encodes) {
  for_each_golden([](const Golden& one) { EXPECT_EQ(one.encoded(), framed(one)); });
}

TEST(Golden, DecodesWhole) {
  for_each_golden([](const Golden& one) { expect_decodes(one, flatten(one.image)); });
}

TEST(Golden, DecodesOneByteAtATime) {
  for_each_golden([](const Golden& one) {
    const Buffer bytes = framed(one);
    MessageReader reader;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const auto early = reader.next_message();
      ASSERT_TRUE(early);
      EXPECT_FALSE(*early) << "after " << i << " bytes";
      reader.feed(Bytes::copy_of(ByteSpan(bytes).subspan(i, 1)));
    }
    const auto body = reader.next_message();
    ASSERT_TRUE(body);
    ASSERT_TRUE(*body);
    expect_decodes(one, **body);
    EXPECT_TRUE(reader.empty());
  });
}

TEST(Golden, EveryTruncatedBodyIsShort) {
  for_each_golden([](const Golden& one) {
    const Buffer body = flatten(one.image);
    for (std::size_t size = 0; size < body.size(); ++size) {
      const auto result = one.decodes(ByteSpan(body).first(size));
      ASSERT_FALSE(result) << size << " bytes";
      EXPECT_TRUE(result.error().is(CodingError::short_buffer)) << result.error().message();
    }
  });
}

TEST(Golden, EveryTruncatedStreamIsShort) {
  for_each_golden([](const Golden& one) {
    const Buffer bytes = framed(one);
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      MessageReader reader;
      reader.feed(Bytes::copy_of(ByteSpan(bytes).first(size)), true);
      const auto result = reader.next_message();
      ASSERT_FALSE(result) << size << " bytes";
      EXPECT_TRUE(result.error().is(CodingError::short_buffer)) << result.error().message();
    }
  });
}

TEST(Golden, TrailingBytesAreRefused) {
  for_each_golden([](const Golden& one) {
    Buffer body = flatten(one.image);
    body.push_back(0);
    const auto result = one.decodes(body);
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().is(CodingError::trailing_bytes)) << result.error().message();
  });
}

TEST(Golden, LongVarintsAreAccepted) {
  for_each_golden([](const Golden& one) {
    for (std::size_t i = 0; i < one.image.size(); ++i) {
      if (!one.image[i].varint) continue;
      for (const std::size_t size : {2U, 4U, 8U}) {
        if (size <= one.image[i].bytes.size()) continue;
        Image longer = one.image;
        longer[i].bytes.resize(size);
        coding::write_varint(*longer[i].varint, size, longer[i].bytes.data());
        SCOPED_TRACE("piece " + std::to_string(i) + " in " + std::to_string(size) + " bytes");
        expect_decodes(one, flatten(longer));
      }
    }
  });
}

template <typename M>
void expect_covered_or_refused(const std::set<std::pair<std::string, Version>>& covered) {
  for (const VersionInfo& row : versions()) {
    SCOPED_TRACE(std::string(row.name) + " " + std::string(M::kName));
    const bool exists = coding::exists_in<M>(ordinal(row.version));
    EXPECT_EQ(covered.count({std::string(M::kName), row.version}), exists ? 1U : 0U);
    if (exists) continue;
    const auto result = decode_body<M>(row.version, {});
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().is(CodingError::unsupported));
    EXPECT_THROW((void)encode(row.version, M{}), std::logic_error);
  }
}

TEST(Golden, CoversEveryMessageInEveryVersionThatHasIt) {
  std::set<std::pair<std::string, Version>> covered;
  for (const Golden& one : goldens()) covered.insert({one.name, one.version});
  std::apply(
      [&](const auto&... messages) {
        (expect_covered_or_refused<std::decay_t<decltype(messages)>>(covered), ...);
      },
      AllMessages{});
}

}  // namespace
}  // namespace moq::lite
