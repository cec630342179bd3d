#include <utility>
#include <vector>

#include <fmt/format.h>

#include "moq-interop-client/stage.h"
#include "net/ietf/mapping.h"

/// What the runner's cases leave out: that objects arrive.
namespace moq::interop {

namespace {

/// A payload that no other is, of bytes of every value.
std::string payload(std::size_t size, std::uint32_t seed) {
  std::string out(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& byte : out) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return out;
}

/// A publisher and a subscriber of its track, who has been accepted.
struct Pair {
  Peer* publisher = nullptr;
  PublishedTrack* track = nullptr;
  ietf::FullTrackName name;
  Peer* subscriber = nullptr;
  std::uint64_t alias = 0;
};

/// `peer` subscribes, by `filter`; `alias` is of its SUBSCRIBE_OK.
Wrong subscribe(Stage& stage, Peer& peer, const ietf::FullTrackName& track,
                const ietf::Filter& filter, const Asked*& request, ietf::SubscribeOk& ok) {
  request = &peer.ask(ietf::Subscribe{.track = track, .filter = filter});
  if (auto wrong = stage.accepted(peer, *request, ietf::MessageKind::subscribe_ok)) return wrong;
  ok = peer.as<ietf::SubscribeOk>(request->answers.front());
  return std::nullopt;
}

Wrong make(Stage& stage, Pair& pair) {
  pair.name = {.track_namespace = ietf::to_namespace(Path(stage.own_namespace())),
               .track_name = std::string(kTrack)};
  pair.publisher = &stage.join("publisher");
  if (auto wrong = stage.ready(*pair.publisher)) return wrong;
  pair.track = &pair.publisher->publish(pair.name);
  const Asked& announced =
      pair.publisher->ask(ietf::PublishNamespace{.track_namespace = pair.name.track_namespace});
  if (auto wrong = stage.accepted(*pair.publisher, announced, ietf::MessageKind::request_ok)) {
    return wrong;
  }
  pair.subscriber = &stage.join("subscriber");
  if (auto wrong = stage.ready(*pair.subscriber)) return wrong;
  const Asked* request = nullptr;
  ietf::SubscribeOk ok;
  if (auto wrong = subscribe(stage, *pair.subscriber, pair.name,
                             {.type = ietf::FilterType::largest_object}, request, ok)) {
    return wrong;
  }
  pair.alias = ok.track_alias;
  if (!stage.wait_up([&] { return pair.track->subscriptions() != 0; })) {
    return stage.missing("the relay's SUBSCRIBE at the publisher");
  }
  return std::nullopt;
}

using Objects = std::map<Location, std::string>;

/// What of `sent` is not in `got`, for people; empty: it is all there.
std::string difference(const Objects& sent, const Objects& got) {
  for (const auto& [where, bytes] : sent) {
    const auto found = got.find(where);
    if (found == got.end()) {
      return fmt::format("{} of {} objects; not {}/{}", got.size(), sent.size(), where.group,
                         where.object);
    }
    if (found->second != bytes) {
      return fmt::format("object {}/{} with {} other bytes", where.group, where.object,
                         found->second.size());
    }
  }
  return {};
}

/// All of `sent` arrives in `got`.
Wrong arrives(Stage& stage, const Objects& sent, const ReceivedObjects& got,
              const std::string& expected) {
  if (stage.wait_up([&] { return difference(sent, got.objects).empty(); })) return std::nullopt;
  Failure failure = stage.missing(expected);
  if (failure.received == "nothing") failure.received = difference(sent, got.objects);
  return failure;
}

}  // namespace

Wrong object_data(Stage& stage) {
  Pair pair;
  if (auto wrong = make(stage, pair)) return wrong;
  // One byte; one that fills no packet; one that takes many.
  constexpr std::size_t kSizes[] = {1, 1000, 100000};
  Objects sent;
  for (std::uint64_t group = 0; group < 2; ++group) {
    std::uint64_t id = 0;
    for (const std::size_t size : kSizes) {
      const std::string bytes = payload(size, static_cast<std::uint32_t>(group * 100 + id));
      sent[{group, id++}] = bytes;
      pair.track->add(group, bytes);
    }
    pair.track->end(group);
  }
  const ReceivedObjects& got = pair.subscriber->subscribed(pair.alias);
  if (auto wrong = arrives(stage, sent, got, "6 objects in 2 groups, as they were sent")) {
    return wrong;
  }
  if (!stage.wait_up([&] { return got.ended_groups.size() == 2; })) {
    return stage.missing("the ends of both groups");
  }
  return stage.all_well();
}

Wrong joining_fetch(Stage& stage) {
  Pair pair;
  if (auto wrong = make(stage, pair)) return wrong;
  Objects earlier;
  for (std::uint64_t id = 0; id < 3; ++id) {
    const std::string bytes = payload(5000, static_cast<std::uint32_t>(id));
    earlier[{0, id}] = bytes;
    pair.track->add(0, bytes);
  }
  if (auto wrong = arrives(stage, earlier, pair.subscriber->subscribed(pair.alias),
                           "3 objects at the first subscriber")) {
    return wrong;
  }
  Peer& late = stage.join("late subscriber");
  if (auto wrong = stage.ready(late)) return wrong;
  const Asked* subscription = nullptr;
  ietf::SubscribeOk ok;
  if (auto wrong = subscribe(stage, late, pair.name, {.type = ietf::FilterType::largest_object},
                             subscription, ok)) {
    return wrong;
  }
  if (ok.largest != Location{0, 2}) {
    return Failure{.expected = "SUBSCRIBE_OK with the largest object 0/2",
                   .received = subscription->answers.front().text};
  }
  const Asked& fetch = late.ask(ietf::Fetch{.range = {.type = ietf::FetchType::relative_joining,
                                                      .joining_request_id = subscription->id}});
  if (auto wrong = stage.accepted(late, fetch, ietf::MessageKind::fetch_ok)) return wrong;
  const ReceivedObjects& fetched = late.fetched(fetch.id);
  if (auto wrong = arrives(stage, earlier, fetched, "objects 0/0 to 0/2 by the FETCH")) {
    return wrong;
  }
  if (!stage.wait_up([&] { return fetched.ended; })) return stage.missing("the FETCH's end");
  // The subscription goes on where the fetch ends.
  const std::string last = payload(5000, 3);
  pair.track->add(0, last);
  pair.track->end(0);
  if (auto wrong = arrives(stage, {{{0, 3}, last}}, late.subscribed(ok.track_alias),
                           "object 0/3 by the subscription")) {
    return wrong;
  }
  return stage.all_well();
}

}  // namespace moq::interop
