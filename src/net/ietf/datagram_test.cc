#include "net/ietf/datagram.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "net/coding/error.h"
#include "net/ietf/stream.h"

namespace moq::ietf {
namespace {

using coding::CodingError;
using enum Version;
using Buffer = std::vector<std::uint8_t>;

Bytes bytes(const Buffer& buffer) { return Bytes::copy_of(buffer); }

TEST(DatagramTypes, AreThoseOfTheDraft) {
  std::set<std::uint64_t> in14{0x20, 0x21};
  for (std::uint64_t type = 0; type <= 0x07; ++type) in14.insert(type);
  std::set<std::uint64_t> in18{0x20, 0x21, 0x24, 0x25, 0x28, 0x29, 0x2c, 0x2d};
  for (std::uint64_t type = 0; type <= 0x0f; ++type) in18.insert(type);
  for (std::uint64_t type = 0; type < 0x200; ++type) {
    EXPECT_EQ(is_object_datagram_type(version_info(draft14), type), in14.contains(type)) << type;
    EXPECT_EQ(is_object_datagram_type(version_info(draft18), type), in18.contains(type)) << type;
  }
}

struct Case {
  Version version;
  ObjectDatagram datagram;
  Buffer image;
};
const Case kCases[] = {
    {draft14,
     {.track_alias = 1, .group = 7, .object = 300, .priority = 9, .payload = bytes({'h', 'i'})},
     {0x00, 1, 7, 0x41, 0x2c, 9, 'h', 'i'}},
    {draft14,
     {.track_alias = 1,
      .group = 7,
      .object = 3,
      .priority = 9,
      .properties = bytes({0x10, 5}),
      .end_of_group = true},
     {0x03, 1, 7, 3, 9, 2, 0x10, 5}},
    {draft14,
     {.track_alias = 1, .group = 7, .priority = 9, .payload = bytes({'h'})},
     {0x04, 1, 7, 9, 'h'}},
    {draft14,
     {.track_alias = 1, .group = 7, .priority = 9, .status = Status::end_of_track},
     {0x20, 1, 7, 0 /* there is no shorter form */, 9, 4}},
    {draft14,
     {.track_alias = 1,
      .group = 7,
      .object = 3,
      .priority = 9,
      .properties = bytes({0x10, 5}),
      .status = Status::end_of_group},
     {0x21, 1, 7, 3, 9, 2, 0x10, 5, 3}},
    {draft18,
     {.track_alias = 1, .group = 7, .object = 300, .payload = bytes({'h', 'i'})},
     {0x08, 1, 7, 0x81, 0x2c, 'h', 'i'}},
    {draft18,
     {.track_alias = 1,
      .group = 7,
      .priority = 9,
      .properties = bytes({0x10, 5}),
      .end_of_group = true,
      .payload = bytes({'h'})},
     {0x07, 1, 7, 9, 2, 0x10, 5, 'h'}},
    {draft18, {.group = 7, .status = Status::end_of_group}, {0x2c, 0, 7, 3}},
    {draft18,
     {.group = 7, .object = 4, .priority = 1, .status = Status::end_of_track},
     {0x20, 0, 7, 4, 1, 4}},
};

TEST(Datagrams, MatchTheirImages) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(::testing::PrintToString(one.image));
    EXPECT_EQ(encode(one.version, one.datagram).value(), one.image);
    const Bytes image = bytes(one.image);
    const auto decoded = decode_datagram(one.version, image);
    ASSERT_TRUE(decoded) << decoded.error().message();
    ASSERT_TRUE(*decoded);
    EXPECT_EQ(**decoded, one.datagram);
    if (!one.datagram.payload.empty()) {
      EXPECT_EQ((*decoded)->payload.data() + (*decoded)->payload.size(),
                image.data() + image.size())
          << "the payload was copied";
    }
  }
}

TEST(Datagrams, AreShortWithoutTheirHeader) {
  for (const Case& one : kCases) {
    const std::size_t header = one.image.size() - one.datagram.payload.size();
    for (std::size_t size = 0; size < header; ++size) {
      const auto cut =
          decode_datagram(one.version, Bytes::copy_of(ByteSpan(one.image).first(size)));
      ASSERT_FALSE(cut) << size;
      EXPECT_TRUE(cut.error().is(CodingError::short_buffer)) << cut.error().message();
    }
  }
}

Error error_of(Version version, const Buffer& image) {
  const auto decoded = decode_datagram(version, bytes(image));
  return decoded ? Error(SessionError::no_error, "it was accepted") : decoded.error();
}

TEST(Datagrams, AreRefused) {
  for (const Version version : {draft14, draft18}) {
    EXPECT_TRUE(error_of(version, {0x22, 0, 0, 0, 0, 3}).is(CodingError::unknown_type));
    EXPECT_TRUE(error_of(version, {0x10, 0, 0, 0, 0}).is(CodingError::unknown_type));
    EXPECT_TRUE(error_of(version, {0x01, 0, 0, 0, 0, 0}).is(CodingError::invalid_value))
        << "no properties";
    EXPECT_TRUE(error_of(version, {0x20, 0, 0, 0, 0, 7}).is(CodingError::invalid_value))
        << "status 7";
    EXPECT_TRUE(error_of(version, {0x20, 0, 0, 0, 0, 3, 'x'}).is(CodingError::trailing_bytes));
    EXPECT_TRUE(error_of(version, {0x21, 0, 0, 0, 0, 2, 2, 1, 0}).is(SessionError::no_error))
        << "a normal status";
  }
  EXPECT_TRUE(error_of(draft14, {0x21, 0, 0, 0, 0, 2, 2, 1, 1}).is(CodingError::invalid_value));
  EXPECT_TRUE(error_of(draft18, {0x21, 0, 0, 0, 0, 2, 2, 1, 3}).is(CodingError::invalid_value));
  EXPECT_TRUE(error_of(draft14, {0x08, 0, 0, 0, 'x'}).is(CodingError::unknown_type));
  EXPECT_TRUE(error_of(draft18, {0x20, 0, 0, 0, 0, 1}).is(CodingError::invalid_value));
}

TEST(Datagrams, SayWhatTheDraftCanSay) {
  const auto refused = [](Version version, const ObjectDatagram& datagram) {
    return encode(version, datagram).error().is(CodingError::invalid_value);
  };
  EXPECT_TRUE(refused(draft14, {})) << "no priority";
  for (const Version version : {draft14, draft18}) {
    EXPECT_TRUE(
        refused(version, {.priority = 1, .end_of_group = true, .status = Status::end_of_group}));
    EXPECT_TRUE(
        refused(version, {.priority = 1, .status = Status::end_of_group, .payload = bytes({'x'})}));
  }
  EXPECT_TRUE(refused(draft18, {.status = Status::does_not_exist}));
  EXPECT_TRUE(refused(draft18, {.properties = bytes({2, 1}), .status = Status::end_of_group}));
  EXPECT_TRUE(encode(draft14, ObjectDatagram{.group = coding::kMaxVarint + 1, .priority = 1})
                  .error()
                  .is(CodingError::too_large));
}

TEST(Datagrams, OfPaddingAreNone) {
  Buffer padding = encode_padding(draft18, kPaddingDatagram);
  EXPECT_EQ(padding, (Buffer{0xf0, 0x13, 0x2b, 0x3e, 0x29}));
  padding.resize(20);
  EXPECT_EQ(decode_datagram(draft18, bytes(padding)).value(), std::nullopt);
  // The same number in QUIC's integers.
  EXPECT_TRUE(error_of(draft14, {0x93, 0x2b, 0x3e, 0x29}).is(CodingError::unknown_type));
}

}  // namespace
}  // namespace moq::ietf
