#include "net/coding/fields.h"

#include <vector>

#include <gtest/gtest.h>

namespace moq::coding {
namespace {

enum class Version : std::uint8_t { v1, v2, v3 };
enum class Colour : std::uint8_t { red, green };
std::string_view to_string(Colour colour) { return colour == Colour::red ? "red" : "green"; }

struct Sample {
  std::uint64_t id = 0;
  std::string name = {};
  bool flag = false;
  Duration delay{};
  std::optional<std::uint64_t> end = {};
  std::vector<std::uint64_t> list = {};
  Colour colour = Colour::red;

  static constexpr std::string_view kName = "SAMPLE";
  static constexpr VersionRange versions() { return since(Version::v2); }
  static constexpr auto fields() {
    return std::tuple(field("id", &Sample::id, Varint{.min = 1, .max = 1000}),
                      field("name", &Sample::name, Text{.max = 4}),
                      field("flag", &Sample::flag, Flag{}, since(Version::v3)),
                      field("delay", &Sample::delay, Milliseconds{}, since(Version::v3)),
                      field("end", &Sample::end, OptionalVarint{}, only(Version::v2)),
                      field("list", &Sample::list, List<Varint>{.max = 3}),
                      field("colour", &Sample::colour, Enum<Colour>{.last = Colour::green}));
  }
  friend bool operator==(const Sample&, const Sample&) = default;
};

struct Bag {
  Colour colour = Colour::red;
  std::optional<std::string> text = {};

  static constexpr std::string_view kName = "BAG";
  static constexpr std::size_t kMaxParameters = 3;
  static constexpr auto fields() { return std::tuple<>(); }
  static constexpr auto parameters() {
    return std::tuple(parameter("colour", 1, &Bag::colour,
                                Enum<Colour>{.last = Colour::green, .beyond = Colour::green}),
                      parameter("text", 2, &Bag::text, RestText{.max = 4}));
  }
  friend bool operator==(const Bag&, const Bag&) = default;
};

constexpr auto kV2 = static_cast<VersionOrdinal>(Version::v2);
constexpr auto kV3 = static_cast<VersionOrdinal>(Version::v3);
using Image = std::vector<std::uint8_t>;

template <typename M>
Image encoded(VersionOrdinal version, const M& message) {
  Image out;
  Writer writer(out);
  write_body(writer, version, message);
  EXPECT_EQ(body_size(version, message), out.size());
  return out;
}

Sample sample() {
  return {.id = 7,
          .name = "ab",
          .flag = true,
          .delay = std::chrono::milliseconds(100),
          .end = 4,
          .list = {1, 2},
          .colour = Colour::green};
}

TEST(Fields, EncodesTheFieldsOfAVersionInOrder) {
  EXPECT_EQ(encoded(kV2, sample()), (Image{7, 2, 'a', 'b', 5, 2, 1, 2, 1}));
  EXPECT_EQ(encoded(kV3, sample()), (Image{7, 2, 'a', 'b', 1, 0x40, 100, 2, 1, 2, 1}));
}

TEST(Fields, LeavesMembersOfOtherVersionsAlone) {
  Sample expected = sample();
  expected.flag = false;
  expected.delay = {};
  EXPECT_EQ(decode_body<Sample>(kV2, encoded(kV2, sample())).value(), expected);
}

TEST(Fields, NamesTheFieldThatFailed) {
  const auto result = decode_body<Sample>(kV2, Image{7, 5, 'a', 'b', 'c', 'd', 'e', 0, 0, 0});
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(CodingError::too_large));
  EXPECT_EQ(result.error().detail(), "SAMPLE.name");
}

TEST(Fields, EnforcesEveryLimit) {
  const auto code = [](const Image& image) {
    const auto result = decode_body<Sample>(kV2, image);
    return result ? Error(CodingError::unsupported, "it was accepted") : result.error();
  };
  EXPECT_TRUE(code({0, 0, 0, 0, 0}).is(CodingError::invalid_value));
  EXPECT_TRUE(code({0x43, 0xe9, 0, 0, 0, 0}).is(CodingError::too_large));
  EXPECT_TRUE(code({1, 1, 0xff, 0, 0, 0}).is(CodingError::invalid_text));
  EXPECT_TRUE(code({1, 0, 0, 4, 1, 1, 1, 1, 0}).is(CodingError::too_many));
  EXPECT_TRUE(code({1, 0, 0, 0, 2}).is(CodingError::invalid_value));
  EXPECT_TRUE(code({1, 0, 0, 0, 0, 0}).is(CodingError::trailing_bytes));
  EXPECT_TRUE(code({1, 0, 0, 3, 1}).is(CodingError::short_buffer));
}

TEST(Fields, RefusesAMessageThatTheVersionDoesNotHave) {
  const auto result = decode_body<Sample>(static_cast<VersionOrdinal>(Version::v1), Image{});
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(CodingError::unsupported));
}

TEST(Fields, PrintsForLogs) {
  EXPECT_EQ(print(kV3, sample()),
            R"(SAMPLE{id=7 name="ab" flag=true delay=100ms list=[1 2] colour=green})");
  EXPECT_EQ(print(kV2, Sample{.name = "\"\n"}),
            R"(SAMPLE{id=0 name="\"\x0a" end=none list=[] colour=red})");
}

TEST(Milliseconds, RoundsUpAndSaturates) {
  EXPECT_EQ(Milliseconds::count(Duration(0)), 0U);
  EXPECT_EQ(Milliseconds::count(Duration(1)), 1U);
  EXPECT_EQ(Milliseconds::count(Duration(-1)), 0U);
  EXPECT_EQ(Milliseconds::count(Duration(1'000'001)), 2U);
  Image image(8);
  write_varint(kMaxVarint, image.data());
  Reader in(image);
  Duration longest{};
  ASSERT_TRUE(Milliseconds{}.read(in, longest));
  EXPECT_EQ(longest, Milliseconds::kMax);
  EXPECT_EQ(Milliseconds::count(longest), Milliseconds::count(Duration::max()));
}

TEST(OptionalVarint, HasRoomForItsOffset) {
  EXPECT_EQ(OptionalVarint::wire(std::nullopt), 0U);
  EXPECT_EQ(OptionalVarint::wire(0), 1U);
  EXPECT_EQ(OptionalVarint::wire(kMaxVarint - 1), kMaxVarint);
  EXPECT_EQ(OptionalVarint::wire(std::numeric_limits<std::uint64_t>::max()), kMaxVarint);
}

TEST(VarintOrUnknown, SendsAMeasuredZeroAsOne) {
  EXPECT_EQ(VarintOrUnknown::wire(std::nullopt), 0U);
  EXPECT_EQ(VarintOrUnknown::wire(0), 1U);
  EXPECT_EQ(VarintOrUnknown::wire(9), 9U);
}

TEST(Parameters, DefaultsAreNotSent) {
  EXPECT_EQ(encoded(0, Bag{}), (Image{0}));
  EXPECT_EQ(encoded(0, Bag{.colour = Colour::green, .text = ""}), (Image{2, 1, 1, 1, 2, 0}));
  EXPECT_EQ(decode_body<Bag>(0, Image{2, 1, 1, 1, 2, 0}).value(),
            (Bag{.colour = Colour::green, .text = ""}));
}

TEST(Parameters, UnknownOnesAreSkippedAndDuplicatesRefused) {
  EXPECT_EQ(decode_body<Bag>(0, Image{2, 9, 2, 0xff, 0xff, 2, 1, 'x'}).value(), Bag{.text = "x"});
  EXPECT_TRUE(
      decode_body<Bag>(0, Image{2, 9, 0, 9, 0}).error().is(CodingError::duplicate_parameter));
  EXPECT_TRUE(
      decode_body<Bag>(0, Image{2, 2, 0, 2, 0}).error().is(CodingError::duplicate_parameter));
  EXPECT_TRUE(
      decode_body<Bag>(0, Image{4, 5, 0, 6, 0, 7, 0, 8, 0}).error().is(CodingError::too_many));
}

TEST(Parameters, ValuesFillTheirLengthExactly) {
  EXPECT_TRUE(decode_body<Bag>(0, Image{1, 1, 2, 0, 0}).error().is(CodingError::trailing_bytes));
  EXPECT_TRUE(decode_body<Bag>(0, Image{1, 1, 0}).error().is(CodingError::invalid_value));
  EXPECT_TRUE(decode_body<Bag>(0, Image{1, 1, 2, 0}).error().is(CodingError::short_buffer));
  EXPECT_TRUE(decode_body<Bag>(0, Image{1, 2, 5, 'a', 'b', 'c', 'd', 'e'})
                  .error()
                  .is(CodingError::too_large));
  EXPECT_EQ(decode_body<Bag>(0, Image{1, 1, 1, 60}).value().colour, Colour::green);
}

}  // namespace
}  // namespace moq::coding
