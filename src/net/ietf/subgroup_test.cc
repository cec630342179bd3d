#include "net/ietf/subgroup.h"

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/coding/error.h"
#include "net/coding/writer.h"
#include "net/ietf/limits.h"
#include "net/ietf/properties.h"

namespace moq::ietf {
namespace {

using coding::CodingError;
using enum Version;
using Buffer = std::vector<std::uint8_t>;

constexpr std::uint64_t kLimit = 1000;

struct Received {
  StreamObject object;
  std::string payload;
  friend bool operator==(const Received&, const Received&) = default;
};

struct Collector final : SubgroupSink {
  std::vector<Received> objects;
  std::vector<Bytes> chunks;
  std::optional<Error> refuse;

  Result<void> on_object(const StreamObject& object) override {
    if (refuse) return fail(*refuse);
    objects.push_back({object, ""});
    return {};
  }
  Result<void> on_payload(Bytes chunk) override {
    EXPECT_FALSE(chunk.empty());
    objects.back().payload += chunk.text();
    chunks.push_back(std::move(chunk));
    return {};
  }
};

Bytes bytes(const Buffer& buffer) { return Bytes::copy_of(buffer); }

TEST(SubgroupTypes, AreThoseOfTheDraft) {
  std::set<std::uint64_t> in14;
  std::set<std::uint64_t> in18;
  for (const std::uint64_t low : {0, 1, 2, 3, 4, 5, 8, 9, 0xa, 0xb, 0xc, 0xd}) {
    in14.insert(0x10 | low);
    for (const std::uint64_t high : {0x10, 0x30, 0x50, 0x70}) in18.insert(high | low);
  }
  for (std::uint64_t type = 0; type < 0x200; ++type) {
    EXPECT_EQ(is_subgroup_type(version_info(draft14), type), in14.contains(type)) << type;
    EXPECT_EQ(is_subgroup_type(version_info(draft18), type), in18.contains(type)) << type;
  }
  EXPECT_FALSE(is_subgroup_type(version_info(draft18), (std::uint64_t{1} << 62) | 0x10));
}

struct HeaderImage {
  Version version;
  SubgroupHeader header;
  Buffer image;  // with its type
};
const HeaderImage kHeaders[] = {
    // §"Examples".
    {draft14,
     {.track_alias = 2, .id_mode = SubgroupIdMode::explicit_id, .priority = 0},
     {0x14, 2, 0, 0, 0}},
    {draft14,
     {.track_alias = 300,
      .group = 7,
      .priority = 200,
      .has_properties = true,
      .end_of_group = true},
     {0x19, 0x41, 0x2c, 7, 200}},
    {draft14,
     {.track_alias = 1, .group = 7, .id_mode = SubgroupIdMode::first_object, .priority = 9},
     {0x12, 1, 7, 9}},
    {draft18,
     {.track_alias = 2, .id_mode = SubgroupIdMode::explicit_id, .has_properties = true},
     {0x35, 2, 0, 0}},
    {draft18,
     {.track_alias = 300,
      .group = 7,
      .priority = 200,
      .has_properties = true,
      .end_of_group = true,
      .first_object = true},
     {0x59, 0x81, 0x2c, 7, 200}},
    {draft18, {.id_mode = SubgroupIdMode::first_object, .first_object = true}, {0x72, 0, 0}},
    {draft18,
     {.track_alias = 1,
      .group = 7,
      .id_mode = SubgroupIdMode::explicit_id,
      .subgroup = 300,
      .priority = 9},
     {0x14, 1, 7, 0x81, 0x2c, 9}},
};

TEST(SubgroupHeaders, MatchTheirImages) {
  for (const HeaderImage& one : kHeaders) {
    SCOPED_TRACE(::testing::PrintToString(one.image));
    EXPECT_EQ(encode(one.version, one.header).value(), one.image);
    const ByteSpan rest = ByteSpan(one.image).subspan(1);
    coding::Reader in(rest, version_info(one.version).integers);
    EXPECT_EQ(read_subgroup_header(one.image[0], in).value(), one.header);
    EXPECT_EQ(in.remaining(), 0U);
    for (std::size_t size = 0; size < rest.size(); ++size) {
      coding::Reader cut(rest.first(size), version_info(one.version).integers);
      EXPECT_TRUE(read_subgroup_header(one.image[0], cut).error().is(CodingError::short_buffer));
    }
  }
}

TEST(SubgroupHeaders, SayWhatTheDraftCanSay) {
  EXPECT_TRUE(encode(draft14, SubgroupHeader{}).error().is(CodingError::invalid_value))
      << "no priority";
  EXPECT_TRUE(encode(draft14, SubgroupHeader{.priority = 1, .first_object = true})
                  .error()
                  .is(CodingError::invalid_value));
  EXPECT_TRUE(encode(draft14, SubgroupHeader{.group = coding::kMaxVarint + 1, .priority = 1})
                  .error()
                  .is(CodingError::too_large));
}

// Ids 0, 1 and 4: three bytes of payload, none, and the end of the group.
struct Form {
  Version version;
  bool has_properties;
  Buffer image;
  std::vector<Received> objects;
  // After how many bytes a stream may end.
  std::set<std::size_t> ends;
};
const Form kForms[] = {
    {draft14,
     false,
     {0, 3, 'a', 'b', 'c', 0, 0, 0, 2, 0, 3},
     {{{.id = 0, .size = 3}, "abc"},
      {{.id = 1}, ""},
      {{.id = 4, .status = Status::end_of_group}, ""}},
     {0, 5, 8, 11}},
    {draft14,
     true,
     {0, 2, 0x10, 7, 3, 'a', 'b', 'c', 0, 0, 0, 0, 2, 2, 0x10, 8, 0, 3},
     {{{.id = 0, .properties = bytes({0x10, 7}), .size = 3}, "abc"},
      {{.id = 1}, ""},
      {{.id = 4, .properties = bytes({0x10, 8}), .status = Status::end_of_group}, ""}},
     {0, 8, 12, 18}},
    {draft18,
     true,
     {0, 2, 0x10, 7, 3, 'a', 'b', 'c', 0, 0, 0, 0, 2, 0, 0, 4},
     {{{.id = 0, .properties = bytes({0x10, 7}), .size = 3}, "abc"},
      {{.id = 1}, ""},
      {{.id = 4, .status = Status::end_of_track}, ""}},
     {0, 8, 12, 16}},
    {draft14,
     false,
     {5, 0, 1, 0x40, 0x64, 1, 'x'},
     {{{.id = 5, .status = Status::does_not_exist}, ""}, {{.id = 106, .size = 1}, "x"}},
     {0, 3, 7}},
};

TEST(SubgroupObjects, AreReadHoweverTheyAreCut) {
  for (const Form& form : kForms) {
    SCOPED_TRACE(::testing::PrintToString(form.image));
    for (std::size_t step = 1; step <= form.image.size(); ++step) {
      Collector sink;
      SubgroupReader reader(form.version, form.has_properties, sink, kLimit);
      for (std::size_t at = 0; at < form.image.size(); at += step) {
        const std::size_t size = std::min(step, form.image.size() - at);
        const auto fed = reader.feed(Bytes::copy_of(ByteSpan(form.image).subspan(at, size)));
        ASSERT_TRUE(fed) << fed.error().message();
      }
      EXPECT_TRUE(reader.finish());
      EXPECT_EQ(sink.objects, form.objects) << "in steps of " << step;
    }
  }
}

TEST(SubgroupObjects, EndOnlyWhenWhole) {
  for (const Form& form : kForms) {
    for (std::size_t size = 0; size <= form.image.size(); ++size) {
      Collector sink;
      SubgroupReader reader(form.version, form.has_properties, sink, kLimit);
      ASSERT_TRUE(reader.feed(Bytes::copy_of(ByteSpan(form.image).first(size))));
      const auto finished = reader.finish();
      EXPECT_EQ(finished.has_value(), form.ends.contains(size)) << "after " << size << " bytes";
      EXPECT_TRUE(finished || finished.error().is(CodingError::short_buffer));
    }
  }
}

TEST(SubgroupObjects, ArePartsOfWhatWasFed) {
  Collector sink;
  SubgroupReader reader(draft18, true, sink, kLimit);
  const Bytes fed = bytes({0, 2, 0x10, 7, 3, 'a', 'b', 'c'});
  ASSERT_TRUE(reader.feed(fed));
  ASSERT_EQ(sink.chunks.size(), 1U);
  EXPECT_EQ(sink.chunks[0].data(), fed.data() + 5);
  EXPECT_EQ(sink.objects[0].object.properties.data(), fed.data() + 2);
}

Error error_of(Version version, bool has_properties, const Buffer& image) {
  Collector sink;
  const auto fed = SubgroupReader(version, has_properties, sink, kLimit).feed(bytes(image));
  return fed ? Error(SessionError::no_error, "it was accepted") : fed.error();
}

TEST(SubgroupObjects, AreRefusedForTheirStatus) {
  for (const std::uint8_t status : Buffer{2, 5, 6, 7, 8, 63}) {
    for (const Version version : {draft14, draft18}) {
      EXPECT_TRUE(error_of(version, false, {0, 0, status}).is(CodingError::invalid_value))
          << int{status};
    }
  }
  EXPECT_TRUE(error_of(draft14, false, {0, 0, 1}).is(SessionError::no_error));
  EXPECT_TRUE(error_of(draft18, false, {0, 0, 1}).is(CodingError::invalid_value));
  // Properties: of an object that does not exist, and in 18 of the end of a group.
  EXPECT_TRUE(error_of(draft14, true, {0, 2, 0x10, 7, 0, 1}).is(CodingError::invalid_value));
  EXPECT_TRUE(error_of(draft14, true, {0, 2, 0x10, 7, 0, 3}).is(SessionError::no_error));
  EXPECT_TRUE(error_of(draft18, true, {0, 2, 0x10, 7, 0, 3}).is(CodingError::invalid_value));
  EXPECT_TRUE(error_of(draft18, true, {0, 2, 0x10, 7, 0, 0}).is(SessionError::no_error));
}

TEST(SubgroupObjects, AreRefusedBehindTheEnd) {
  for (const Version version : {draft14, draft18}) {
    for (const std::uint8_t end : Buffer{3, 4}) {
      EXPECT_TRUE(error_of(version, false, {0, 0, end, 0}).is(CodingError::invalid_value));
    }
  }
}

TEST(SubgroupObjects, AreRefusedAsSoonAsTheirSizeIsKnown) {
  for (const Version version : {draft14, draft18}) {
    Buffer image{0};
    coding::Writer out(image, version_info(version).integers);
    out.varint(kLimit + 1);
    EXPECT_TRUE(error_of(version, false, image).is(CodingError::too_large));
    Buffer properties{0};
    coding::Writer more(properties, version_info(version).integers);
    more.varint(kMaxObjectProperties + 1);
    EXPECT_TRUE(error_of(version, true, properties).is(CodingError::too_large));
  }
}

TEST(SubgroupObjects, HaveIdsWithinTheNumbers) {
  const auto ids = [](Version version, std::initializer_list<std::uint64_t> deltas) {
    Buffer image;
    coding::Writer out(image, version_info(version).integers);
    for (const std::uint64_t delta : deltas) {
      out.varint(delta);
      out.varint(1);
      out.u8('x');
    }
    return error_of(version, false, image);
  };
  for (const Version version : {draft14, draft18}) {
    const std::uint64_t last = coding::max_integer(version_info(version).integers);
    EXPECT_TRUE(ids(version, {last}).is(SessionError::no_error));
    EXPECT_TRUE(ids(version, {last, 0}).is(CodingError::invalid_value));
    EXPECT_TRUE(ids(version, {0, last - 1}).is(SessionError::no_error));
    EXPECT_TRUE(ids(version, {0, last}).is(CodingError::invalid_value));
    EXPECT_TRUE(ids(version, {1, last - 1}).is(CodingError::invalid_value));
  }
}

TEST(SubgroupObjects, AcceptLongIntegers) {
  Collector sink;
  SubgroupReader reader(draft18, false, sink, kLimit);
  ASSERT_TRUE(reader.feed(bytes({0x80, 4, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 'a'})));
  EXPECT_EQ(sink.objects, (std::vector<Received>{{{.id = 4, .size = 1}, "a"}}));
}

TEST(SubgroupObjects, StopWhenTheirSinkRefuses) {
  Collector sink;
  sink.refuse = Error(CodingError::too_many);
  SubgroupReader reader(draft14, false, sink, kLimit);
  EXPECT_TRUE(reader.feed(bytes({0, 1, 'a'})).error().is(CodingError::too_many));
}

Object object(std::uint64_t id, std::uint64_t size, ObjectStatus status = ObjectStatus::normal,
              const Buffer& properties = {}) {
  Object out;
  out.id = id;
  out.size = size;
  out.status = status;
  out.properties_form = property_form(coding::IntegerForm::quic);
  out.properties = bytes(properties);
  return out;
}

Buffer encoded(const ObjectEncoding& encoding, const Object& of, const Object* previous) {
  std::array<std::uint8_t, EncodedHeaders::kMaxHeader> out{};
  EncodedHeaders::Place place{.previous = previous};
  const std::size_t size = encoding.encode(of, place, out);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(ObjectHeaders, MatchTheImages) {
  const Object first = object(0, 3, ObjectStatus::normal, {0x10, 7});
  const Object second = object(300, 0);
  const Object third = object(301, 0, ObjectStatus::end_of_group, {0x10, 8});
  const VersionInfo& v14 = version_info(draft14);
  const VersionInfo& v18 = version_info(draft18);
  EXPECT_EQ(encoded(v14.plain_objects, first, nullptr), (Buffer{0, 3}));
  EXPECT_EQ(encoded(v14.plain_objects, second, &first), (Buffer{0x41, 0x2b, 0, 0}));
  EXPECT_EQ(encoded(v18.plain_objects, second, &first), (Buffer{0x81, 0x2b, 0, 0}));
  EXPECT_EQ(encoded(v14.objects_with_properties, first, nullptr), (Buffer{0, 2, 3}));
  EXPECT_EQ(encoded(v18.objects_with_properties, second, &first), (Buffer{0x81, 0x2b, 0, 0, 0}));
  EXPECT_EQ(encoded(v14.objects_with_properties, third, &second), (Buffer{0, 2, 0, 3}));
  EXPECT_EQ(encoded(v18.objects_with_properties, third, &second), (Buffer{0, 0, 0, 3}))
      << "a status of 18 has no properties";
  EXPECT_EQ(properties_for(v14, third, 1000), bytes({0x10, 8}));
  EXPECT_EQ(properties_for(v18, first, 1000), bytes({0x10, 7}));
  EXPECT_EQ(object_header_split(v14, Buffer{0, 2, 3}), 2U);
  EXPECT_EQ(object_header_split(v18, Buffer{0x81, 0x2b, 0, 0, 0}), 3U);
}

TEST(ObjectHeaders, StayValidForAnyNumbers) {
  const Object far =
      object(std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max());
  const Object zero = object(0, 0);
  for (const VersionInfo& row : versions()) {
    for (const ObjectEncoding& one : {row.plain_objects, row.objects_with_properties}) {
      EXPECT_LE(encoded(one, far, nullptr).size(), EncodedHeaders::kMaxHeader);
      EXPECT_LE(encoded(one, far, &zero).size(), EncodedHeaders::kMaxHeader);
      EXPECT_FALSE(encoded(one, zero, &far).empty()) << "out of order";
    }
  }
}

TEST(ObjectHeaders, AreMadeWithoutAModelToo) {
  const VersionInfo& v14 = version_info(draft14);
  const VersionInfo& v18 = version_info(draft18);
  const auto absent = encode_object(v14, {.id = 4, .status = Status::does_not_exist}, 1, 0);
  ASSERT_TRUE(absent);
  EXPECT_EQ(absent->bytes, (Buffer{2, 0, 0, 1}));
  EXPECT_EQ(absent->split, 2U);
  EXPECT_EQ(encode_object(v18, {.id = 4, .size = 300}, std::nullopt, std::nullopt)->bytes,
            (Buffer{4, 0x81, 0x2c}));
  const auto refused = [](const VersionInfo& version, const StreamObject& one,
                          std::optional<std::uint64_t> previous, std::uint64_t properties = 0) {
    return encode_object(version, one, previous, properties).error();
  };
  EXPECT_TRUE(refused(v18, {.id = 4}, 4).is(CodingError::invalid_value)) << "the same id";
  EXPECT_TRUE(refused(v18, {.status = Status::does_not_exist}, {}).is(CodingError::invalid_value));
  EXPECT_TRUE(
      refused(v18, {.size = 1, .status = Status::end_of_group}, {}).is(CodingError::invalid_value));
  EXPECT_TRUE(refused(v18, {.status = Status::end_of_group}, {}, 1).is(CodingError::invalid_value));
  EXPECT_TRUE(refused(v14, {.id = coding::kMaxVarint + 1}, {}).is(CodingError::too_large));
}

TEST(ObjectHeaders, HaveThePropertiesOfTheOtherForm) {
  const VersionInfo& v14 = version_info(draft14);
  const VersionInfo& v18 = version_info(draft18);
  // Types 0x10 and 0x13, as differences in draft-18.
  Object of = object(0, 1, ObjectStatus::normal, {0x10, 7, 0x13, 1, 'x'});
  EXPECT_EQ(properties_for(v18, of, 1000), bytes({0x10, 7, 3, 1, 'x'}));
  EXPECT_EQ(encoded(v18.objects_with_properties, of, nullptr), (Buffer{0, 5, 1}));
  of.properties_form = v18.properties.form;
  of.properties = bytes({0x10, 7, 3, 1, 'x'});
  EXPECT_EQ(properties_for(v14, of, kDefaultTimescale), bytes({0x10, 7, 0x13, 1, 'x'}));
  EXPECT_EQ(properties_for(v18, of, 1000), of.properties) << "as they came";
}

TEST(ObjectHeaders, HaveTheTimeOfWhatCameWithoutProperties) {
  Object of = object(0, 1);
  of.properties_form = 0;
  of.timestamp = 20;
  EXPECT_EQ(properties_for(version_info(draft18), of, 1000), bytes({0x10, 20}));
  EXPECT_EQ(properties_for(version_info(draft14), of, 1000), bytes({0x10, 0x80, 0, 0x4e, 0x20}))
      << "in microseconds: there is no other timescale";
}

TEST(ObjectHeaders, AreUndoneByTheReader) {
  std::mt19937_64 random(20260822);
  for (const VersionInfo& row : versions()) {
    for (const bool properties : {false, true}) {
      const ObjectEncoding& encoding = properties ? row.objects_with_properties : row.plain_objects;
      std::vector<Object> objects;
      std::vector<Received> expected;
      Buffer image;
      std::uint64_t id = 0;
      for (int i = 0; i < 300; ++i) {
        Object next = object(id, random() % 20);
        next.properties_form = row.properties.form;
        if (properties && i % 3 == 0) next.properties = bytes(Buffer(random() % 9));
        const Buffer header = encoded(encoding, next, objects.empty() ? nullptr : &objects.back());
        const std::size_t split = properties ? object_header_split(row, header) : 0;
        const std::string payload(next.size, static_cast<char>('a' + i % 26));
        image.insert(image.end(), header.begin(),
                     header.begin() + static_cast<std::ptrdiff_t>(split));
        const ByteSpan sent = next.properties.span();
        if (properties) image.insert(image.end(), sent.begin(), sent.end());
        image.insert(image.end(), header.begin() + static_cast<std::ptrdiff_t>(split),
                     header.end());
        image.insert(image.end(), payload.begin(), payload.end());
        expected.push_back({{.id = id, .properties = next.properties, .size = next.size}, payload});
        objects.push_back(std::move(next));
        id += 1 + (random() >> (10 + random() % 50)) % (1ULL << 50);
      }
      Collector sink;
      SubgroupReader reader(row.version, properties, sink, kLimit);
      for (std::size_t at = 0; at < image.size();) {
        const std::size_t size = std::min<std::size_t>(1 + random() % 100, image.size() - at);
        ASSERT_TRUE(reader.feed(Bytes::copy_of(ByteSpan(image).subspan(at, size))));
        at += size;
      }
      ASSERT_TRUE(reader.finish());
      EXPECT_EQ(sink.objects, expected);
    }
  }
}

TEST(Statuses, AreThoseOfTheModel) {
  EXPECT_EQ(to_model(Status::normal), ObjectStatus::normal);
  EXPECT_EQ(to_model(Status::end_of_group), ObjectStatus::end_of_group);
  EXPECT_EQ(to_model(Status::end_of_track), ObjectStatus::end_of_track);
  EXPECT_EQ(to_model(Status::does_not_exist), std::nullopt);
}

}  // namespace
}  // namespace moq::ietf
