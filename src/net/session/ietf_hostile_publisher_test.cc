// What a moq-transport session makes of a publisher that breaks the rules, or sends too
// much: namespaces, answers and objects.

#include <gtest/gtest.h>

#include "net/ietf/fetch_object.h"
#include "net/session/testing/ietf_peer.h"

namespace moq {
namespace {

using ietf::MessageKind;
using ietf::RequestErrorCode;
using ietf::StreamError;
using ietf::SubgroupIdMode;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Buffer;
using testing::IetfLink;
using testing::IetfPeer;
using testing::Node;
using testing::RawStream;
using testing::run_for;
using testing::Viewer;
using testing::operator+;

constexpr std::uint64_t kBig = coding::kMaxVarint;
constexpr SubscribeOptions kWanted{.max_latency = seconds(10)};
constexpr std::uint64_t kAlias = 5;

/// A relay whose raw peer publishes what it likes.
class IetfBadPublisher : public ::testing::TestWithParam<const char*> {
 protected:
  void start(const SessionLimits& limits = {}, Side side = Side::server) {
    link.emplace(loop, relay,
                 IetfLink::Options{.version = GetParam(), .side = side, .limits = limits});
    peer = link->peer.get();
    peer->setup();
    run();
    ASSERT_FALSE(link->error());
  }
  void run(Duration duration = milliseconds(100)) { run_for(loop, duration); }
  [[nodiscard]] bool violated() const {
    return link->closed_with(SessionError::protocol_violation);
  }
  [[nodiscard]] std::uint64_t code(StreamError error) const {
    return ietf::wire_code(peer->version(), error);
  }
  IetfPeer::Asked announce(const std::string& name) {
    return peer->ask(ietf::PublishNamespace{.track_namespace = {name}});
  }
  [[nodiscard]] std::shared_ptr<Broadcast> find(const std::string& path) {
    return relay.origin.find(Path(path));
  }
  /// Wants "live", "video" at the relay, so that the peer is asked.
  void want() {
    announce("live");
    run();
    track = find("live")->track("video").value();
    subscription = track->subscribe(kWanted, seen);
    run();
    const auto asked = peer->heard<ietf::Subscribe>();
    ASSERT_EQ(asked.size(), 1U);
    request = asked.front().stream;
    id = asked.front().message.request_id;
  }
  void accept(std::uint64_t alias = kAlias) {
    peer->answer(*request, ietf::SubscribeOk{.request_id = id, .track_alias = alias},
                 MessageKind::subscribe);
  }
  void subscribe(const SessionLimits& limits = {}) {
    start(limits);
    want();
    accept();
    run();
    ASSERT_TRUE(seen.info);
  }
  /// A subgroup stream with the id of its group's first, on the alias of the subscription.
  RawStream& group(std::uint64_t sequence, const Buffer& objects = {}) {
    return peer->subgroup({.track_alias = kAlias, .group = sequence, .end_of_group = true},
                          objects);
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
  std::optional<IetfLink> link;
  IetfPeer* peer = nullptr;
  Viewer seen;
  std::shared_ptr<Track> track;
  std::unique_ptr<Subscription> subscription;
  RawStream* request = nullptr;
  std::uint64_t id = 0;
};

// --- Namespaces

TEST_P(IetfBadPublisher, MoreNamespacesThanTheLimitAreRefused) {
  start({.max_announced = 2});
  std::vector<IetfPeer::Asked> all;
  for (const char* name : {"a", "b", "c"}) all.push_back(announce(name));
  run();
  EXPECT_EQ(relay.origin.size(), 2U);
  EXPECT_FALSE(peer->refusal(all[1]));
  EXPECT_TRUE(peer->refusal(all[2]));
  EXPECT_EQ(link->refused, std::vector{SessionLimit::announcements});
  if (peer->on_streams()) {
    peer->cancel(all[0]);
  } else {
    peer->control().send(peer->encoded(ietf::PublishNamespaceDone{.track_namespace = {"a"}}));
  }
  run();
  const auto next = announce("d");
  run();
  EXPECT_FALSE(peer->refusal(next));
  EXPECT_NE(find("d"), nullptr);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfBadPublisher, NamespacesThatComeAndGoLeaveNothing) {
  start();
  const std::size_t before = link->session->active();
  for (int i = 0; i < 100; ++i) {
    const auto asked = announce("live");
    run(milliseconds(5));
    ASSERT_NE(find("live"), nullptr);
    Viewer viewer;
    const auto brief = find("live")->track("video").value()->subscribe(kWanted, viewer);
    run(milliseconds(5));
    if (peer->on_streams()) {
      i % 2 == 0 ? (void)asked.stream->fin() : peer->cancel(asked);
    } else {
      peer->control().send(peer->encoded(ietf::PublishNamespaceDone{.track_namespace = {"live"}}));
    }
    run(milliseconds(5));
  }
  run(seconds(5));
  EXPECT_EQ(find("live"), nullptr);
  EXPECT_EQ(link->session->active(), before);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfBadPublisher, NamesWithoutEndAreBoundedThoughNeverAnswered) {
  start();
  announce("live");
  run();
  const auto broadcast = find("live");
  for (int i = 0; i < 1500; ++i) {
    ASSERT_TRUE(broadcast->track("name" + std::to_string(i))) << i;
    run(milliseconds(1));
  }
  EXPECT_LE(link->session->active(), 1030U);
  EXPECT_FALSE(link->error());
  expect_clean();
}

// --- Answers

TEST_P(IetfBadPublisher, AnswersThatMayNotBeCloseTheSession) {
  struct Case {
    const char* what;
    std::function<void()> send;
  };
  const auto answer = [this](const auto& message, MessageKind about) {
    peer->answer(*request, message, about);
  };
  const std::vector<Case> cases = {
      {"a second SUBSCRIBE_OK",
       [&] {
         accept();
         accept(9);
       }},
      {"a second PUBLISH_DONE",
       [&] {
         accept();
         for (int i = 0; i < 2; ++i) {
           answer(ietf::PublishDone{.request_id = id, .status = 2, .stream_count = kBig},
                  MessageKind::subscribe);
         }
       }},
      {"an answer cut short",
       [&] {
         Buffer bytes = peer->encoded(ietf::SubscribeOk{.request_id = id, .track_alias = 300});
         --bytes[2];
         request->send(Buffer(bytes.begin(), bytes.end() - 1));
       }},
      {"what is no answer", [&] { request->send(peer->raw(0x3e, {})); }},
  };
  for (const Case& given : cases) {
    SCOPED_TRACE(given.what);
    start();
    want();
    given.send();
    run();
    EXPECT_TRUE(violated());
    EXPECT_TRUE(seen.error);
    expect_clean();
  }
}

TEST_P(IetfBadPublisher, AliasInUseClosesTheSession) {
  subscribe();
  Viewer other;
  const auto second = find("live")->track("audio").value()->subscribe(kWanted, other);
  run();
  const auto asked = peer->heard<ietf::Subscribe>();
  ASSERT_EQ(asked.size(), 2U);
  peer->answer(*asked[1].stream,
               ietf::SubscribeOk{.request_id = asked[1].message.request_id, .track_alias = kAlias},
               MessageKind::subscribe);
  run();
  EXPECT_TRUE(link->closed_with(SessionError::duplicate_track_alias));
  expect_clean();
}

TEST_P(IetfBadPublisher, RefusalAndSilenceAreToldApart) {
  start();
  want();
  run(seconds(60));
  EXPECT_FALSE(seen.error);
  peer->answer(*request,
               ietf::RequestError{
                   .request_id = id,
                   .failure = {.code = ietf::wire_code(peer->version(), MessageKind::subscribe,
                                                       RequestErrorCode::does_not_exist),
                               .reason = "no"}},
               MessageKind::subscribe);
  run();
  ASSERT_TRUE(seen.error);
  EXPECT_TRUE(seen.error->is(RequestErrorCode::does_not_exist));
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfBadPublisher, WhoNeverAnswersKeepsNothingOnceNobodyWants) {
  start();
  const std::size_t before = link->session->active();
  for (int i = 0; i < 50; ++i) {
    announce("live" + std::to_string(i));
    run(milliseconds(5));
    Viewer viewer;
    const auto brief =
        find("live" + std::to_string(i))->track("video").value()->subscribe(kWanted, viewer);
    run(milliseconds(5));
  }
  run(seconds(5));
  // The namespaces themselves.
  EXPECT_EQ(link->session->active(), before + 50);
  expect_clean();
}

TEST_P(IetfBadPublisher, AnswersAfterTheEndAreIgnored) {
  start();
  want();
  subscription.reset();
  run(seconds(3));
  accept();
  group(0, peer->object(0, "late")).fin();
  run();
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfBadPublisher, FetchesThatAreAnsweredBadlyFailAlone) {
  subscribe();
  std::vector<std::optional<Error>> failures(3);
  for (std::size_t i = 0; i < failures.size(); ++i) {
    track->fetch(100 + i, [&failures, i](Result<std::shared_ptr<Group>> got) {
      if (!got) failures[i] = got.error();
    });
  }
  run();
  const auto fetches = peer->heard<ietf::Fetch>();
  ASSERT_EQ(fetches.size(), 3U);
  const auto header = [&](std::size_t i) {
    return ietf::encode(peer->version(),
                        ietf::FetchHeader{.request_id = fetches[i].message.request_id})
        .value();
  };
  Buffer large = header(0);
  ietf::FetchWriter writer(peer->version(), ietf::GroupOrder::ascending);
  ASSERT_TRUE(writer.object(
      large, {.location = {.group = 100}, .subgroup = 0, .priority = 1, .size = (32U << 20) + 1}));
  RawStream& first = peer->open_uni(large);
  // The same again; it is nobody's.
  RawStream& again = peer->open_uni(header(1));
  RawStream& third = peer->open_uni(header(1));
  run();
  third.send(Buffer(100, 0)).reset(1);
  again.reset(7);
  peer->open_uni(header(2)).fin();
  run();
  for (const auto& failure : failures) EXPECT_TRUE(failure);
  EXPECT_TRUE(first.was_stopped);
  EXPECT_FALSE(link->error());
  expect_clean();
}

// --- Objects

TEST_P(IetfBadPublisher, GroupsAtTheEndOfTheNumbersArrive) {
  subscribe();
  const std::uint64_t last = coding::max_integer(peer->traits().integers);
  group(last - 1, peer->object(last, "last")).fin();
  group(0, peer->object(0, "first")).fin();
  run();
  ASSERT_TRUE(seen.groups.contains(last - 1));
  EXPECT_EQ(seen.groups[last - 1]->only().objects().back().id, last);
  EXPECT_EQ(seen.text(last - 1), "last");
  peer->answer(*request, ietf::PublishDone{.request_id = id, .status = 2, .stream_count = 2},
               MessageKind::subscribe);
  run(seconds(3));
  EXPECT_EQ(seen.end, last);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfBadPublisher, NumbersThatAViewerCannotBeToldOfHarmNobody) {
  subscribe();
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<testing::Connection>> down;
  std::vector<std::unique_ptr<Viewer>> viewers;
  std::vector<std::unique_ptr<Subscription>> wants;
  for (const char* version :
       {"moq-lite-01", "moq-lite-03", "moq-lite-05", "moq-transport-14", "moq-transport-18"}) {
    nodes.push_back(std::make_unique<Node>(loop, 40 + nodes.size()));
    down.push_back(testing::connect(loop, *nodes.back(), relay, {.version = version}));
    run();
    const auto broadcast = nodes.back()->origin.find(Path("live"));
    ASSERT_NE(broadcast, nullptr) << version;
    viewers.push_back(std::make_unique<Viewer>());
    wants.push_back(broadcast->track("video").value()->subscribe(kWanted, *viewers.back()));
    run();
  }
  const std::uint64_t last = coding::max_integer(peer->traits().integers);
  group(1, peer->object(0, "one")).fin();
  run();
  // An id of an object first: the group that follows is the latest for good.
  group(2, peer->object(0, "a") + peer->object(last, "b", 0)).fin();
  run();
  group(last, peer->object(last, "c")).fin();
  peer->datagram(ietf::encode(peer->version(), ietf::ObjectDatagram{.track_alias = kAlias,
                                                                    .group = last,
                                                                    .object = last,
                                                                    .priority = 1,
                                                                    .payload = Bytes::copy_of("d")})
                     .value());
  run(seconds(2));
  EXPECT_FALSE(link->error());
  for (std::size_t i = 0; i < down.size(); ++i) {
    EXPECT_FALSE(down[i]->client_error) << i << ' ' << down[i]->client_error->message();
    EXPECT_FALSE(down[i]->server_error) << i << ' ' << down[i]->server_error->message();
    EXPECT_EQ(viewers[i]->text(1), "one") << i;
  }
  EXPECT_EQ(viewers.back()->text(last), "c");
  wants.clear();
  down.clear();
  expect_clean();
}

TEST_P(IetfBadPublisher, SubgroupsWithoutEndAreBounded) {
  subscribe();
  std::vector<RawStream*> streams;
  for (std::uint64_t i = 0; i < 90; ++i) {
    streams.push_back(&peer->subgroup({.track_alias = kAlias,
                                       .group = 1,
                                       .id_mode = SubgroupIdMode::explicit_id,
                                       .subgroup = i == 89 ? kBig : i},
                                      peer->object(i, "x")));
    run(milliseconds(2));
  }
  run();
  EXPECT_EQ(seen.groups.at(1)->subgroups().size(), 64U);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    EXPECT_EQ(streams[i]->was_stopped.has_value(), i >= 64) << i;
  }
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfBadPublisher, ObjectsWithoutEndAreBounded) {
  subscribe();
  RawStream& stream = group(1);
  std::optional<std::uint64_t> previous;
  for (int batch = 0; batch < 70 && !stream.was_stopped; ++batch) {
    Buffer bytes;
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t next = previous ? *previous + 1 : 0;
      const Buffer object = peer->object(next, "x", previous);
      bytes.insert(bytes.end(), object.begin(), object.end());
      previous = next;
    }
    stream.send(bytes);
    run(milliseconds(5));
  }
  EXPECT_EQ(stream.was_stopped, code(StreamError::too_far_behind));
  EXPECT_LE(seen.groups.at(1)->only().objects().size(), 65536U);
  EXPECT_FALSE(link->error());
  group(2, peer->object(0, "good")).fin();
  run();
  EXPECT_EQ(seen.text(2), "good");
  expect_clean();
}

TEST_P(IetfBadPublisher, ObjectsThatAreTooLargeEndOnlyTheirStream) {
  subscribe();
  const ietf::StreamObject header{.id = 0, .size = (32U << 20) + 1};
  RawStream& stream =
      group(0, ietf::encode_object(peer->traits(), header, std::nullopt, std::nullopt)->bytes);
  run();
  EXPECT_TRUE(stream.was_stopped);
  EXPECT_FALSE(link->error());
  group(1, peer->object(0, "good")).fin();
  run();
  EXPECT_EQ(seen.text(1), "good");
  expect_clean();
}

TEST_P(IetfBadPublisher, PropertiesThatAreTooLargeEndOnlyTheirStream) {
  subscribe();
  RawStream& stream = peer->subgroup({.track_alias = kAlias, .group = 0, .has_properties = true});
  stream.send(peer->number(0) + peer->number(1 << 20) + Buffer(200000, 0));
  run();
  EXPECT_TRUE(stream.was_stopped);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfBadPublisher, StatusesThatMayNotBeCloseTheSession) {
  for (const std::uint64_t status : {std::uint64_t{2}, std::uint64_t{7}, kBig}) {
    subscribe();
    group(0, peer->number(0) + peer->number(0) + peer->number(status));
    run();
    EXPECT_TRUE(violated()) << status;
    expect_clean();
  }
}

TEST_P(IetfBadPublisher, IdsBeyondTheNumbersCloseTheSession) {
  subscribe();
  const std::uint64_t last = coding::max_integer(peer->traits().integers);
  group(0, peer->object(last, "x") + peer->number(0) + peer->number(1) + Buffer{'y'});
  run();
  EXPECT_TRUE(violated());
  expect_clean();
}

TEST_P(IetfBadPublisher, EndInsideOfAnObjectClosesTheSession) {
  subscribe();
  Buffer cut = peer->object(0, "whole");
  cut.pop_back();
  group(0, cut).fin();
  run();
  EXPECT_TRUE(violated());
  expect_clean();
}

TEST_P(IetfBadPublisher, ResetStreamLeavesATornSubgroup) {
  subscribe();
  RawStream& stream = group(0, peer->object(0, "one"));
  run();
  EXPECT_EQ(seen.text(0), "one+");
  stream.reset(kBig);
  run();
  EXPECT_EQ(seen.groups.at(0)->only().state(), Subgroup::State::aborted);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfBadPublisher, SameSubgroupAgainIsStopped) {
  subscribe();
  group(3, peer->object(0, "one")).fin();
  run();
  RawStream& again = group(3, peer->object(0, "two"));
  run();
  EXPECT_TRUE(again.was_stopped);
  EXPECT_EQ(seen.text(3), "one");
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfBadPublisher, HalfAnObjectIsKeptNoLongerThanItsTrack) {
  subscribe();
  RawStream& stream = group(0, peer->object(0, "one") + peer->number(0) + peer->number(1000));
  run(seconds(30));
  EXPECT_FALSE(stream.was_stopped);
  EXPECT_EQ(seen.text(0), "one+");
  subscription.reset();
  seen = {};
  run(seconds(5));
  EXPECT_EQ(link->session->serving(), 0U);
  EXPECT_FALSE(link->error());
  expect_clean();
}

// --- PUBLISH

TEST_P(IetfBadPublisher, TrackThatIsPublishedTwiceIsRefused) {
  start();
  const ietf::FullTrackName name{.track_namespace = {"a"}, .track_name = "v"};
  const auto first = peer->ask(ietf::Publish{.track = name, .track_alias = 1});
  const auto second = peer->ask(ietf::Publish{.track = name, .track_alias = 2});
  run();
  EXPECT_FALSE(peer->refusal(first));
  EXPECT_TRUE(peer->refusal(second));
  EXPECT_FALSE(link->error());
  peer->ask(
      ietf::Publish{.track = {.track_namespace = {"b"}, .track_name = "v"}, .track_alias = 1});
  run();
  EXPECT_TRUE(link->closed_with(SessionError::duplicate_track_alias));
  expect_clean();
}

TEST_P(IetfBadPublisher, TracksThatArePublishedWithoutEndAreBounded) {
  start({.max_requests = 20});
  std::vector<IetfPeer::Asked> all;
  for (std::uint64_t i = 0; i < 30; ++i) {
    all.push_back(peer->ask(ietf::Publish{
        .track = {.track_namespace = {std::to_string(i)}, .track_name = "v"}, .track_alias = i}));
    run(milliseconds(5));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(peer->refusal(all[i]).has_value(), i >= 20) << i;
  }
  EXPECT_EQ(relay.origin.size(), 20U);
  EXPECT_FALSE(link->error());
  expect_clean();
}

// --- A server that is asked for what it has

/// In drafts with NAMESPACE.
class IetfBadServer : public IetfBadPublisher {
 protected:
  void begin(const SessionLimits& limits = {}) {
    start(limits, Side::client);
    const auto asked = peer->heard<ietf::SubscribeNamespace>();
    ASSERT_EQ(asked.size(), 1U);
    request = asked.front().stream;
    tell(ietf::RequestOk{});
  }
  template <typename M>
  void tell(const M& message) {
    peer->answer(*request, message, MessageKind::subscribe_namespace);
  }
};

TEST_P(IetfBadServer, MoreThanTheLimitIsIgnoredAndMayEnd) {
  begin({.max_announced = 2});
  for (const char* name : {"a", "b", "c", "d"}) tell(ietf::NamespaceAdded{.suffix = {name}});
  run();
  EXPECT_EQ(relay.origin.size(), 2U);
  EXPECT_EQ(link->refused, std::vector(2, SessionLimit::announcements));
  tell(ietf::NamespaceDone{.suffix = {"d"}});
  tell(ietf::NamespaceDone{.suffix = {"a"}});
  run();
  EXPECT_EQ(relay.origin.size(), 1U);
  tell(ietf::NamespaceAdded{.suffix = {"e"}});
  run();
  EXPECT_NE(find("e"), nullptr);
  EXPECT_FALSE(link->error());
  expect_clean();
}

TEST_P(IetfBadServer, EndOfWhatIsNotThereClosesTheSession) {
  begin();
  tell(ietf::NamespaceAdded{.suffix = {"a"}});
  run();
  EXPECT_NE(find("a"), nullptr);
  tell(ietf::NamespaceDone{.suffix = {"b"}});
  run();
  EXPECT_TRUE(violated());
  EXPECT_EQ(find("a"), nullptr);
  expect_clean();
}

TEST_P(IetfBadServer, EndOfTheStreamEndsAll) {
  begin();
  tell(ietf::NamespaceAdded{.suffix = {"a"}});
  run();
  request->fin();
  run();
  EXPECT_EQ(find("a"), nullptr);
  EXPECT_FALSE(link->error());
  expect_clean();
}

INSTANTIATE_TEST_SUITE_P(Drafts, IetfBadPublisher, ::testing::ValuesIn(testing::kDrafts),
                         testing::kVersionName);
INSTANTIATE_TEST_SUITE_P(Drafts, IetfBadServer, ::testing::Values("moq-transport-18"),
                         testing::kVersionName);

}  // namespace
}  // namespace moq
