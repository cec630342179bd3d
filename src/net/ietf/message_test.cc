#include "net/ietf/message.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/ietf/codec.h"
#include "net/ietf/error.h"

namespace moq::ietf {
namespace {

using Buffer = std::vector<std::uint8_t>;
using enum Version;

template <typename M>
Error error_of(Version version, const Buffer& body) {
  const auto result = decode<M>(version, body);
  return result ? Error(SessionError::no_error, "it was accepted") : result.error();
}

// The body of a message, encoded without regard to limits.
template <typename M>
Buffer body_of(Version version, const M& message) {
  Buffer body;
  Writer out(body, version_info(version).integers);
  detail::write_body(out, version_info(version), message);
  return body;
}

template <typename M>
Error refusal(Version version, const M& message) {
  return error_of<M>(version, body_of(version, message));
}

Buffer join(std::initializer_list<Buffer> parts) {
  Buffer out;
  for (const Buffer& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

bool accepted(const Error& error) { return error.is(SessionError::no_error); }

const FullTrackName kTrack{.track_namespace = {"a"}, .track_name = "v"};
const Buffer kTrackImage{1, 1, 'a', 1, 'v'};

TEST(Names, HaveAtMost32Fields) {
  for (const Version version : {draft14, draft18}) {
    SubscribeNamespace message{.prefix = TrackNamespace(kMaxNamespaceFields, "x")};
    EXPECT_TRUE(accepted(refusal(version, message)));
    EXPECT_TRUE(encode(version, message));
    message.prefix.emplace_back("x");
    EXPECT_TRUE(refusal(version, message).is(CodingError::too_many));
    EXPECT_TRUE(encode(version, message).error().is(CodingError::too_many));
  }
}

TEST(Names, HaveAFieldInDraft14AndBytesInDraft18) {
  const auto none = [](Version version) { return refusal(version, PublishNamespace{}); };
  const auto empty = [](Version version) {
    return refusal(version, SubscribeNamespace{.prefix = {"a", ""}});
  };
  EXPECT_TRUE(none(draft14).is(CodingError::invalid_value));
  EXPECT_TRUE(accepted(none(draft18)));
  EXPECT_TRUE(accepted(empty(draft14)));
  EXPECT_TRUE(empty(draft18).is(CodingError::invalid_value));
  EXPECT_TRUE(encode(draft14, PublishNamespace{}).error().is(CodingError::invalid_value));
  EXPECT_TRUE(accepted(refusal(draft14, SubscribeNamespace{}))) << "of everything";
  EXPECT_TRUE(
      encode(draft18, SubscribeNamespace{.prefix = {""}}).error().is(CodingError::invalid_value));
  EXPECT_TRUE(
      refusal(draft14, Publish{.track = {.track_name = "v"}}).is(CodingError::invalid_value));
  EXPECT_TRUE(refusal(draft14, Fetch{.range = {.track = {.track_name = "v"}}})
                  .is(CodingError::invalid_value));
}

TEST(Names, HaveAtMost4096Bytes) {
  for (const Version version : {draft14, draft18}) {
    Subscribe message{.track = {.track_namespace = {std::string(4000, 'x'), std::string(90, 'y')},
                                .track_name = std::string(6, 'z')}};
    ASSERT_EQ(message.track.size(), kMaxFullTrackName);
    EXPECT_TRUE(accepted(refusal(version, message)));
    message.track.track_name += 'z';
    EXPECT_TRUE(refusal(version, message).is(CodingError::too_large));
    EXPECT_TRUE(encode(version, message).error().is(CodingError::too_large));
    const PublishNamespace all{.track_namespace = {std::string(4000, 'x'), std::string(97, 'y')}};
    EXPECT_TRUE(refusal(version, all).is(CodingError::too_large));
  }
}

TEST(Names, AreOfAnyBytes) {
  const FullTrackName track{.track_namespace = {std::string("\xff\0", 2)}, .track_name = "\x80"};
  for (const Version version : {draft14, draft18}) {
    EXPECT_TRUE(accepted(refusal(version, Subscribe{.track = track})));
    EXPECT_NE(print(version, Subscribe{.track = track}).find("\\xff\\x00"), std::string::npos);
  }
}

TEST(Reasons, HaveAtMost1024BytesOfAnything) {
  for (const Version version : {draft14, draft18}) {
    const auto error = [&](std::size_t size) {
      return refusal(version, RequestError{.failure = {.reason = std::string(size, '\xff')}});
    };
    EXPECT_TRUE(accepted(error(kMaxReason)));
    EXPECT_TRUE(error(kMaxReason + 1).is(CodingError::too_large));
    EXPECT_TRUE(refusal(version, PublishDone{.reason = std::string(kMaxReason + 1, 'r')})
                    .is(CodingError::too_large));
    EXPECT_TRUE(encode(version, PublishDone{.reason = std::string(kMaxReason + 1, 'r')})
                    .error()
                    .is(CodingError::too_large));
  }
}

TEST(Uris, HaveAtMost8192Bytes) {
  const auto uri = [](std::size_t size) { return std::string(size, 'u'); };
  for (const Version version : {draft14, draft18}) {
    EXPECT_TRUE(accepted(refusal(version, Goaway{.uri = uri(kMaxUri)})));
    EXPECT_TRUE(refusal(version, Goaway{.uri = uri(kMaxUri + 1)}).is(CodingError::uri_too_long));
  }
  const auto redirect = [&](std::size_t size) {
    return refusal(draft18,
                   RequestError{.failure = {.code = 0x34, .redirect = Redirect{.uri = uri(size)}}});
  };
  EXPECT_TRUE(accepted(redirect(kMaxUri)));
  EXPECT_TRUE(redirect(kMaxUri + 1).is(CodingError::uri_too_long));
}

TEST(Fields, RefuseValuesThatTheDraftsDoNotHave) {
  // SUBSCRIBE of draft-14 behind the name: priority, order, forward, filter, parameters.
  const auto subscribe = [](const Buffer& rest) {
    return error_of<Subscribe>(draft14, join({{0}, kTrackImage, rest}));
  };
  EXPECT_TRUE(accepted(subscribe({128, 2, 1, 2, 0})));
  EXPECT_TRUE(subscribe({128, 3, 1, 2, 0}).is(CodingError::invalid_value)) << "order 3";
  EXPECT_TRUE(subscribe({128, 0, 2, 2, 0}).is(CodingError::invalid_value)) << "forward 2";
  EXPECT_TRUE(subscribe({128, 0, 1, 0, 0}).is(CodingError::invalid_value)) << "filter 0";
  EXPECT_TRUE(subscribe({128, 0, 1, 9, 0}).is(CodingError::invalid_value)) << "filter 9";
  // SUBSCRIBE_OK: request, alias, expires, order, content exists.
  EXPECT_TRUE(accepted(error_of<SubscribeOk>(draft14, {0, 0, 0, 1, 0, 0})));
  EXPECT_TRUE(error_of<SubscribeOk>(draft14, {0, 0, 0, 0, 0, 0}).is(CodingError::invalid_value));
  EXPECT_TRUE(error_of<SubscribeOk>(draft14, {0, 0, 0, 3, 0, 0}).is(CodingError::invalid_value));
  EXPECT_TRUE(
      error_of<SubscribeOk>(draft14, {0, 0, 0, 1, 2, 7, 3, 0}).is(CodingError::invalid_value));
  // PUBLISH_OK: request, forward, priority, order, filter.
  EXPECT_TRUE(error_of<PublishOk>(draft14, {0, 1, 1, 0, 2, 0}).is(CodingError::invalid_value));
  EXPECT_TRUE(error_of<PublishOk>(draft14, {0, 2, 1, 1, 2, 0}).is(CodingError::invalid_value));
  // FETCH: request, [priority, order], type.
  EXPECT_TRUE(error_of<Fetch>(draft14, {0, 1, 3, 2, 0, 0, 0}).is(CodingError::invalid_value));
  for (const std::uint8_t type : Buffer{0, 4}) {
    EXPECT_TRUE(error_of<Fetch>(draft14, {0, 1, 1, type, 0, 0, 0}).is(CodingError::invalid_value));
    EXPECT_TRUE(error_of<Fetch>(draft18, {0, type, 0, 0, 0}).is(CodingError::invalid_value));
  }
  // FETCH_OK: [request, order], end of track.
  EXPECT_TRUE(error_of<FetchOk>(draft14, {0, 1, 2, 0, 0, 0}).is(CodingError::invalid_value));
  EXPECT_TRUE(error_of<FetchOk>(draft18, {2, 0, 0, 0}).is(CodingError::invalid_value));
}

TEST(Fields, WhatADraftCannotSayIsNotEncoded) {
  EXPECT_TRUE(encode(draft14, PublishOk{}).error().is(CodingError::invalid_value))
      << "the publisher's order";
  EXPECT_TRUE(encode(draft18, Fetch{.group_order = GroupOrder::publisher})
                  .error()
                  .is(CodingError::invalid_value));
  EXPECT_TRUE(encode(draft14, RequestUpdate{}).error().is(CodingError::invalid_value));
  RequestUpdate update{.filter = Filter{}, .subscriber_priority = 1, .forward = true};
  EXPECT_TRUE(encode(draft14, update));
  update.filter = Filter{.type = FilterType::next_group};
  EXPECT_TRUE(encode(draft14, update).error().is(CodingError::invalid_value));
  const Subscribe backwards{
      .track = kTrack,
      .filter = {.type = FilterType::absolute_range, .start = {5, 0}, .end_group = 4}};
  EXPECT_TRUE(encode(draft14, backwards));
  EXPECT_TRUE(encode(draft18, backwards).error().is(CodingError::invalid_value));
  EXPECT_TRUE(encode(draft18, RequestError{.failure = {.code = 0x34}})
                  .error()
                  .is(CodingError::invalid_value));
  EXPECT_TRUE(encode(draft18, RequestError{.failure = {.code = 1, .redirect = Redirect{}}})
                  .error()
                  .is(CodingError::invalid_value));
}

TEST(Fields, NumbersBeyondTheDraftsIntegersAreNotEncoded) {
  const SubscribeOk message{.track_alias = coding::kMaxVarint + 1};
  EXPECT_TRUE(encode(draft14, message).error().is(CodingError::too_large));
  const SubscribeOk largest{.track_alias = kNumber.max};
  EXPECT_EQ(decode<SubscribeOk>(draft18, body_of(draft18, largest)).value(), largest);
}

TEST(Fields, AFilterEndsWithinTheNumbers) {
  // An end of 2^64 - 1, and of one more, as differences to group 1.
  Buffer body{0, 0, 0, 1, 0x21, 12, 4, 1, 0, 0xff};
  body.resize(18, 0xff);
  body[17] = 0xfe;
  const auto last = decode<Subscribe>(draft18, body);
  ASSERT_TRUE(last) << last.error().message();
  EXPECT_EQ(last->filter.end_group, kNumber.max);
  body[17] = 0xff;
  EXPECT_TRUE(error_of<Subscribe>(draft18, body).is(CodingError::invalid_value));
}

TEST(Parameters, UnknownOnesAreIgnoredInDraft14) {
  // Number of parameters; 0x20 is a number, 0x21 bytes, both twice; 0x03 may not be in a
  // SUBSCRIBE_OK; then a DELIVERY TIMEOUT.
  const Buffer body{4, 5, 0, 1, 0, 6, 0x20, 9, 0x21, 1, 9, 0x20, 9, 0x21, 0, 0x03, 1, 9, 0x02, 7};
  const auto message = decode<SubscribeOk>(draft14, body);
  ASSERT_TRUE(message) << message.error().message();
  EXPECT_EQ(message->delivery_timeout, std::chrono::milliseconds(7));
}

TEST(Parameters, UnknownAndMisplacedOnesAreRefusedInDraft18) {
  const auto ok = [](const Buffer& parameters) {
    return error_of<SubscribeOk>(draft18, join({{5}, parameters}));
  };
  EXPECT_TRUE(accepted(ok({1, 0x08, 9})));
  EXPECT_TRUE(ok({1, 0x0c, 9}).is(CodingError::unknown_parameter)) << "unknown";
  EXPECT_TRUE(ok({1, 0x10, 1}).is(CodingError::unknown_parameter)) << "FORWARD";
  EXPECT_TRUE(ok({1, 0x02, 9}).is(CodingError::unknown_parameter)) << "a delivery timeout";
  EXPECT_TRUE(error_of<TrackStatus>(draft18, join({{0}, kTrackImage, {1, 0x20, 1}}))
                  .is(CodingError::unknown_parameter))
      << "SUBSCRIBER_PRIORITY";
  EXPECT_TRUE(to_session_error(ok({1, 0x0c, 9})).is(SessionError::protocol_violation));
}

TEST(Parameters, KnownOnesComeOnce) {
  EXPECT_TRUE(error_of<SubscribeOk>(draft14, {4, 5, 0, 1, 0, 2, 2, 7, 2, 7})
                  .is(CodingError::duplicate_parameter));
  EXPECT_TRUE(
      error_of<SubscribeOk>(draft18, {5, 2, 8, 9, 0, 9}).is(CodingError::duplicate_parameter));
}

TEST(Parameters, AreOfTheirTypesInDraft18) {
  const auto subscribe = [](const Buffer& parameters) {
    return error_of<Subscribe>(draft18, join({{0}, kTrackImage, parameters}));
  };
  // FORWARD and the others are bytes, in which 0x80 does not begin a longer number.
  EXPECT_TRUE(accepted(subscribe({1, 0x20, 0x80})));
  EXPECT_TRUE(subscribe({1, 0x10, 2}).is(CodingError::invalid_value)) << "FORWARD 2";
  EXPECT_TRUE(subscribe({1, 0x22, 3}).is(CodingError::invalid_value)) << "GROUP_ORDER 3";
  EXPECT_TRUE(subscribe({1, 0x22, 0}).is(CodingError::invalid_value)) << "GROUP_ORDER 0";
  EXPECT_TRUE(subscribe({1, 0x21, 1, 9}).is(CodingError::invalid_value)) << "filter 9";
  EXPECT_TRUE(subscribe({1, 0x21, 1, 3}).is(CodingError::invalid_value)) << "a filter cut short";
  EXPECT_TRUE(subscribe({1, 0x21, 2, 1, 0}).is(CodingError::trailing_bytes)) << "and too long";
  EXPECT_TRUE(subscribe({2, 0x10, 1}).is(CodingError::short_buffer)) << "a count too high";
  EXPECT_TRUE(subscribe({0, 0x10, 1}).is(CodingError::trailing_bytes)) << "a count too low";
}

TEST(Parameters, IdsEndWithinTheNumbers) {
  // 0x02, then a difference of 2^64 - 2 and of one less.
  Buffer body = join({{0}, kTrackImage, {2, 2, 7, 0xff}});
  const std::size_t difference = body.size();
  body.insert(body.end(), 8, 0xff);
  body[difference + 7] = 0xfe;
  body.push_back(0);
  EXPECT_TRUE(error_of<Subscribe>(draft18, body).is(CodingError::invalid_value));
  body[difference + 7] = 0xfd;
  EXPECT_TRUE(error_of<Subscribe>(draft18, body).is(CodingError::unknown_parameter));
}

TEST(Parameters, AreInTheOrderOfTheirIds) {
  const auto check = [](const auto& table, std::string_view name) {
    std::uint64_t last = 0;
    const auto one = [&](const auto& row) {
      EXPECT_GE(row.id, last) << name << '.' << row.name;
      last = row.id;
    };
    std::apply([&](const auto&... rows) { (one(rows), ...); }, table);
  };
  check(SetupOptions::client_table(), "client");
  check(SetupOptions::server_table(), "server");
  std::apply(
      [&]<typename... M>(const M&...) {
        const auto one = [&]<typename T>(const T&) {
          if constexpr (detail::HasMessageParameters<T>) check(T::message_parameters(), T::kName);
        };
        (one(M{}), ...);
      },
      AllMessages{});
}

TEST(Tokens, FailWithACodeOfTheirOwn) {
  const auto subscribe = [](Version version, const Buffer& token) {
    const Buffer head = version == draft14 ? Buffer{128, 0, 1, 2, 1, 3} : Buffer{1, 3};
    return error_of<Subscribe>(
        version, join({{0}, kTrackImage, head, {static_cast<std::uint8_t>(token.size())}, token}));
  };
  for (const Version version : {draft14, draft18}) {
    EXPECT_TRUE(accepted(subscribe(version, {3, 0})));
    for (const Buffer& token : std::vector<Buffer>{{},         // nothing
                                                   {4, 0},     // no such action
                                                   {0},        // DELETE of what?
                                                   {0, 1, 2},  // DELETE with a type
                                                   {1, 1},     // REGISTER without a type
                                                   {2, 1, 0},  // USE_ALIAS with a type
                                                   {3}}) {     // USE_VALUE without a type
      EXPECT_TRUE(subscribe(version, token).is(SessionError::key_value_formatting))
          << ::testing::PrintToString(token);
    }
  }
}

TEST(Tokens, AreLimitedInNumber) {
  for (const Version version : {draft14, draft18}) {
    PublishNamespace message{.track_namespace = {"a"}, .tokens = std::vector<Token>(kMaxTokens)};
    EXPECT_TRUE(accepted(refusal(version, message)));
    message.tokens.emplace_back();
    EXPECT_TRUE(refusal(version, message).is(CodingError::too_many));
  }
}

TEST(SetupMessages, IgnoreWhatTheyDoNotKnow) {
  // Unknown options, grease (0x9d) among them, once and twice.
  const Buffer body14{1, 20, 4, 0x40, 0x9d, 1, 9, 0x40, 0x9d, 0, 0x3a, 7, 2, 5};
  const auto old = decode<ClientSetup>(draft14, body14);
  ASSERT_TRUE(old) << old.error().message();
  EXPECT_EQ(old->options, (SetupOptions{.max_request_id = 5}));
  // PATH "/"; MAX_REQUEST_ID, which is no more; grease, twice.
  const Buffer body18{1, 1, '/', 1, 9, 0x80, 0x9b, 1, 9, 0, 0};
  const auto setup = decode<ietf::Setup>(draft18, body18);
  ASSERT_TRUE(setup) << setup.error().message();
  EXPECT_EQ(setup->options, (SetupOptions{.path = "/"}));
}

TEST(SetupMessages, RefuseKnownOptionsTwice) {
  EXPECT_TRUE(
      error_of<ietf::Setup>(draft18, {1, 1, '/', 0, 1, '/'}).is(CodingError::duplicate_parameter));
  EXPECT_TRUE(
      error_of<ServerSetup>(draft14, {1, 2, 2, 5, 2, 5}).is(CodingError::duplicate_parameter));
}

TEST(SetupMessages, AreLimited) {
  ClientSetup message{.offered = std::vector<std::uint64_t>(kMaxVersions, 1)};
  EXPECT_TRUE(accepted(refusal(draft14, message)));
  message.offered.push_back(1);
  EXPECT_TRUE(refusal(draft14, message).is(CodingError::too_many));
  // A value of 2^16 bytes (§"Key-Value-Pair Structure").
  EXPECT_TRUE(error_of<ietf::Setup>(draft18, {1, 0xc1, 0, 0}).is(CodingError::too_large));
  EXPECT_TRUE(error_of<ServerSetup>(draft14, {1, 1, 1, 0x80, 1, 0, 0}).is(CodingError::too_large));
}

TEST(Encoding, NeverWrapsALength) {
  ietf::Setup message{.options = {.implementation = std::string(kMaxMessage - 4, 'i')}};
  const auto whole = encode(draft18, message);
  ASSERT_TRUE(whole);
  // Two bytes of type, two of length; the id, and three for the value's length.
  EXPECT_EQ(whole->size(), 2 + 2 + kMaxMessage);
  EXPECT_EQ((*whole)[2], 0xff);
  EXPECT_EQ((*whole)[3], 0xff);
  *message.options.implementation += 'i';
  EXPECT_TRUE(encode(draft18, message).error().is(CodingError::too_large));
}

TEST(TrackPropertiesInMessages, AreCheckedAndOnlyWhereTheyMayBe) {
  EXPECT_TRUE(error_of<SubscribeOk>(draft18, {5, 0, 2}).is(CodingError::short_buffer));
  EXPECT_TRUE(error_of<SubscribeOk>(draft18, {5, 0, 3, 2, 9}).is(CodingError::short_buffer));
  EXPECT_TRUE(error_of<SubscribeOk>(draft18, {5, 0, 3, 0xc1, 0, 0}).is(CodingError::too_large));
  EXPECT_TRUE(error_of<RequestOk>(draft18, {0, 2, 9}).is(CodingError::trailing_bytes));
  EXPECT_TRUE(error_of<PublishOk>(draft18, {0, 2, 9}).is(CodingError::trailing_bytes));
  EXPECT_TRUE(error_of<RequestUpdateOk>(draft18, {0, 2, 9}).is(CodingError::trailing_bytes));
  EXPECT_TRUE(accepted(error_of<TrackStatusOk>(draft18, {0, 2, 9})));
}

TEST(Goaways, NameARequestOnAControlStreamOnly) {
  EXPECT_TRUE(error_of<Goaway>(draft18, {0, 9}).is(CodingError::short_buffer));
  EXPECT_TRUE(error_of<RequestGoaway>(draft18, {0, 9, 1}).is(CodingError::trailing_bytes));
}

TEST(Printing, IsForLogs) {
  EXPECT_EQ(print(draft18, Subscribe{.request_id = 4, .track = kTrack, .tokens = {Token{}}}),
            R"(SUBSCRIBE{request_id=4 track=["a"]"v" object_delivery_timeout=none )"
            R"(token=[use_value(type 0, 0 bytes)] rendezvous_timeout=0ms )"
            R"(subgroup_delivery_timeout=none forward=true subscriber_priority=128 )"
            R"(filter=absolute_start@0.0 group_order=publisher new_group_request=none})");
  EXPECT_EQ(print(draft14, RequestError{.request_id = 2, .failure = {.code = 4, .reason = "no"}}),
            R"(REQUEST_ERROR{request_id=2 failure=4 "no"})");
  EXPECT_EQ(print(draft18, SubscribeOk{.track_alias = 1, .properties = Bytes::copy_of("xy")}),
            "SUBSCRIBE_OK{track_alias=1 expires=0ms largest=none properties=2}");
  EXPECT_EQ(
      print(draft18, Fetch{.range = {.type = FetchType::relative_joining, .joining_request_id = 2}})
          .substr(0, 46),
      "FETCH{request_id=0 range=relative_joining@2:0 ");
}

}  // namespace
}  // namespace moq::ietf
