// A moq-transport peer that does anything, well formed or not, to a session of a relay
// that has a live broadcast, in any draft and at either side: nothing crashes, what it can
// make the relay hold is bounded, and nothing of it stays once it is gone.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "net/ietf/fetch_object.h"
#include "net/session/testing/cluster.h"
#include "net/session/testing/ietf_peer.h"

namespace {

using namespace moq::ietf;
using moq::Location;
using moq::fuzz::Input;
using moq::fuzz::require;
using moq::testing::Buffer;
using moq::testing::IetfLink;
using moq::testing::IetfPeer;
using moq::testing::Node;
using moq::testing::RawStream;
using moq::testing::run_for;
using moq::testing::Source;
using moq::testing::operator+;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMaxSteps = 64;
/// What one input, of a few kilobytes, may make the cache hold.
constexpr std::uint64_t kMaxCached = 4U << 20;

/// A small number, or now and then one at an edge.
std::uint64_t number(Input& input) {
  static constexpr std::uint64_t kEdges[] = {63,
                                             64,
                                             127,
                                             128,
                                             16383,
                                             1U << 30,
                                             (std::uint64_t{1} << 62) - 1,
                                             std::uint64_t{1} << 62,
                                             ~0ULL - 1,
                                             ~0ULL};
  const std::size_t pick = input.choose(40);
  return pick < 30 ? pick % 8 : kEdges[pick % std::size(kEdges)];
}

TrackNamespace names(Input& input) {
  static const TrackNamespace kNames[] = {{"live"},
                                          {"other"},
                                          {},
                                          {"a", "b"},
                                          {""},
                                          {"a/b"},
                                          {".reserved"},
                                          {std::string(1025, 'x')},
                                          TrackNamespace(32, "f")};
  const std::size_t pick = input.choose(16);
  return kNames[pick < 8 ? pick % 3 : pick % std::size(kNames)];
}

FullTrackName track(Input& input) {
  return {.track_namespace = names(input), .track_name = input.choose(4) != 0 ? "video" : "audio"};
}

std::vector<Token> tokens(Input& input) {
  std::vector<Token> out(input.choose(8) == 0 ? 1 + input.choose(3) : 0);
  for (Token& token : out) {
    token = {.action = static_cast<TokenAction>(input.choose(4)),
             .alias = number(input),
             .type = number(input),
             .value = std::string(input.choose(2) != 0 ? 3 : 9000, 't')};
  }
  return out;
}

Filter filter(Input& input) {
  Filter out{.type = static_cast<FilterType>(1 + input.choose(4))};
  if (out.type == FilterType::absolute_start || out.type == FilterType::absolute_range) {
    out.start = {.group = number(input), .object = number(input)};
    out.end_group = number(input);
  }
  return out;
}

std::optional<Location> place(Input& input) {
  if (input.choose(2) == 0) return std::nullopt;
  return Location{.group = number(input), .object = number(input)};
}

/// A list of properties: any bytes of the input.
moq::Bytes properties(Input& input) {
  Buffer out(input.choose(6));
  for (auto& byte : out) byte = static_cast<std::uint8_t>(input.choose(256));
  return moq::Bytes::copy_of(out);
}

/// What has no encoding is some bytes instead.
template <typename M>
Buffer encoded(const IetfPeer& peer, const M& message, std::optional<MessageKind> about = {}) {
  const auto bytes = encode(peer.version(), message, about);
  return bytes ? *bytes : Buffer{0x3f, 0, 0};
}

std::uint64_t request_id(Input& input, IetfPeer& peer) {
  return input.choose(12) == 0 ? number(input) : peer.take_id();
}

/// The first message of a request.
Buffer request(Input& input, IetfPeer& peer) {
  const std::uint64_t id = request_id(input, peer);
  switch (input.choose(9)) {
    case 0:
    case 1:
      return encoded(peer, Subscribe{.request_id = id,
                                     .track = track(input),
                                     .group_order = static_cast<GroupOrder>(input.choose(3)),
                                     .forward = input.choose(4) != 0,
                                     .filter = filter(input),
                                     .object_delivery_timeout = milliseconds(input.choose(200)),
                                     .tokens = tokens(input)});
    case 2:
    case 3: {
      FetchRange range{.type = static_cast<FetchType>(1 + input.choose(3))};
      if (range.type == FetchType::standalone) {
        range.track = track(input);
        range.start = {.group = number(input), .object = number(input)};
        range.end = {.group = number(input), .object = number(input)};
      } else {
        range.joining_request_id = number(input);
        range.joining_start = number(input);
      }
      return encoded(peer, Fetch{.request_id = id,
                                 .group_order = static_cast<GroupOrder>(1 + input.choose(2)),
                                 .range = range,
                                 .tokens = tokens(input)});
    }
    case 4:
      return encoded(peer, Publish{.request_id = id,
                                   .track = track(input),
                                   .track_alias = number(input),
                                   .largest = place(input),
                                   .forward = input.choose(4) != 0,
                                   .tokens = tokens(input),
                                   .properties = properties(input)});
    case 5:
      return encoded(
          peer, PublishNamespace{
                    .request_id = id, .track_namespace = names(input), .tokens = tokens(input)});
    case 6:
      return encoded(peer, SubscribeNamespace{
                               .request_id = id, .prefix = names(input), .tokens = tokens(input)});
    case 7:
      return encoded(peer,
                     TrackStatus{.request_id = id, .track = track(input), .tokens = tokens(input)});
    default:
      return encoded(peer, SubscribeTracks{.request_id = id, .prefix = names(input)});
  }
}

RequestUpdate update(Input& input, IetfPeer& peer) {
  RequestUpdate out{.request_id = request_id(input, peer), .existing_request_id = number(input)};
  if (!peer.on_streams() || input.choose(2) != 0) out.filter = filter(input);
  if (!peer.on_streams() || input.choose(2) != 0) out.subscriber_priority = 1;
  if (!peer.on_streams() || input.choose(2) != 0) out.forward = input.choose(2) != 0;
  if (input.choose(4) == 0) out.object_delivery_timeout = milliseconds(input.choose(200));
  if (input.choose(8) == 0) out.prefix = names(input);
  out.tokens = tokens(input);
  return out;
}

/// What may come about a request, of either side.
Buffer about_request(Input& input, IetfPeer& peer) {
  const std::uint64_t id = number(input);
  static constexpr MessageKind kKinds[] = {MessageKind::subscribe,
                                           MessageKind::publish,
                                           MessageKind::fetch,
                                           MessageKind::track_status,
                                           MessageKind::publish_namespace,
                                           MessageKind::subscribe_namespace,
                                           MessageKind::subscribe_tracks,
                                           MessageKind::request_update};
  const MessageKind about = kKinds[input.choose(std::size(kKinds))];
  switch (input.choose(16)) {
    case 0:
    case 1:
      return encoded(peer, SubscribeOk{.request_id = id,
                                       .track_alias = number(input),
                                       .largest = place(input),
                                       .properties = properties(input)});
    case 2:
      return encoded(peer, FetchOk{.request_id = id,
                                   .end_of_track = input.choose(2) != 0,
                                   .end = place(input).value_or(Location{}),
                                   .properties = properties(input)});
    case 3:
      return encoded(peer, RequestOk{.request_id = id}, about);
    case 4: {
      RequestError error{.request_id = id,
                         .failure = {.code = number(input), .reason = std::string(9, 'r')}};
      if (input.choose(4) == 0) {
        error.failure.code = 0x34;
        error.failure.redirect = Redirect{.uri = "https://b/", .track = track(input)};
      }
      return encoded(peer, error, about);
    }
    case 5:
    case 6:
      return encoded(peer,
                     PublishDone{.request_id = id,
                                 .status = number(input),
                                 .stream_count = number(input),
                                 .reason = "over"},
                     about);
    case 7:
    case 8:
      return encoded(peer, update(input, peer), about);
    case 9:
      return encoded(peer, NamespaceAdded{.suffix = names(input)});
    case 10:
      return encoded(peer, NamespaceDone{.suffix = names(input)});
    case 11:
      return peer.traits().has_cancel_messages
                 ? encoded(peer, Unsubscribe{.request_id = id})
                 : encoded(peer, RequestGoaway{.uri = "https://b/"}, about);
    case 12:
      return peer.traits().has_cancel_messages
                 ? encoded(peer, FetchCancel{.request_id = id})
                 : encoded(peer, PublishBlocked{.track = track(input)});
    case 13:
      return encoded(peer, PublishNamespaceDone{.track_namespace = names(input), .request_id = id});
    case 14:
      return encoded(peer, UnsubscribeNamespace{.prefix = names(input), .request_id = id});
    default:
      return encoded(peer, PublishOk{.request_id = id, .forward = input.choose(2) != 0}, about);
  }
}

/// What is on the control stream only.
Buffer of_session(Input& input, IetfPeer& peer) {
  switch (input.choose(5)) {
    case 0:
      return encoded(peer, Goaway{.uri = input.choose(2) != 0 ? "https://b/" : "",
                                  .request_id = number(input)});
    case 1:
    case 2:
      return encoded(peer, MaxRequestId{.request_id = number(input)});
    case 3:
      return encoded(peer, RequestsBlocked{.max_request_id = number(input)});
    default:
      return encoded(peer, Setup{.options = {.tokens = tokens(input)}});
  }
}

std::string payload(Input& input) { return std::string(input.choose(200), 'f'); }

Buffer objects(Input& input, const IetfPeer& peer, bool has_properties) {
  Buffer out;
  std::optional<std::uint64_t> previous;
  for (std::size_t i = input.choose(4); i > 0; --i) {
    StreamObject object{.id = previous.value_or(0) + number(input)};
    const std::string text = payload(input);
    object.size = text.size();
    if (text.empty()) object.status = static_cast<Status>(input.choose(5));
    const moq::Bytes list = properties(input);
    const auto header =
        encode_object(peer.traits(), object, previous,
                      has_properties ? std::optional<std::uint64_t>(list.size()) : std::nullopt);
    if (!header) break;
    const auto split = header->bytes.begin() + static_cast<std::ptrdiff_t>(header->split);
    out.insert(out.end(), header->bytes.begin(), split);
    if (has_properties) out.insert(out.end(), list.span().begin(), list.span().end());
    out.insert(out.end(), split, header->bytes.end());
    out.insert(out.end(), text.begin(), text.end());
    previous = object.id;
  }
  return out;
}

/// A unidirectional stream.
Buffer data_stream(Input& input, const IetfPeer& peer) {
  if (input.choose(4) == 0) {
    Buffer out =
        encode(peer.version(), FetchHeader{.request_id = number(input)}).value_or(Buffer{0x05, 1});
    FetchWriter writer(peer.version(), GroupOrder::ascending);
    for (std::size_t i = input.choose(4); i > 0; --i) {
      const std::string text = payload(input);
      const FetchObject object{.location = {.group = number(input), .object = number(input)},
                               .subgroup = number(input),
                               .priority = 1,
                               .size = text.size()};
      if (!writer.object(out, object)) break;
      out.insert(out.end(), text.begin(), text.end());
    }
    return out;
  }
  SubgroupHeader header{.track_alias = number(input),
                        .group = number(input),
                        .id_mode = static_cast<SubgroupIdMode>(input.choose(3)),
                        .priority = 1,
                        .has_properties = input.choose(2) != 0,
                        .end_of_group = input.choose(2) != 0};
  if (header.id_mode == SubgroupIdMode::explicit_id) header.subgroup = number(input);
  return encode(peer.version(), header).value_or(Buffer{0x3f}) +
         objects(input, peer, header.has_properties);
}

Buffer datagram(Input& input, const IetfPeer& peer) {
  ObjectDatagram out{.track_alias = number(input),
                     .group = number(input),
                     .object = number(input),
                     .priority = 1,
                     .end_of_group = input.choose(2) != 0,
                     .payload = moq::Bytes::copy_of(payload(input))};
  if (input.choose(4) == 0) {
    out.status = static_cast<Status>(input.choose(5));
    out.payload = {};
  }
  return encode(peer.version(), out).value_or(Buffer(8, 1));
}

/// Any bytes, or a well-formed message that may be cut short or changed.
Buffer damaged(Input& input, Buffer bytes) {
  switch (input.choose(24)) {
    case 0:
      bytes.resize(input.choose(bytes.size() + 1));
      break;
    case 1:
      if (!bytes.empty()) {
        bytes[input.choose(bytes.size())] ^= static_cast<std::uint8_t>(input.choose(256));
      }
      break;
    case 2:
      bytes.push_back(static_cast<std::uint8_t>(input.choose(256)));
      break;
    default:
      break;
  }
  return bytes;
}

/// Bytes as the input has them, at most 255.
Buffer verbatim(Input& input) {
  Buffer out(std::min(input.choose(256), input.rest().size()));
  for (auto& byte : out) byte = static_cast<std::uint8_t>(input.choose(256));
  return out;
}

/// Those, wherever bytes of the peer's may be.
void send_verbatim(Input& input, IetfPeer& peer) {
  const std::size_t where = input.choose(4);
  const Buffer bytes = verbatim(input);
  if (where == 0 && peer.has_control()) {
    peer.control().send(bytes);
  } else if (where == 1) {
    peer.open_bidi(bytes);
  } else if (where == 2) {
    peer.open_uni(bytes);
  } else {
    peer.datagram(bytes);
  }
}

void step(Input& input, moq::Loop& loop, IetfLink& link, Source& source, std::uint64_t& sequence) {
  IetfPeer& peer = *link.peer;
  auto& streams = peer.streams();
  const auto some = [&]() -> RawStream* {
    if (streams.empty()) return nullptr;
    if (!peer.on_streams() && peer.has_control()) return &peer.control();
    return streams[input.choose(streams.size())].get();
  };
  switch (input.choose(15)) {
    case 0:
    case 1:
    case 2: {
      const Buffer first = damaged(input, request(input, peer));
      if (peer.on_streams() || !peer.has_control()) {
        peer.open_bidi(first);
      } else {
        peer.control().send(first);
      }
      break;
    }
    case 3:
    case 4:
    case 5:
      if (RawStream* stream = some()) stream->send(damaged(input, about_request(input, peer)));
      break;
    case 6:
      if (peer.has_control()) peer.control().send(damaged(input, of_session(input, peer)));
      break;
    case 7:
    case 8: {
      RawStream& stream = peer.open_uni(damaged(input, data_stream(input, peer)));
      if (input.choose(2) != 0) stream.fin();
      break;
    }
    case 9:
      peer.datagram(damaged(input, datagram(input, peer)));
      break;
    case 10:
      if (streams.empty()) break;
      {
        RawStream& stream = *streams[input.choose(streams.size())];
        switch (input.choose(4)) {
          case 0:
            stream.fin();
            break;
          case 1:
            stream.reset(number(input) >> 2);
            break;
          case 2:
            stream.stop(number(input) >> 2);
            break;
          default:
            stream.send(damaged(input, objects(input, peer, input.choose(2) != 0)));
            break;
        }
      }
      break;
    case 11:
      source.group(sequence, {"key", "delta"}, sequence * 10);
      ++sequence;
      break;
    case 12:
      send_verbatim(input, peer);
      break;
    default:
      run_for(loop, milliseconds(input.choose(64)));
      return;
  }
  run_for(loop, milliseconds(3));
}

/// Someone at the relay who wants what the peer may publish.
struct Wants {
  void look(Node& relay) {
    if (subscription != nullptr) return;
    const auto broadcast = relay.origin.find(moq::Path("other"));
    if (broadcast == nullptr) return;
    const auto track = broadcast->track("video");
    if (!track) return;
    subscription = (*track)->subscribe({.max_latency = seconds(1)}, viewer);
    for (std::uint64_t group = 0; group < 3; ++group) {
      (*track)->fetch(group, [](const auto& /*fetched*/) {});
    }
  }

  moq::testing::Viewer viewer;
  std::unique_ptr<moq::Subscription> subscription;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  moq::Loop loop;
  Node relay(loop, 22);
  {
    Source source(relay, "live");
    std::uint64_t sequence = 1;
    source.group(0, {"first"});
    const auto& drafts = moq::testing::kDrafts;
    IetfLink link(loop, relay,
                  {.version = drafts[input.choose(drafts.size())],
                   .side = input.choose(3) == 0 ? moq::Side::client : moq::Side::server});
    if (input.choose(16) != 0) link.peer->setup("/", input.choose(8) == 0 ? number(input) : 4096);
    run_for(loop, milliseconds(5));
    Wants wants;
    for (std::size_t i = 0; i < kMaxSteps && !input.rest().empty() && !link.error(); ++i) {
      step(input, loop, link, source, sequence);
      wants.look(relay);
      require(relay.budget->used.load() <= kMaxCached, "what the peer makes us keep is bounded");
    }
    link.peer.reset();
    run_for(loop, seconds(1));
    require(link.error().has_value(), "a session ends with its peer");
    require(relay.origin.size() == 1, "what the peer announced goes with it");
  }
  run_for(loop, seconds(1));
  require(relay.origin.size() == 0, "nothing is announced any more");
  require(relay.budget->used.load() == 0, "nothing is cached any more");
  return 0;
}
