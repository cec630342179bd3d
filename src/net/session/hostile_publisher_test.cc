// What a session makes of a publisher that breaks the rules: announcements, answers
// and groups.

#include <gtest/gtest.h>

#include "net/lite/error.h"
#include "net/session/testing/raw_peer.h"

namespace moq {
namespace {

using lite::AnnounceBroadcast;
using lite::AnnounceStatus;
using lite::BidiType;
using lite::StreamError;
using lite::UniType;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Buffer;
using testing::Node;
using testing::RawLink;
using testing::RawPeer;
using testing::RawStream;
using testing::run_for;
using testing::Viewer;
using testing::operator+;

constexpr std::uint64_t kBig = coding::kMaxVarint;
constexpr SubscribeOptions kLive{.max_latency = seconds(10)};

constexpr std::uint64_t code(StreamError error) { return static_cast<std::uint64_t>(error); }

/// A relay whose raw peer publishes what it likes.
class BadPublisher : public ::testing::TestWithParam<const char*> {
 protected:
  void start(SessionLimits limits = {}) {
    link.emplace(loop, relay, RawLink::Options{.version = GetParam(), .limits = limits});
    peer = link->peer.get();
    peer->setup("/");
    run();
    const auto requests = peer->incoming(BidiType::announce);
    ASSERT_EQ(requests.size(), 1U);
    announcements = requests.front();
    ASSERT_TRUE(announcements->next<lite::AnnounceRequest>(peer->version()));
    begin_announcements();
  }
  void run(Duration duration = milliseconds(100)) { run_for(loop, duration); }

  void begin_announcements() {
    if (peer->traits().has_announce_ok) announcements->send(peer->body(lite::AnnounceOk{77, 0}));
    if (peer->traits().has_announce_init) announcements->send(peer->body(lite::AnnounceInit{}));
  }
  void announce(const std::string& suffix, AnnounceStatus status = AnnounceStatus::active,
                std::vector<std::uint64_t> hops = {55}) {
    announcements->send(
        peer->body(AnnounceBroadcast{.status = status, .suffix = suffix, .hops = std::move(hops)}));
  }
  void end(const std::string& suffix) { announce(suffix, AnnounceStatus::ended); }
  [[nodiscard]] std::shared_ptr<Broadcast> find(const std::string& path) {
    return relay.origin.find(Path(path));
  }
  /// Answers the TRACK requests that came.
  void answer_tracks(std::uint64_t timescale = 1000) {
    for (RawStream* stream : peer->incoming(BidiType::track)) {
      if (!stream->next<lite::TrackRequest>(peer->version())) continue;
      stream->send(peer->body(lite::TrackInfoMessage{.timescale = timescale})).fin();
    }
  }
  /// Subscribes at the relay, so that the peer is asked; its stream and id.
  void subscribe() {
    announce("live");
    run();
    track = find("live")->track("video").value();
    subscription = track->subscribe(kLive, seen);
    run();
    answer_tracks();
    run();
    const auto requests = peer->incoming(BidiType::subscribe);
    ASSERT_EQ(requests.size(), 1U);
    request = requests.front();
    const auto message = request->next<lite::Subscribe>(peer->version());
    ASSERT_TRUE(message);
    id = message->id;
  }
  /// A frame with a timestamp that the first of a group may have.
  [[nodiscard]] Buffer frame(const std::string& text) const { return peer->frame(text); }
  [[nodiscard]] bool violated() const {
    return link->closed_with(SessionError::protocol_violation);
  }
  void expect_clean() {
    subscription.reset();
    link->session.reset();
    link->peer.reset();
    track.reset();
    seen = {};
    run(seconds(1));
    EXPECT_EQ(relay.origin.size(), 0U);
    EXPECT_EQ(relay.budget->used.load(), 0U);
  }

  Loop loop;
  Node relay{loop, 22};
  std::optional<RawLink> link;
  RawPeer* peer = nullptr;
  RawStream* announcements = nullptr;
  Viewer seen;
  std::shared_ptr<Track> track;
  std::unique_ptr<Subscription> subscription;
  RawStream* request = nullptr;
  std::uint64_t id = 0;
};

TEST_P(BadPublisher, EndOfWhatIsNotActiveResetsTheStreamAndEndsAll) {
  start();
  announce("a");
  run();
  EXPECT_NE(find("a"), nullptr);
  end("b");
  run();
  EXPECT_EQ(announcements->was_reset, code(StreamError::malformed));
  EXPECT_EQ(find("a"), nullptr);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(BadPublisher, MoreThanTheLimitIsIgnoredAndMayEnd) {
  start({.max_announced = 2});
  for (const char* name : {"a", "b", "c", "d"}) announce(name);
  run();
  EXPECT_EQ(relay.origin.size(), 2U);
  EXPECT_EQ(link->refused, std::vector(2, SessionLimit::announcements));
  end("d");
  end("a");
  run();
  EXPECT_FALSE(announcements->was_reset);
  EXPECT_EQ(relay.origin.size(), 1U);
  announce("e");
  run();
  EXPECT_NE(find("e"), nullptr);
  expect_clean();
}

TEST_P(BadPublisher, PathsThatDifferInSlashesAreOne) {
  start();
  for (const char* name : {"a/b", "/a/b", "a//b/", "a/b//"}) announce(name);
  run();
  EXPECT_EQ(relay.origin.size(), 1U);
  end("a/b/");
  run();
  EXPECT_EQ(find("a/b"), nullptr);
  EXPECT_EQ(relay.origin.size(), 0U);
  EXPECT_FALSE(announcements->was_reset);
  expect_clean();
}

TEST_P(BadPublisher, LoopsAndLongWaysAreNotUsed) {
  const auto form = testing::traits_of(GetParam()).hops;
  if (form == lite::HopForm::none) return;
  start();
  announce("far", AnnounceStatus::active, std::vector<std::uint64_t>(32, 7));
  announce("near", AnnounceStatus::active, std::vector<std::uint64_t>(30, 7));
  run();
  EXPECT_NE(find("near"), nullptr);
  // What comes with 32 hops, or 31 and its sender's, is not passed on any more.
  Node below(loop, 33);
  const auto down = testing::connect(loop, below, relay, {.version = GetParam()});
  run();
  EXPECT_EQ(below.origin.find(Path("far")), nullptr);
  if (form != lite::HopForm::ids) return;
  announce("loop", AnnounceStatus::active, {55, 22, 66});
  announce("gone", AnnounceStatus::active, {55});
  run();
  EXPECT_EQ(find("loop"), nullptr);
  EXPECT_NE(find("gone"), nullptr);
  announce("gone", AnnounceStatus::active, {55, 22});
  run();
  EXPECT_EQ(find("gone"), nullptr);
  for (const char* name : {"loop", "far", "gone"}) end(name);
  run();
  EXPECT_FALSE(announcements->was_reset);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(BadPublisher, MalformedAnnouncementsCloseTheSession) {
  const auto version = lite::find_by_name(GetParam())->version;
  const Buffer far =
      lite::encode(version, AnnounceBroadcast{.status = AnnounceStatus::active,
                                              .suffix = "a",
                                              .hops = std::vector<std::uint64_t>(33, 7)});
  const Buffer count = {6, 1, 1, 'a', 5, 1, 2};
  const Buffer status = {4, 7, 1, 'a', 0};
  for (const Buffer& bytes : {far, count, status}) {
    if (bytes == far && testing::traits_of(GetParam()).hops == lite::HopForm::none) continue;
    start();
    announcements->send(bytes);
    run();
    EXPECT_TRUE(violated()) << bytes.size();
    expect_clean();
  }
}

TEST_P(BadPublisher, EndedStreamEndsAllAndIsEndedInReturn) {
  start();
  subscribe();
  announcements->fin();
  run();
  EXPECT_EQ(find("live"), nullptr);
  // What runs goes on; then our side ends, too.
  peer->group(id, 0, frame("x")).fin();
  run();
  EXPECT_EQ(seen.text(0), "x");
  EXPECT_FALSE(announcements->ended);
  subscription.reset();
  run();
  EXPECT_TRUE(announcements->ended);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(BadPublisher, InstancesThatComeAndGoLeaveNothing) {
  start();
  for (int i = 0; i < 200; ++i) {
    announce("live", AnnounceStatus::active, {static_cast<std::uint64_t>(100 + i % 2)});
    if (i % 3 == 0) end("live");
    if (i % 3 == 0) continue;
    run(milliseconds(5));
    auto made = find("live");
    ASSERT_NE(made, nullptr);
    Viewer viewer;
    const auto brief = made->track("video").value()->subscribe(kLive, viewer);
    run(milliseconds(5));
    answer_tracks();
    run(milliseconds(5));
  }
  end("live");
  run(seconds(1));
  // Our announce stream (and the one of SETUP) and nothing else.
  EXPECT_EQ(link->session->active(), peer->traits().has_session_stream ? 2U : 1U);
  EXPECT_EQ(relay.budget->used.load(), 0U);
  expect_clean();
}

TEST_P(BadPublisher, NamesWithoutEndAreBoundedThoughNeverAnswered) {
  start();
  announce("live");
  run();
  const auto broadcast = find("live");
  for (int i = 0; i < 1500; ++i) {
    const auto made = broadcast->track("name" + std::to_string(i));
    ASSERT_TRUE(made) << i;
    run(milliseconds(1));
  }
  EXPECT_LE(link->session->active(), 1030U);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(BadPublisher, GroupsAtTheEndOfTheNumbersArrive) {
  start();
  subscribe();
  peer->group(id, kBig, frame("last")).fin();
  peer->group(id, 0, frame("first")).fin();
  run();
  EXPECT_EQ(seen.text(kBig), "last");
  if (peer->traits().responses.drop) {
    request->send(peer->answer(peer->traits().responses.drop,
                               lite::SubscribeDrop{.start = 0, .end = kBig, .error = kBig}));
  }
  request->fin();
  run();
  EXPECT_EQ(seen.end, kBig + 1);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(BadPublisher, SameGroupAgainIsStopped) {
  start();
  subscribe();
  peer->group(id, 3, frame("one")).fin();
  run();
  RawStream& again = peer->group(id, 3, frame("two"));
  run();
  EXPECT_EQ(again.was_stopped, code(StreamError::cancelled));
  EXPECT_EQ(seen.text(3), "one");
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(BadPublisher, MalformedFramesEndOnlyTheirGroup) {
  start();
  subscribe();
  Buffer large = peer->traits().has_timestamps ? Buffer{0} : Buffer{};
  lite::append_varint(large, (32U << 20) + 1);
  std::vector<Buffer> cases = {large};
  if (peer->traits().has_timestamps) {
    cases.push_back(frame("a") + peer->frame("b", 1));  // one below zero
    Buffer beyond;
    lite::append_varint(beyond, kBig - 1);
    cases.push_back(frame("a") + peer->frame("b", kBig - 1) + beyond + Buffer{0});
  }
  std::uint64_t sequence = 0;
  for (const Buffer& bytes : cases) {
    RawStream& stream = peer->group(id, sequence, bytes);
    run();
    EXPECT_EQ(stream.was_stopped, code(StreamError::malformed)) << sequence;
    EXPECT_TRUE(seen.groups.at(sequence)->aborted());
    ++sequence;
  }
  Buffer cut = frame("whole");
  cut.pop_back();
  RawStream& stream = peer->group(id, sequence, cut);
  stream.fin();
  run();
  EXPECT_TRUE(seen.groups.at(sequence)->aborted());
  EXPECT_EQ(seen.text(sequence), "+");
  EXPECT_FALSE(link->error());
  peer->group(id, sequence + 1, frame("good")).fin();
  run();
  EXPECT_EQ(seen.text(sequence + 1), "good");
  expect_clean();
}

TEST_P(BadPublisher, ResetGroupIsTornNotWhole) {
  start();
  subscribe();
  RawStream& stream = peer->group(id, 0, frame("one"));
  run();
  EXPECT_EQ(seen.text(0), "one+");
  stream.reset(kBig);
  run();
  EXPECT_TRUE(seen.groups.at(0)->aborted());
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(BadPublisher, MalformedAnswersToSubscribeCloseTheSession) {
  const auto& responses = lite::version_info(lite::find_by_name(GetParam())->version).responses;
  const auto version = lite::find_by_name(GetParam())->version;
  std::vector<Buffer> cases;
  if (responses.typed) {
    Buffer backwards;
    lite::append_varint(backwards, *responses.drop);
    backwards = backwards + lite::encode(version, lite::SubscribeDrop{.start = 2, .end = 1});
    cases = {backwards, {9, 0}, {0, 0}, {0x40, 9, 1, 0}};
  } else {
    cases = {{2, 0, 0}, {0x80, 0x01, 0x00, 0x01}};
  }
  for (const Buffer& bytes : cases) {
    start();
    subscribe();
    request->send(bytes);
    run();
    EXPECT_TRUE(violated()) << bytes.size();
    EXPECT_TRUE(seen.error);
    expect_clean();
  }
}

TEST_P(BadPublisher, RefusalAndSilenceAreToldApart) {
  start();
  subscribe();
  run(seconds(60));
  EXPECT_FALSE(seen.error);
  request->reset(code(StreamError::not_found)).stop(1);
  run();
  ASSERT_TRUE(seen.error);
  EXPECT_TRUE(seen.error->is(StreamError::not_found));
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(BadPublisher, AnswersAfterTheEndAreIgnored) {
  start();
  subscribe();
  subscription.reset();
  run();
  EXPECT_TRUE(request->was_reset);
  request->send(Buffer{9, 9, 9, 9}).fin();
  peer->group(id, 0, frame("late")).fin();
  run();
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(BadPublisher, PublisherThatReadsNoUpdatesIsGivenUp) {
  if (!testing::traits_of(GetParam()).has_subscribe_options) return;
  transport::testing::MemoryOptions slow{.bitrate = 20000};
  link.emplace(loop, relay, RawLink::Options{.version = GetParam(), .link = slow});
  peer = link->peer.get();
  peer->setup("/");
  run(seconds(1));
  announcements = peer->incoming(BidiType::announce).front();
  begin_announcements();
  announce("live");
  run(seconds(1));
  track = find("live")->track("video").value();
  subscription = track->subscribe(kLive, seen);
  run(seconds(1));
  answer_tracks();
  run(seconds(1));
  ASSERT_EQ(peer->incoming(BidiType::subscribe).size(), 1U);
  for (int i = 0; i < 5000 && !seen.error; ++i) {
    SubscribeOptions options = kLive;
    options.priority = static_cast<std::uint8_t>(i % 7);
    subscription->update(options);
    run(milliseconds(1));
  }
  ASSERT_TRUE(seen.error);
  EXPECT_TRUE(seen.error->is(StreamError::too_far_behind));
  EXPECT_FALSE(link->error());
  expect_clean();
}

INSTANTIATE_TEST_SUITE_P(Versions, BadPublisher, ::testing::ValuesIn(testing::kVersions),
                         testing::kVersionName);

/// What only moq-lite-05 has.
class BadPublisher05 : public BadPublisher {};
INSTANTIATE_TEST_SUITE_P(Lite, BadPublisher05, ::testing::Values("moq-lite-05"));

TEST_P(BadPublisher05, TimescaleOfZeroEndsTheRequestNotTheSession) {
  start();
  announce("live");
  run();
  track = find("live")->track("video").value();
  subscription = track->subscribe(kLive, seen);
  run();
  RawStream* stream = peer->incoming(BidiType::track).at(0);
  answer_tracks(0);
  run();
  EXPECT_EQ(stream->was_reset, code(StreamError::malformed));
  ASSERT_TRUE(seen.error);
  EXPECT_TRUE(seen.error->is(StreamError::malformed));
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(BadPublisher05, SecondTrackInfoIsNoProblemAfterTheFirst) {
  start();
  subscribe();
  peer->incoming(BidiType::track).at(0)->send(peer->body(lite::TrackInfoMessage{.timescale = 7}));
  run();
  EXPECT_EQ(seen.info->timescale, 1000U);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(BadPublisher05, AnnouncementBeforeTheOkClosesTheSession) {
  link.emplace(loop, relay, RawLink::Options{.version = GetParam()});
  peer = link->peer.get();
  peer->setup("/");
  run();
  announcements = peer->incoming(BidiType::announce).front();
  announce("live");
  run();
  EXPECT_TRUE(violated());
}

TEST_P(BadPublisher05, DatagramsOfAnyKindReachOnlyWhoSubscribed) {
  start();
  subscribe();
  auto& transport = peer->transport();
  const auto datagram = [&](std::uint64_t to, std::uint64_t sequence, std::uint64_t timestamp,
                            std::size_t size) {
    Buffer out;
    for (const std::uint64_t value : {to, sequence, timestamp}) lite::append_varint(out, value);
    out.resize(out.size() + size, 'x');
    transport.send_datagram(Bytes::copy_of(out));
  };
  datagram(id + 1, 0, 0, 10);
  datagram(id, 0, 0, 0);
  datagram(id, kBig, kBig, 100);
  datagram(id, kBig, kBig, 1100);
  run();
  ASSERT_EQ(seen.datagrams.size(), 3U);
  EXPECT_EQ(seen.datagrams[1].sequence, kBig);
  EXPECT_EQ(seen.datagrams[1].timestamp, kBig);
  subscription.reset();
  run();
  datagram(id, 1, 1, 10);
  run();
  EXPECT_EQ(seen.datagrams.size(), 3U);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(BadPublisher05, FetchesThatAreAnsweredBadlyFailAlone) {
  start();
  subscribe();
  std::vector<std::optional<Error>> failures(3);
  for (std::size_t i = 0; i < failures.size(); ++i) {
    track->fetch(100 + i, [&failures, i](Result<std::shared_ptr<Group>> got) {
      if (!got) failures[i] = got.error();
    });
  }
  run();
  const auto fetches = peer->incoming(BidiType::fetch);
  ASSERT_EQ(fetches.size(), 3U);
  Buffer large = {0};
  lite::append_varint(large, kBig);
  fetches[0]->send(large);
  fetches[1]->reset(code(StreamError::not_found)).stop(1);
  fetches[2]->send(frame("torn")).reset(9);
  run();
  EXPECT_TRUE(failures[0]);
  ASSERT_TRUE(failures[1]);
  EXPECT_TRUE(failures[1]->is(StreamError::not_found));
  EXPECT_TRUE(fetches[0]->was_reset);
  EXPECT_FALSE(link->error());
  expect_clean();
}

}  // namespace
}  // namespace moq
