#include "net/lite/message.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/lite/codec.h"
#include "net/lite/error.h"

namespace moq::lite {
namespace {

using coding::CodingError;
using Buffer = std::vector<std::uint8_t>;
// testing::Test has a member of the name.
using SetupMessage = lite::Setup;

template <typename M>
Error error_of(Version version, const Buffer& body) {
  const auto result = decode_body<M>(version, body);
  return result ? Error(SessionError::no_error, "it was accepted") : result.error();
}

// The body of a message, encoded without regard to limits.
template <typename M>
Buffer body_of(Version version, const M& message) {
  Buffer body;
  coding::Writer out(body);
  coding::write_body(out, ordinal(version), message);
  return body;
}

TEST(Messages, TextIsLimited) {
  const auto code = [](const auto& message) {
    using M = std::decay_t<decltype(message)>;
    return error_of<M>(Version::lite05, body_of(Version::lite05, message));
  };
  const std::string path(kMaxPath, 'p');
  const std::string track(kMaxTrackName, 't');
  EXPECT_TRUE(code(AnnounceRequest{.prefix = path}).is(SessionError::no_error));
  EXPECT_TRUE(code(AnnounceRequest{.prefix = path + "p"}).is(CodingError::too_large));
  EXPECT_TRUE(code(AnnounceBroadcast{.suffix = path + "p"}).is(CodingError::too_large));
  EXPECT_TRUE(code(Subscribe{.broadcast = path, .track = track}).is(SessionError::no_error));
  EXPECT_TRUE(code(Subscribe{.broadcast = path + "p"}).is(CodingError::too_large));
  EXPECT_TRUE(code(Subscribe{.track = track + "t"}).is(CodingError::too_large));
  EXPECT_TRUE(code(TrackRequest{.track = track + "t"}).is(CodingError::too_large));
  EXPECT_TRUE(code(Fetch{.broadcast = path + "p"}).is(CodingError::too_large));
  EXPECT_TRUE(
      code(SetupMessage{.path = std::string(kMaxSetupPath, 'p')}).is(SessionError::no_error));
  EXPECT_TRUE(
      code(SetupMessage{.path = std::string(kMaxSetupPath + 1, 'p')}).is(CodingError::too_large));
}

TEST(Messages, TheUriOfAGoawayHasAnErrorOfItsOwn) {
  const auto code = [](std::size_t size) {
    return error_of<Goaway>(Version::lite05,
                            body_of(Version::lite05, Goaway{.uri = std::string(size, 'u')}));
  };
  EXPECT_TRUE(code(kMaxGoawayUri).is(SessionError::no_error));
  EXPECT_TRUE(code(kMaxGoawayUri + 1).is(CodingError::uri_too_long));
}

TEST(Messages, TextIsUtf8) {
  EXPECT_TRUE(error_of<AnnounceRequest>(Version::lite03, {1, 0xff}).is(CodingError::invalid_text));
  EXPECT_TRUE(
      error_of<SetupMessage>(Version::lite05, {1, 2, 1, 0xff}).is(CodingError::invalid_text));
}

TEST(Messages, HopsAreLimited) {
  for (const Version version : {Version::lite03, Version::lite04, Version::lite05}) {
    const auto code = [&](std::size_t hops) {
      const AnnounceBroadcast message{.hops = std::vector<std::uint64_t>(hops)};
      return error_of<AnnounceBroadcast>(version, body_of(version, message));
    };
    EXPECT_TRUE(code(kMaxHops).is(SessionError::no_error));
    EXPECT_TRUE(code(kMaxHops + 1).is(CodingError::too_many));
  }
}

TEST(Messages, InitialAnnouncementsAreLimited) {
  const AnnounceInit message{.suffixes = std::vector<std::string>(kMaxInitialAnnouncements + 1)};
  EXPECT_TRUE(error_of<AnnounceInit>(Version::lite02, body_of(Version::lite02, message))
                  .is(CodingError::too_many));
}

TEST(Messages, AStatusIsKnownOrRefused) {
  // status, suffix "", no hops
  const auto status = [](Version version, std::uint8_t value) {
    return decode_body<AnnounceBroadcast>(version, Buffer{value, 0, 0});
  };
  for (const Version version : {Version::lite04, Version::lite05}) {
    EXPECT_EQ(status(version, 0)->status, AnnounceStatus::ended);
    EXPECT_EQ(status(version, 1)->status, AnnounceStatus::active);
    EXPECT_TRUE(status(version, 3).error().is(CodingError::invalid_value));
  }
  EXPECT_TRUE(status(Version::lite04, 2).error().is(CodingError::invalid_value));
  EXPECT_EQ(status(Version::lite05, 2)->status, AnnounceStatus::active);
}

TEST(Messages, ATrackHasATimescale) {
  EXPECT_TRUE(
      error_of<TrackInfoMessage>(Version::lite05, {0, 0, 0, 0}).is(CodingError::invalid_value));
}

TEST(Messages, AnyOtherFlagIsTrue) {
  EXPECT_TRUE(decode_body<TrackInfoMessage>(Version::lite05, Buffer{0, 2, 0, 1})->ordered);
}

TEST(Messages, SetupSkipsWhatItDoesNotKnow) {
  const Buffer body{4,                     // parameters
                    4,    1,    9,         // one that is not known here
                    1,    1,    3,         // a probe level of the future
                    3,    1,    3,         // a role of the future
                    0x40, 0x64, 2, 0, 0};  // another unknown
  const auto setup = decode_body<SetupMessage>(Version::lite05, body);
  ASSERT_TRUE(setup) << setup.error().message();
  EXPECT_EQ(*setup, SetupMessage{.probe = ProbeLevel::increase});
}

TEST(Messages, SetupRefusesDuplicatesAndCrowds) {
  EXPECT_TRUE(error_of<SetupMessage>(Version::lite05, {2, 1, 1, 1, 1, 1, 1})
                  .is(CodingError::duplicate_parameter));
  EXPECT_TRUE(error_of<SetupMessage>(Version::lite05, {2, 9, 0, 9, 0})
                  .is(CodingError::duplicate_parameter));
  Buffer crowd;
  append_varint(crowd, kMaxSetupParameters + 1);
  for (std::uint64_t i = 0; i <= kMaxSetupParameters; ++i) {
    append_varint(crowd, 100 + i);
    append_varint(crowd, 0);
  }
  EXPECT_TRUE(error_of<SetupMessage>(Version::lite05, crowd).is(CodingError::too_many));
}

TEST(Messages, PrintForLogs) {
  EXPECT_EQ(print(Version::lite05, SetupMessage{.probe = ProbeLevel::report}),
            "SETUP{probe=report path=none role=both}");
  EXPECT_EQ(print(Version::lite04, AnnounceBroadcast{.suffix = "a", .hops = {1, 2}}),
            R"(ANNOUNCE_BROADCAST{status=ended suffix="a" hops=[1 2]})");
}

TEST(Errors, ReachThePeerAsCodesOfTheDraft) {
  const Error session = to_session_error(Error(CodingError::trailing_bytes, "SETUP"));
  EXPECT_TRUE(session.is(SessionError::protocol_violation));
  EXPECT_NE(session.detail().find("trailing bytes"), std::string::npos);
  EXPECT_TRUE(to_session_error(SessionError::internal).is(SessionError::internal));
  EXPECT_TRUE(to_stream_error(CodingError::too_large).is(StreamError::malformed));
  EXPECT_TRUE(to_stream_error(StreamError::cancelled).is(StreamError::cancelled));
  EXPECT_EQ(Error(SessionError::goaway_timeout).message(), "MoQ session: GOAWAY_TIMEOUT (0x10)");
}

TEST(Datagrams, MatchTheirImage) {
  const DatagramHeader header{.subscribe_id = 1, .sequence = 300, .timestamp = 5};
  const Buffer image{1, 0x41, 0x2c, 5, 'h', 'i'};  // id, sequence, timestamp, payload
  EXPECT_EQ(encode_datagram(Version::lite05, header, as_bytes("hi")).value(), image);
  const Bytes body = Bytes::copy_of(image);
  const auto decoded = decode_datagram(Version::lite05, body);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->header, header);
  EXPECT_EQ(decoded->payload.text(), "hi");
  EXPECT_EQ(decoded->payload.data(), body.data() + 4) << "the payload was copied";
}

TEST(Datagrams, AreRefusedWhenTruncatedOrTooLong) {
  const Buffer image{1, 0x41, 0x2c, 5};
  for (std::size_t size = 0; size < image.size(); ++size) {
    const auto result =
        decode_datagram(Version::lite05, Bytes::copy_of(ByteSpan(image).first(size)));
    ASSERT_FALSE(result) << size;
    EXPECT_TRUE(result.error().is(CodingError::short_buffer));
  }
  Buffer largest(kMaxDatagram);
  EXPECT_TRUE(decode_datagram(Version::lite05, Bytes::copy_of(largest)));
  largest.push_back(0);
  EXPECT_TRUE(
      decode_datagram(Version::lite05, Bytes::copy_of(largest)).error().is(CodingError::too_large));
  const Buffer payload(kMaxDatagram - 3);
  EXPECT_EQ(encode_datagram(Version::lite05, {}, payload)->size(), kMaxDatagram);
  EXPECT_TRUE(encode_datagram(Version::lite05, {.sequence = 64}, payload)
                  .error()
                  .is(CodingError::too_large));
  EXPECT_TRUE(encode_datagram(Version::lite04, {}, payload).error().is(CodingError::unsupported));
  EXPECT_TRUE(
      decode_datagram(Version::lite04, Bytes::copy_of(image)).error().is(CodingError::unsupported));
}

TEST(GroupPrefix, IsTheTypeAndTheHeader) {
  EXPECT_EQ(group_prefix(Version::lite05, {.subscribe_id = 1, .sequence = 2}),
            (Buffer{0 /* group */, 2 /* length */, 1, 2}));
}

// Random messages: any value that the wire can carry, for each type of member.
class Arbitrary {
 public:
  explicit Arbitrary(std::uint64_t seed) : random_(seed) {}

  std::uint64_t number(std::uint64_t max) { return random_() % (max + 1); }

  void fill(std::uint64_t& value) { value = 1 + (number(coding::kMaxVarint - 3) >> number(60)); }
  void fill(std::uint8_t& value) { value = static_cast<std::uint8_t>(number(255)); }
  void fill(bool& value) { value = number(1) == 1; }
  void fill(Duration& value) { value = std::chrono::milliseconds(number(1U << 30)); }
  void fill(AnnounceStatus& value) { value = static_cast<AnnounceStatus>(number(1)); }
  void fill(ProbeLevel& value) { value = static_cast<ProbeLevel>(number(2)); }
  void fill(Role& value) { value = static_cast<Role>(number(2)); }
  void fill(std::string& value) {
    static constexpr const char* kCharacters[] = {"a", "/", "\xc3\xa9", "\xe2\x82\xac",
                                                  "\xf0\x9f\x8e\xa5"};
    value.clear();
    for (std::uint64_t i = number(40); i > 0; --i) value += kCharacters[number(4)];
  }
  template <typename T>
  void fill(std::optional<T>& value) {
    value.reset();
    if (number(1) == 1) fill(value.emplace());
  }
  template <typename T>
  void fill(std::vector<T>& values) {
    values.resize(number(kMaxHops));
    for (T& value : values) fill(value);
  }

 private:
  std::mt19937_64 random_;
};

template <typename M>
void round_trip(Arbitrary& arbitrary, Version version) {
  if (!coding::exists_in<M>(ordinal(version))) return;
  for (int i = 0; i < 200; ++i) {
    M message{};
    const auto fill = [&](const auto& entry) { arbitrary.fill(message.*entry.member); };
    coding::for_each_field<M>(ordinal(version), fill);
    coding::for_each_parameter<M>(fill);
    if constexpr (std::is_same_v<M, AnnounceBroadcast>) {
      if (version_info(version).hops == HopForm::count) message.hops.assign(i % kMaxHops, 0);
    }
    const Buffer body = body_of(version, message);
    const auto decoded = decode_body<M>(version, body);
    ASSERT_TRUE(decoded) << decoded.error().message() << ": " << print(version, message);
    ASSERT_EQ(print(version, *decoded), print(version, message));
    ASSERT_TRUE(*decoded == message) << print(version, message);
    Buffer framed;
    append_varint(framed, body.size());
    framed.insert(framed.end(), body.begin(), body.end());
    ASSERT_EQ(encode(version, *decoded), framed);
  }
}

TEST(Messages, SurviveARandomRoundTrip) {
  Arbitrary arbitrary(20260822);
  for (const VersionInfo& row : versions()) {
    std::apply(
        [&](const auto&... messages) {
          (round_trip<std::decay_t<decltype(messages)>>(arbitrary, row.version), ...);
        },
        AllMessages{});
  }
}

}  // namespace
}  // namespace moq::lite
