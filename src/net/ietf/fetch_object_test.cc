#include "net/ietf/fetch_object.h"

#include <algorithm>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/coding/error.h"
#include "net/coding/writer.h"
#include "net/ietf/limits.h"

namespace moq::ietf {
namespace {

using coding::CodingError;
using enum Version;
using Buffer = std::vector<std::uint8_t>;

constexpr std::uint64_t kLimit = 1000;

Bytes bytes(const Buffer& buffer) { return Bytes::copy_of(buffer); }

struct Received {
  FetchObject object = {};
  std::string payload = {};
  std::optional<EndOfRange> range = {};
  friend bool operator==(const Received&, const Received&) = default;
};

struct Collector final : FetchSink {
  std::vector<Received> items;

  Result<void> on_object(const FetchObject& object) override {
    items.push_back({.object = object});
    return {};
  }
  Result<void> on_payload(Bytes chunk) override {
    EXPECT_FALSE(chunk.empty());
    items.back().payload += chunk.text();
    return {};
  }
  Result<void> on_end_of_range(const EndOfRange& range) override {
    items.push_back({.range = range});
    return {};
  }
};

struct Form {
  std::string name;
  Version version;
  GroupOrder order;
  Buffer image;
  std::vector<Received> items;
  // After how many bytes a stream may end.
  std::set<std::size_t> ends;
};

const std::vector<Form>& forms() {
  static const std::vector<Form> kForms{
      {"every field",
       draft14,
       GroupOrder::ascending,
       {7, 2, 3, 200, 2, 0x10, 5, 2, 'h', 'i',  // group, subgroup, object, priority, ...
        7, 4, 4, 9,   0, 0,    0,               // no properties, no payload, normal
        9, 0, 0, 9,   0, 0,    3},              // the end of a group
       {{.object = {.location = {7, 3},
                    .subgroup = 2,
                    .priority = 200,
                    .properties = bytes({0x10, 5}),
                    .size = 2},
         .payload = "hi"},
        {.object = {.location = {7, 4}, .subgroup = 4, .priority = 9}},
        {.object =
             {.location = {9, 0}, .subgroup = 0, .priority = 9, .status = Status::end_of_group}}},
       {0, 10, 17, 24}},
      {"flags",
       draft18,
       GroupOrder::ascending,
       {0x3f, 7, 2,   3, 200, 2, 0x10, 5, 2, 'h', 'i',  // everything is there
        0x01, 1, 'x',                                   // the next, of the same subgroup
        0x06, 3, 0,                                     // three further, subgroup + 1; no payload
        0x58, 1, 9,   1, 'd',  // a datagram two groups on: the id is the last plus 1
        0x0d, 0, 4,   0,       // the next group, absolute id, the subgroup from before
        0x04, 2, 0},           // two further, subgroup 0
       {{.object = {.location = {7, 3},
                    .subgroup = 2,
                    .priority = 200,
                    .properties = bytes({0x10, 5}),
                    .size = 2},
         .payload = "hi"},
        {.object = {.location = {7, 4}, .subgroup = 2, .priority = 200, .size = 1}, .payload = "x"},
        {.object = {.location = {7, 7}, .subgroup = 3, .priority = 200}},
        {.object = {.location = {9, 8}, .priority = 9, .size = 1}, .payload = "d"},
        {.object = {.location = {10, 4}, .subgroup = 3, .priority = 9}},
        {.object = {.location = {10, 6}, .subgroup = 0, .priority = 9}}},
       {0, 11, 14, 17, 22, 26, 29}},
      {"groups descend",
       draft18,
       GroupOrder::descending,
       {0x1c, 9, 3, 1, 0,  // absolute
        0x0c, 0, 0, 0,     // the one before
        0x0c, 6, 2, 0},    // seven before that
       {{.object = {.location = {9, 3}, .subgroup = 0, .priority = 1}},
        {.object = {.location = {8, 0}, .subgroup = 0, .priority = 1}},
        {.object = {.location = {1, 2}, .subgroup = 0, .priority = 1}}},
       {0, 5, 9, 13}},
      {"ends of ranges",
       draft18,
       GroupOrder::ascending,
       {0x80, 0x8c, 2, 5,   // nothing up to 2.5
        0x1c, 0, 1, 9, 0,   // group 2 + 0 + 1, object 1
        0x81, 0x0c, 3, 7,   // unknown up to 3.7, in the group of the object before
        0x01, 0,            // the next: 3.8, subgroup and priority of the object
        0x80, 0x8c, 4, 0},  // nothing up to 4.0
       {{.range = EndOfRange{.last = {2, 5}}},
        {.object = {.location = {3, 1}, .subgroup = 0, .priority = 9}},
        {.range = EndOfRange{.last = {3, 7}, .unknown = true}},
        {.object = {.location = {3, 8}, .subgroup = 0, .priority = 9}},
        {.range = EndOfRange{.last = {4, 0}}}},
       {0, 4, 9, 13, 15, 19}},
  };
  return kForms;
}

TEST(FetchedObjects, AreReadHoweverTheyAreCut) {
  for (const Form& form : forms()) {
    SCOPED_TRACE(form.name);
    for (std::size_t step = 1; step <= form.image.size(); ++step) {
      Collector sink;
      FetchReader reader(form.version, form.order, sink, kLimit);
      for (std::size_t at = 0; at < form.image.size(); at += step) {
        const std::size_t size = std::min(step, form.image.size() - at);
        const auto fed = reader.feed(Bytes::copy_of(ByteSpan(form.image).subspan(at, size)));
        ASSERT_TRUE(fed) << fed.error().message();
      }
      EXPECT_TRUE(reader.finish());
      EXPECT_EQ(sink.items, form.items) << "in steps of " << step;
    }
  }
}

TEST(FetchedObjects, EndOnlyWhenWhole) {
  for (const Form& form : forms()) {
    SCOPED_TRACE(form.name);
    for (std::size_t size = 0; size <= form.image.size(); ++size) {
      Collector sink;
      FetchReader reader(form.version, form.order, sink, kLimit);
      ASSERT_TRUE(reader.feed(Bytes::copy_of(ByteSpan(form.image).first(size))));
      const auto finished = reader.finish();
      EXPECT_EQ(finished.has_value(), form.ends.contains(size)) << "after " << size << " bytes";
      EXPECT_TRUE(finished || finished.error().is(CodingError::short_buffer));
    }
  }
}

Buffer written(Version version, GroupOrder order, const std::vector<Received>& items) {
  Buffer out;
  FetchWriter writer(version, order);
  for (const Received& item : items) {
    const auto done =
        item.range ? writer.end_of_range(out, *item.range) : writer.object(out, item.object);
    EXPECT_TRUE(done) << done.error().message();
    out.insert(out.end(), item.payload.begin(), item.payload.end());
  }
  return out;
}

TEST(FetchedObjects, AreWrittenAsTheyAreRead) {
  for (const Form& form : forms()) {
    SCOPED_TRACE(form.name);
    const Buffer image = written(form.version, form.order, form.items);
    EXPECT_LE(image.size(), form.image.size());
    Collector sink;
    FetchReader reader(form.version, form.order, sink, kLimit);
    const auto fed = reader.feed(bytes(image));
    ASSERT_TRUE(fed) << fed.error().message();
    EXPECT_EQ(sink.items, form.items);
  }
  const Form& every_field = forms()[0];
  EXPECT_EQ(written(every_field.version, every_field.order, every_field.items), every_field.image);
}

TEST(FetchedObjects, SayNoMoreThanTheyMust) {
  const std::vector<Received> items{
      {.object = {.location = {7, 3}, .subgroup = 2, .priority = 9, .size = 1}, .payload = "a"},
      {.object = {.location = {7, 4}, .subgroup = 2, .priority = 9, .size = 1}, .payload = "b"},
      {.object = {.location = {8, 0}, .subgroup = 0, .priority = 9, .size = 1}, .payload = "c"},
      {.object = {.location = {8, 2}, .priority = 1, .size = 1}, .payload = "d"}};
  EXPECT_EQ(written(draft18, GroupOrder::ascending, items),
            (Buffer{0x1f, 7, 2,   3, 9,   1, 'a',  // group, subgroup, object, priority
                    0x01, 1, 'b',                  // the next, of the same subgroup
                    0x0c, 0, 0,   1, 'c',          // the next group
                    0x54, 2, 1,   1, 'd'}));       // a datagram, two further
}

Error error_of(Version version, const Buffer& image, GroupOrder order = GroupOrder::ascending) {
  Collector sink;
  const auto fed = FetchReader(version, order, sink, kLimit).feed(bytes(image));
  return fed ? Error(SessionError::no_error, "it was accepted") : fed.error();
}

TEST(FetchedObjects, HaveTheFlagsOfTheDraft) {
  const Buffer first{0x1c, 7, 3, 9, 0};
  for (std::uint64_t flags = 0x80; flags < 0x400; ++flags) {
    if (flags == 0x8c || flags == 0x10c) continue;
    Buffer image = first;
    coding::Writer(image, coding::IntegerForm::vi64).varint(flags);
    EXPECT_TRUE(error_of(draft18, image).is(CodingError::invalid_value)) << flags;
  }
  // Bit 0x40: the two for the subgroup are ignored, whatever they are.
  for (const std::uint8_t mode : Buffer{0, 1, 2, 3}) {
    const auto flags = static_cast<std::uint8_t>(0x5c | mode);
    EXPECT_TRUE(error_of(draft18, {flags, 7, 3, 9, 0}).is(SessionError::no_error));
  }
}

TEST(FetchedObjects, BeginWithOneThatRefersToNone) {
  const auto refused = [](const Buffer& image) {
    return error_of(draft18, image).is(CodingError::invalid_value);
  };
  EXPECT_FALSE(refused({0x1c, 7, 3, 9, 0}));
  EXPECT_TRUE(refused({0x18})) << "no object";
  EXPECT_TRUE(refused({0x14})) << "no group";
  EXPECT_TRUE(refused({0x00}));
  EXPECT_TRUE(refused({0x0c, 7, 3})) << "the priority of none";
  EXPECT_TRUE(refused({0x1d, 7, 3})) << "the subgroup of none";
  EXPECT_TRUE(refused({0x1e, 7, 3})) << "and the next";
  // Behind the end of a range there is a location, but no object.
  const Buffer range{0x80, 0x8c, 2, 5};
  const auto behind = [&](const Buffer& object) {
    Buffer image = range;
    image.insert(image.end(), object.begin(), object.end());
    return error_of(draft18, image);
  };
  EXPECT_TRUE(behind({0x10, 9, 0}).is(SessionError::no_error));
  EXPECT_TRUE(behind({0x00}).is(CodingError::invalid_value)) << "the priority of none";
  EXPECT_TRUE(behind({0x11}).is(CodingError::invalid_value)) << "the subgroup of none";
  // A datagram has no subgroup to refer to.
  EXPECT_TRUE(error_of(draft18, {0x5c, 7, 3, 9, 0, 0x01}).is(CodingError::invalid_value));
}

TEST(FetchedObjects, HaveLocationsWithinTheNumbers) {
  const auto far = [](std::initializer_list<std::uint64_t> numbers, GroupOrder order) {
    Buffer image;
    coding::Writer out(image, coding::IntegerForm::vi64);
    for (const std::uint64_t number : numbers) out.varint(number);
    return error_of(draft18, image, order);
  };
  constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();
  const auto up = GroupOrder::ascending;
  const auto down = GroupOrder::descending;
  // Flags, group, object, priority, size; flags, group, object, size.
  EXPECT_TRUE(far({0x1c, 1, 0, 9, 0, 0x0c, kLast - 2, 0, 0}, up).is(SessionError::no_error));
  EXPECT_TRUE(far({0x1c, 1, 0, 9, 0, 0x0c, kLast - 1, 0, 0}, up).is(CodingError::invalid_value));
  EXPECT_TRUE(far({0x1c, 1, 0, 9, 0, 0x0c, kLast, 0, 0}, up).is(CodingError::invalid_value));
  EXPECT_TRUE(far({0x1c, 1, 0, 9, 0, 0x0c, 0, 0, 0}, down).is(SessionError::no_error));
  EXPECT_TRUE(far({0x1c, 1, 0, 9, 0, 0x0c, 1, 0, 0}, down).is(CodingError::invalid_value));
  EXPECT_TRUE(far({0x1c, 0, 1, 9, 0, 0x04, kLast - 1, 0}, up).is(SessionError::no_error));
  EXPECT_TRUE(far({0x1c, 0, 1, 9, 0, 0x04, kLast, 0}, up).is(CodingError::invalid_value));
  EXPECT_TRUE(far({0x1c, 0, kLast, 9, 0, 0x00}, up).is(CodingError::invalid_value)) << "the next";
  EXPECT_TRUE(far({0x1f, 0, kLast, 1, 9, 0, 0x02}, up).is(CodingError::invalid_value))
      << "the next subgroup";
}

TEST(FetchedObjects, AreInOrderOrTheTrackIsMalformed) {
  const auto image14 = [](std::initializer_list<Location> locations) {
    Buffer image;
    for (const Location& at : locations) {
      for (const std::uint64_t number : {at.group, std::uint64_t{0}, at.object, std::uint64_t{9},
                                         std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{0}}) {
        image.push_back(static_cast<std::uint8_t>(number));
      }
    }
    return image;
  };
  const auto ok = [&](std::initializer_list<Location> locations, GroupOrder order) {
    const Error error = error_of(draft14, image14(locations), order);
    EXPECT_TRUE(error.is(SessionError::no_error) || error.is(StreamError::malformed_track));
    return error.is(SessionError::no_error);
  };
  for (const auto order : {GroupOrder::publisher, GroupOrder::ascending, GroupOrder::descending}) {
    EXPECT_TRUE(ok({{5, 1}, {5, 3}}, order));
    EXPECT_FALSE(ok({{5, 1}, {5, 1}}, order)) << "twice";
    EXPECT_FALSE(ok({{5, 3}, {5, 1}}, order));
  }
  EXPECT_TRUE(ok({{5, 3}, {6, 0}}, GroupOrder::ascending));
  EXPECT_FALSE(ok({{5, 3}, {4, 9}}, GroupOrder::ascending));
  EXPECT_TRUE(ok({{5, 3}, {4, 0}}, GroupOrder::descending));
  EXPECT_FALSE(ok({{5, 3}, {6, 9}}, GroupOrder::descending));
  EXPECT_TRUE(ok({{5, 3}, {4, 0}, {6, 0}}, GroupOrder::publisher)) << "it is not known yet";
  // In 18: a difference of nothing, and the end of a range that is behind.
  EXPECT_TRUE(error_of(draft18, {0x1c, 7, 3, 9, 0, 0x04, 0, 0}).is(StreamError::malformed_track));
  EXPECT_TRUE(
      error_of(draft18, {0x1c, 7, 3, 9, 0, 0x80, 0x8c, 7, 3}).is(StreamError::malformed_track));
}

TEST(FetchedObjects, AreRefused) {
  EXPECT_TRUE(error_of(draft14, {7, 0, 3, 9, 0, 0, 7}).is(CodingError::invalid_value))
      << "status 7";
  EXPECT_TRUE(error_of(draft14, {7, 0, 3, 9, 2, 2, 1, 0, 1}).is(CodingError::invalid_value))
      << "properties of what does not exist";
  for (const Version version : {draft14, draft18}) {
    const Buffer head = version == draft14 ? Buffer{7, 0, 3, 9} : Buffer{0x3c, 7, 3, 9};
    Buffer large = head;
    coding::Writer out(large, version_info(version).integers);
    out.varint(0);
    out.varint(kLimit + 1);
    EXPECT_TRUE(error_of(version, large).is(CodingError::too_large));
    Buffer properties = head;
    coding::Writer more(properties, version_info(version).integers);
    more.varint(kMaxObjectProperties + 1);
    EXPECT_TRUE(error_of(version, properties).is(CodingError::too_large));
  }
}

TEST(FetchWriting, RefusesWhatCannotBeRead) {
  Buffer out;
  FetchWriter v18(draft18, GroupOrder::ascending);
  ASSERT_TRUE(v18.object(out, {.location = {7, 3}, .subgroup = 0}));
  const Buffer before = out;
  EXPECT_TRUE(
      v18.object(out, {.location = {7, 3}, .subgroup = 0}).error().is(CodingError::invalid_value));
  EXPECT_TRUE(
      v18.object(out, {.location = {6, 0}, .subgroup = 0}).error().is(CodingError::invalid_value));
  EXPECT_TRUE(v18.object(out, {.location = {8, 0}, .status = Status::end_of_group})
                  .error()
                  .is(CodingError::invalid_value))
      << "no statuses in fetches";
  EXPECT_TRUE(v18.end_of_range(out, {.last = {7, 2}}).error().is(CodingError::invalid_value));
  FetchWriter v14(draft14, GroupOrder::ascending);
  EXPECT_TRUE(v14.end_of_range(out, {}).error().is(CodingError::unsupported));
  EXPECT_TRUE(v14.object(out, {.location = {coding::kMaxVarint + 1, 0}})
                  .error()
                  .is(CodingError::too_large));
  EXPECT_EQ(out, before) << "nothing was appended";
}

TEST(FetchWriting, IsUndoneByTheReader) {
  std::mt19937_64 random(20260822);
  for (const VersionInfo& row : versions()) {
    for (const auto order : {GroupOrder::ascending, GroupOrder::descending}) {
      std::vector<Received> items;
      Location at{.group = 1U << 20};
      for (int i = 0; i < 400; ++i) {
        if (random() % 3 == 0) {
          const std::uint64_t step = 1 + random() % 300;
          at.group += order == GroupOrder::ascending ? step : -step;
          at.object = random() % 200;
        } else {
          at.object += 1 + random() % 3 * (random() % 200);
        }
        if (row.fetch.ranges && random() % 8 == 0) {
          items.push_back({.range = EndOfRange{.last = at, .unknown = random() % 2 == 0}});
          continue;
        }
        Received item{.object = {.location = at,
                                 .subgroup = random() % 4,
                                 .priority = static_cast<std::uint8_t>(random() % 2)},
                      .payload = std::string(random() % 5, 'p')};
        if (row.fetch.flags && random() % 5 == 0) item.object.subgroup.reset();
        if (random() % 4 == 0) item.object.properties = bytes({0x10, 5});
        item.object.size = item.payload.size();
        items.push_back(std::move(item));
      }
      const Buffer image = written(row.version, order, items);
      Collector sink;
      FetchReader reader(row.version, order, sink, kLimit);
      for (std::size_t from = 0; from < image.size();) {
        const std::size_t size = std::min<std::size_t>(1 + random() % 50, image.size() - from);
        const auto fed = reader.feed(Bytes::copy_of(ByteSpan(image).subspan(from, size)));
        ASSERT_TRUE(fed) << fed.error().message();
        from += size;
      }
      ASSERT_TRUE(reader.finish());
      EXPECT_EQ(sink.items, items);
    }
  }
}

}  // namespace
}  // namespace moq::ietf
