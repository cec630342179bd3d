#include "net/lite/version.h"

#include <cstdint>
#include <set>
#include <string_view>

#include <gtest/gtest.h>

namespace moq::lite {
namespace {

TEST(Versions, AreFoundByWhatNamesThem) {
  for (const VersionInfo& row : versions()) {
    EXPECT_EQ(&version_info(row.version), &row);
    EXPECT_EQ(find_by_name(row.name), &row);
  }
  EXPECT_EQ(versions().size(), 5U);
  EXPECT_EQ(find_by_name("moq-lite-5"), nullptr);
}

// By its token alone, or by its number where SETUP says which one it is.
TEST(Versions, AreToldApart) {
  std::set<std::uint64_t> codes;
  std::set<std::string_view> tokens;
  for (const VersionInfo& row : versions()) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(codes.insert(row.code).second);
    if (row.has_session_stream) {
      EXPECT_EQ(row.alpn, "moql");
    } else {
      EXPECT_EQ(row.alpn, row.name);
      EXPECT_TRUE(tokens.insert(row.alpn).second);
    }
  }
  EXPECT_FALSE(tokens.contains("moql"));
}

TEST(Versions, AnswerSubscribeInTheirOwnWay) {
  const SubscribeResponses& four = version_info(Version::lite04).responses;
  EXPECT_TRUE(four.ok_has_properties);
  EXPECT_EQ(four.ok, 0U);
  EXPECT_FALSE(four.end);
  EXPECT_EQ(four.drop, 1U);
  const SubscribeResponses& five = version_info(Version::lite05).responses;
  EXPECT_FALSE(five.ok_has_properties);
  EXPECT_EQ(five.ok, 0U);
  EXPECT_EQ(five.end, 1U);
  EXPECT_EQ(five.drop, 2U);
  const SubscribeResponses& two = version_info(Version::lite02).responses;
  EXPECT_FALSE(two.typed);
  EXPECT_TRUE(two.ok) << "is sent, without its type";
  EXPECT_FALSE(two.end);
  EXPECT_FALSE(two.drop);
}

// What one column implies of another, in every row.
TEST(Versions, AreConsistent) {
  for (const VersionInfo& row : versions()) {
    SCOPED_TRACE(row.name);
    EXPECT_FALSE(row.has_announce_init && row.has_announce_ok);
    EXPECT_EQ(row.responses.ok_has_properties, !row.has_track_stream);
    EXPECT_TRUE(row.responses.ok);
    EXPECT_LE(row.responses.end || row.responses.drop, row.responses.typed) << "told apart";
    EXPECT_LE(row.has_probe_rtt, row.has_probe);
    EXPECT_LE(row.has_datagrams, row.has_timestamps) << "datagrams carry one";
    EXPECT_LE(row.self_in_hops, row.hops != HopForm::none);
    EXPECT_EQ(row.wire_form == version_info(Version::lite05).wire_form, row.has_timestamps);
  }
}

}  // namespace
}  // namespace moq::lite
