// One matrix of tests over the wire images of all messages in all drafts.

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "net/ietf/message_reader.h"
#include "net/ietf/testing/golden.h"

namespace moq::ietf::testing {
namespace {

const std::vector<Golden>& goldens() {
  static const std::vector<Golden> kAll = [] {
    std::vector<Golden> all = goldens14();
    for (auto& one : goldens18()) all.push_back(std::move(one));
    return all;
  }();
  return kAll;
}

// Runs `test(golden)` for each, naming it where it fails.
template <typename Test>
void for_each_golden(Test test) {
  for (const Golden& one : goldens()) {
    SCOPED_TRACE(std::string(version_info(one.version).name) + " " + one.name + " " +
                 ::testing::PrintToString(flatten(one.image)));
    test(one);
  }
}

coding::IntegerForm form_of(const Golden& one) { return version_info(one.version).integers; }

void expect_decodes(const Golden& one, ByteSpan body) {
  const auto result = one.decodes(body);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_TRUE(*result) << "decoded to another message";
}

TEST(Golden, Encodes) {
  for_each_golden([](const Golden& one) {
    const auto encoded = one.encoded();
    ASSERT_TRUE(encoded) << encoded.error().message();
    EXPECT_EQ(*encoded, framed(one.type, one.image));
  });
}

TEST(Golden, DecodesWhole) {
  for_each_golden([](const Golden& one) { expect_decodes(one, flatten(one.image)); });
}

TEST(Golden, DecodesOneByteAtATime) {
  for_each_golden([](const Golden& one) {
    const Buffer bytes = framed(one.type, one.image);
    MessageReader reader(form_of(one));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const auto early = reader.next();
      ASSERT_TRUE(early);
      EXPECT_FALSE(*early) << "after " << i << " bytes";
      reader.feed(Bytes::copy_of(ByteSpan(bytes).subspan(i, 1)));
    }
    const auto message = reader.next();
    ASSERT_TRUE(message);
    ASSERT_TRUE(*message);
    EXPECT_TRUE(knows_type(one.version, (*message)->type));
    expect_decodes(one, (*message)->body);
    EXPECT_TRUE(reader.empty());
  });
}

// What goes on to the end of the message may be cut where one of its parts ends, but is
// another message then.
TEST(Golden, EveryTruncatedBodyIsShort) {
  for_each_golden([](const Golden& one) {
    const Buffer body = flatten(one.image);
    for (std::size_t size = 0; size < body.size(); ++size) {
      const auto result = one.decodes(ByteSpan(body).first(size));
      if (result) {
        EXPECT_TRUE(one.open_ended && !*result) << size << " bytes";
      } else {
        EXPECT_TRUE(result.error().is(CodingError::short_buffer)) << result.error().message();
      }
    }
  });
}

TEST(Golden, EveryTruncatedStreamIsShort) {
  for_each_golden([](const Golden& one) {
    const Buffer bytes = framed(one.type, one.image);
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      MessageReader reader(form_of(one));
      reader.feed(Bytes::copy_of(ByteSpan(bytes).first(size)), true);
      const auto result = reader.next();
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
    // Where something goes on to the end, it is the beginning of more of that.
    const bool more = one.open_ended && (result.error().is(CodingError::short_buffer) ||
                                         result.error().is(CodingError::duplicate_parameter));
    EXPECT_TRUE(more || result.error().is(CodingError::trailing_bytes)) << result.error().message();
  });
}

TEST(Golden, LongIntegersAreAccepted) {
  for_each_golden([](const Golden& one) {
    for (const Buffer& body : lengthened(form_of(one), one.image)) {
      SCOPED_TRACE(::testing::PrintToString(body));
      expect_decodes(one, body);
    }
  });
}

TEST(Golden, PrintsForLogs) {
  for_each_golden([](const Golden& one) {
    const std::string printed = one.printed();
    EXPECT_TRUE(printed.starts_with(one.name + '{')) << printed;
    EXPECT_TRUE(printed.ends_with('}')) << printed;
    EXPECT_EQ(printed.find("tok\""), std::string::npos) << "a secret: " << printed;
  });
}

template <typename M>
void expect_covered_or_refused(const std::set<std::pair<std::string, Version>>& covered) {
  for (const VersionInfo& row : versions()) {
    SCOPED_TRACE(std::string(row.name) + " " + std::string(M::kName));
    const bool exists = coding::exists_in<M>(ordinal(row.version));
    const auto in_table = std::ranges::any_of(
        row.messages, [](const MessageType& message) { return message.kind == M::kKind; });
    EXPECT_EQ(in_table, exists) << "the table of types";
    // GOAWAY is the name of two.
    if (exists) {
      EXPECT_TRUE(covered.contains({std::string(M::kName), row.version}));
      continue;
    }
    const auto result = decode<M>(row.version, {});
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().is(CodingError::unsupported));
    EXPECT_TRUE(encode(row.version, M{}).error().is(CodingError::unsupported));
  }
}

TEST(Golden, CoversEveryMessageInEveryDraftThatHasIt) {
  std::set<std::pair<std::string, Version>> covered;
  for (const Golden& one : goldens()) covered.insert({one.name, one.version});
  std::apply(
      [&](const auto&... messages) {
        (expect_covered_or_refused<std::decay_t<decltype(messages)>>(covered), ...);
      },
      AllMessages{});
}

// Every number of every table; where two are for one message, either.
TEST(Golden, CoversEveryType) {
  std::set<std::pair<std::uint64_t, Version>> covered;
  for (const Golden& one : goldens()) {
    coding::Reader in(one.type, form_of(one));
    covered.insert({in.varint().value(), one.version});
  }
  for (const VersionInfo& row : versions()) {
    for (const MessageType& message : row.messages) {
      const auto sent = type_of(
          row.version, message.kind,
          message.requests.empty() ? std::nullopt : std::optional(message.requests.first()));
      ASSERT_TRUE(sent);
      EXPECT_TRUE(covered.contains({*sent, row.version})) << row.name << ' ' << message.type;
    }
  }
}

}  // namespace
}  // namespace moq::ietf::testing
