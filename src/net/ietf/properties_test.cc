#include "net/ietf/properties.h"

#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/coding/error.h"
#include "net/ietf/limits.h"
#include "net/ietf/message.h"

namespace moq::ietf {
namespace {

using coding::CodingError;
using std::chrono::milliseconds;
using Buffer = std::vector<std::uint8_t>;

const PropertyForm k14 = version_info(Version::draft14).properties;
const PropertyForm k18 = version_info(Version::draft18).properties;
const VersionInfo& kInfo14 = version_info(Version::draft14);
const VersionInfo& kInfo18 = version_info(Version::draft18);

// The example of §"Examples": type 4 with 2186796243, type 77 with characters.
const Buffer kExample14{0x04, 0xc0, 0, 0, 0, 0x82, 0x57, 0xdc, 0xd3, 0x40, 0x4d, 3, 'a', 'b', 'c'};
// In 18: the number in five bytes, and 77 as a difference of 73.
const Buffer kExample18{0x04, 0xf0, 0x82, 0x57, 0xdc, 0xd3, 73, 3, 'a', 'b', 'c'};

TEST(Properties, AreReadInTheirOrder) {
  for (const auto& [form, image] : {std::pair(k14, kExample14), std::pair(k18, kExample18)}) {
    PropertyReader reader(form, image);
    const auto first = reader.next().value();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->type, 4U);
    EXPECT_EQ(first->number, 2186796243U);
    const auto second = reader.next().value();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->type, 77U);
    EXPECT_EQ(as_text(second->bytes), "abc");
    EXPECT_FALSE(reader.next().value());
    PropertyWriter writer(form);
    writer.add(77, std::string("abc"));
    writer.add(4, 2186796243U);
    EXPECT_EQ(writer.finish().value(), Bytes::copy_of(image));
  }
}

TEST(Properties, AreRefusedWhereTheyAreNone) {
  for (std::size_t size = 0; size < kExample18.size(); ++size) {
    const bool whole = size == 0 || size == 6;
    EXPECT_EQ(check_properties(k18, ByteSpan(kExample18).first(size)).has_value(), whole) << size;
  }
  for (std::size_t size = 0; size < kExample14.size(); ++size) {
    const bool whole = size == 0 || size == 9;
    EXPECT_EQ(check_properties(k14, ByteSpan(kExample14).first(size)).has_value(), whole) << size;
  }
  // A value of 2^16 bytes.
  EXPECT_TRUE(check_properties(k14, Buffer{1, 0x80, 1, 0, 0}).error().is(CodingError::too_large));
  EXPECT_TRUE(check_properties(k18, Buffer{1, 0xc1, 0, 0}).error().is(CodingError::too_large));
}

TEST(Properties, HaveTypesOf64Bits) {
  // 2, then a difference of 2^64 - 3 (type 2^64 - 1, which is odd) and of one more.
  Buffer list{2, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfd, 0};
  EXPECT_TRUE(check_properties(k18, list));
  list[10] = 0xfe;
  EXPECT_TRUE(check_properties(k18, list).error().is(CodingError::invalid_value));
}

TEST(Properties, AreWrittenWithinTheForm) {
  PropertyWriter number(k14);
  number.add(2, coding::kMaxVarint + 1);
  EXPECT_TRUE(number.finish().error().is(CodingError::too_large));
  PropertyWriter value(k18);
  value.add(1, std::string(kMaxKeyValue + 1, 'v'));
  EXPECT_TRUE(value.finish().error().is(CodingError::too_large));
  EXPECT_TRUE(PropertyWriter(k18).finish().value().empty());
}

TEST(Properties, AreTheSameBytesForTheSameDraft) {
  // Numbers that are longer than they need be.
  const Bytes odd = Bytes::copy_of(Buffer{0x80, 0x02, 0x80, 0x05});
  EXPECT_EQ(convert_properties(k18, k18, odd).value().data(), odd.data());
}

TEST(Properties, AreRewrittenForAnotherDraft) {
  EXPECT_EQ(convert_properties(k14, k18, Bytes::copy_of(kExample14)).value(),
            Bytes::copy_of(kExample18));
  EXPECT_EQ(convert_properties(k18, k14, Bytes::copy_of(kExample18)).value(),
            Bytes::copy_of(kExample14));
  // In draft-14 types may descend; those of one type keep their order.
  EXPECT_EQ(convert_properties(k14, k18, Bytes::copy_of(Buffer{6, 1, 2, 2, 6, 3})).value(),
            Bytes::copy_of(Buffer{2, 2, 4, 1, 0, 3}));
  // Immutable properties within: types 2 and 4.
  EXPECT_EQ(convert_properties(k14, k18, Bytes::copy_of(Buffer{0x0b, 4, 2, 9, 4, 8})).value(),
            Bytes::copy_of(Buffer{0x0b, 4, 2, 9, 2, 8}));
  EXPECT_EQ(convert_properties(k18, k14, Bytes::copy_of(Buffer{0x0b, 4, 2, 9, 2, 8})).value(),
            Bytes::copy_of(Buffer{0x0b, 4, 2, 9, 4, 8}));
  EXPECT_FALSE(convert_properties(k18, k14, Bytes::copy_of(Buffer{2})));
  // A number that QUIC's integers do not have: 2^62.
  EXPECT_TRUE(
      convert_properties(k18, k14, Bytes::copy_of(Buffer{2, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0}))
          .error()
          .is(CodingError::too_large));
}

TEST(TrackProperties, SayWhatARelayHasToKnow) {
  PropertyWriter writer(k18);
  writer.add(property::kObjectDeliveryTimeout, 500);
  writer.add(property::kMaxCacheDuration, 0);
  writer.add(property::kSubgroupDeliveryTimeout, 0);
  writer.add(property::kTimescale, 90000);
  writer.add(property::kPublisherPriority, 255);
  writer.add(property::kGroupOrder, 2);
  writer.add(property::kDynamicGroups, 1);
  writer.add(0x3801, std::string("the application's"));
  EXPECT_EQ(read_track_properties(k18, writer.finish().value()).value(),
            (TrackProperties{.object_delivery_timeout = milliseconds(500),
                             .max_cache_duration = milliseconds(0),
                             .publisher_priority = 255,
                             .group_order = GroupOrder::descending,
                             .dynamic_groups = true,
                             .timescale = 90000}));
  EXPECT_EQ(read_track_properties(k18, {}).value(), TrackProperties{});
}

TEST(TrackProperties, AreSaidAsTheDraftSaysThem) {
  const TrackProperties track{.object_delivery_timeout = milliseconds(500),
                              .max_cache_duration = milliseconds(9),
                              .group_order = GroupOrder::descending};
  TrackProperties more = track;
  more.subgroup_delivery_timeout = milliseconds(4);
  more.publisher_priority = 3;
  more.dynamic_groups = true;
  more.timescale = 1000;
  SubscribeOk in14;
  ASSERT_TRUE(set_track_properties(kInfo14, more, in14));
  EXPECT_EQ(in14.delivery_timeout, milliseconds(500));
  EXPECT_TRUE(in14.properties.empty());
  EXPECT_EQ(track_properties(kInfo14, in14).value(), track) << "all that it can say";
  Publish in18;
  ASSERT_TRUE(set_track_properties(kInfo18, more, in18));
  EXPECT_EQ(in18.delivery_timeout, std::nullopt);
  EXPECT_EQ(track_properties(kInfo18, in18).value(), more);
  FetchOk fetch;
  ASSERT_TRUE(set_track_properties(kInfo14, track, fetch));
  EXPECT_EQ(track_properties(kInfo14, fetch)->max_cache_duration, milliseconds(9));
  EXPECT_TRUE(write_track_properties(k18, {}).value().empty());
}

TEST(TrackProperties, AreReadWithinImmutableOnes) {
  EXPECT_EQ(read_track_properties(k18, Buffer{0x0b, 2, 0x0e, 9})->publisher_priority, 9);
  const auto broken = read_track_properties(k18, Buffer{0x0b, 1, 0x0e});
  ASSERT_FALSE(broken);
  EXPECT_TRUE(broken.error().is(StreamError::malformed_track));
  const auto nested = read_track_properties(k18, Buffer{0x0b, 2, 0x0b, 0});
  ASSERT_FALSE(nested);
  EXPECT_TRUE(nested.error().is(StreamError::malformed_track));
  const auto twice = read_track_properties(k18, Buffer{0x0b, 0, 0, 0});
  ASSERT_FALSE(twice);
  EXPECT_TRUE(twice.error().is(StreamError::malformed_track));
}

TEST(TrackProperties, HaveTheValuesThatTheDraftAllows) {
  const auto error = [](std::uint64_t type, std::uint64_t number) {
    PropertyWriter writer(k18);
    writer.add(type, number);
    const auto read = read_track_properties(k18, writer.finish().value());
    return !read && read.error().is(CodingError::invalid_value);
  };
  EXPECT_TRUE(error(property::kPublisherPriority, 256));
  EXPECT_TRUE(error(property::kGroupOrder, 0));
  EXPECT_TRUE(error(property::kGroupOrder, 3));
  EXPECT_TRUE(error(property::kDynamicGroups, 2));
  EXPECT_TRUE(error(property::kTimescale, 0));
  EXPECT_FALSE(error(property::kPublisherPriority, 255));
}

TEST(TrackProperties, TellOfTheMandatoryOnesThatAreNotKnown) {
  const auto unknown = [](std::uint64_t type) {
    PropertyWriter writer(k18);
    writer.add(type, 1);
    return read_track_properties(k18, writer.finish().value())->unknown_mandatory;
  };
  EXPECT_EQ(unknown(0x3ffe), std::nullopt);
  EXPECT_EQ(unknown(0x4000), 0x4000U);
  EXPECT_EQ(unknown(0x7ffe), 0x7ffeU);
  EXPECT_EQ(unknown(0x8000), std::nullopt);
}

TEST(ObjectProperties, SayWhenAndWhatIsMissing) {
  EXPECT_EQ(
      read_object_properties(kInfo18, {.group = 9, .object = 9}, Buffer{0x10, 7, 0x2c, 2, 2, 3})
          .value(),
      (ObjectProperties{.timestamp = 7, .prior_group_gap = 2, .prior_object_gap = 3}));
  EXPECT_EQ(read_object_properties(kInfo14, {}, Buffer{0x06, 7})->timestamp, 7U) << "of LOC";
  EXPECT_EQ(read_object_properties(kInfo14, {}, Buffer{0x06, 7, 0x10, 8})->timestamp, 8U);
  EXPECT_EQ(read_object_properties(kInfo14, {}, {}).value(), ObjectProperties{});
}

TEST(ObjectProperties, MakeATrackMalformed) {
  const auto malformed = [](const VersionInfo& version, const Buffer& list) {
    const auto read = read_object_properties(version, {.group = 1, .object = 1}, list);
    return !read && read.error().is(StreamError::malformed_track);
  };
  EXPECT_FALSE(malformed(kInfo18, {0x3c, 1}));
  EXPECT_TRUE(malformed(kInfo18, {0x3c, 2})) << "beyond the first group";
  EXPECT_TRUE(malformed(kInfo18, {0x3e, 2})) << "beyond the first object";
  EXPECT_TRUE(malformed(kInfo18, {0x3c, 1, 0, 1})) << "twice";
  EXPECT_TRUE(malformed(kInfo18, {0x0b, 2, 0x3c, 1, 0x31, 1})) << "and once within";
  EXPECT_TRUE(malformed(kInfo18, {0x3c})) << "cut short";
  EXPECT_TRUE(malformed(kInfo18, {0xc0, 0x40, 0x00, 1})) << "mandatory";
  EXPECT_FALSE(malformed(kInfo14, {0x80, 0, 0x40, 0x00, 1})) << "not in draft-14";
}

}  // namespace
}  // namespace moq::ietf
