// A peer that does anything, well formed or not, to a session of a relay that has
// a live broadcast: nothing crashes, what it can make the relay hold is bounded,
// and nothing of it stays once it is gone.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "net/session/testing/cluster.h"
#include "net/session/testing/raw_peer.h"

namespace {

using namespace moq::lite;
using moq::fuzz::Input;
using moq::fuzz::require;
using moq::testing::Buffer;
using moq::testing::Node;
using moq::testing::RawLink;
using moq::testing::RawPeer;
using moq::testing::RawStream;
using moq::testing::run_for;
using moq::testing::Source;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMaxSteps = 64;
/// What one input, of a few kilobytes, may make the cache hold.
constexpr std::uint64_t kMaxCached = 4U << 20;

/// A small number, or now and then one at an edge.
std::uint64_t number(Input& input) {
  static constexpr std::uint64_t kEdges[] = {63, 64, 16383, 1U << 30, (std::uint64_t{1} << 62) - 1};
  const std::size_t pick = input.choose(40);
  return pick < 32 ? pick % 8 : kEdges[pick % std::size(kEdges)];
}

moq::Duration latency(Input& input) {
  return milliseconds(std::min<std::uint64_t>(number(input), std::uint64_t{1} << 40));
}

std::string name(Input& input) {
  static const std::string kNames[] = {"live", "video", "other", "", "a/b", std::string(1025, 'x')};
  return kNames[input.choose(std::size(kNames))];
}

moq::setup::Parameters parameters(Input& input) {
  moq::setup::Parameters out(input.choose(4));
  for (auto& parameter : out) {
    parameter = {.id = input.choose(8), .number = number(input), .bytes = name(input)};
  }
  return out;
}

Buffer client_setup(Input& input) {
  moq::setup::ClientSetup message{.versions = {}, .parameters = parameters(input)};
  for (std::size_t i = input.choose(4); i > 0; --i) {
    message.versions.push_back(0xff0dad00 + input.choose(8));
  }
  return moq::setup::encode(message);
}

Buffer server_setup(Input& input) {
  return moq::setup::encode(moq::setup::ServerSetup{.version = 0xff0dad00 + input.choose(8),
                                                    .parameters = parameters(input)});
}

/// The first message of one of the peer's bidirectional streams, with its type.
Buffer request(Input& input, const RawPeer& peer) {
  const VersionInfo& version = peer.traits();
  switch (input.choose(7)) {
    case 0:
      return peer.first(BidiType::announce, AnnounceRequest{.prefix = name(input)});
    case 1:
      return peer.first(BidiType::subscribe,
                        Subscribe{.id = number(input),
                                  .broadcast = name(input),
                                  .track = name(input),
                                  .ordered = input.choose(2) != 0,
                                  .max_latency = latency(input),
                                  .start_group = input.choose(2) != 0 ? std::optional(number(input))
                                                                      : std::nullopt});
    case 2:
      if (!version.has_fetch) return {0x03, 0x00};
      return peer.first(
          BidiType::fetch,
          Fetch{.broadcast = name(input), .track = name(input), .group = number(input)});
    case 3:
      if (!version.has_probe) return {0x04, 0x00};
      return peer.first(BidiType::probe, Probe{.bitrate = number(input)});
    case 4:
      if (!version.has_goaway) return {0x05, 0x00};
      return peer.first(BidiType::goaway, Goaway{.uri = name(input)});
    case 5:
      return client_setup(input);
    default:
      if (!version.has_track_stream) return {0x3f};
      return peer.first(BidiType::track,
                        TrackRequest{.broadcast = name(input), .track = name(input)});
  }
}

/// What a publisher may answer on a stream that the session has opened, or send
/// on one of its own.
Buffer answer(Input& input, const RawPeer& peer) {
  const VersionInfo& version = peer.traits();
  switch (input.choose(9)) {
    case 0:
      if (version.has_announce_init) {
        return peer.body(AnnounceInit{.suffixes = {name(input), name(input)}});
      }
      if (version.has_announce_ok) return peer.body(AnnounceOk{.hop_id = number(input)});
      [[fallthrough]];
    case 1:
      return peer.body(AnnounceBroadcast{
          .status = input.choose(3) == 0 ? AnnounceStatus::ended : AnnounceStatus::active,
          .suffix = name(input),
          .hops = {number(input)}});
    case 2:
      if (version.has_track_stream) return peer.body(TrackInfoMessage{});
      return peer.answer(version.responses.ok, SubscribeOkProperties{});
    case 3:
      if (!version.responses.drop) return {1};
      return peer.answer(version.responses.drop,
                         SubscribeDrop{.start = number(input), .end = number(input)});
    case 4:
      if (!version.responses.end) return {1};
      return peer.answer(version.responses.end, SubscribeEnd{.group = number(input)});
    case 5:
      if (!version.has_subscribe_options) return {1};
      return peer.body(SubscribeUpdate{.max_latency = latency(input)});
    case 6:
      if (!version.has_session_stream) return {1};
      return peer.body(SessionInfo{.bitrate = number(input)});
    case 7:
      return server_setup(input);
    default:
      return peer.frame(std::string(input.choose(200), 'f'), number(input));
  }
}

/// Any bytes, or a well-formed message that may be cut short or changed.
Buffer damaged(Input& input, Buffer bytes) {
  switch (input.choose(8)) {
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

void step(Input& input, moq::Loop& loop, RawLink& link, Source& source, std::uint64_t& sequence) {
  RawPeer& peer = *link.peer;
  auto& streams = peer.streams();
  const auto some = [&]() -> RawStream* {
    return streams.empty() ? nullptr : streams[input.choose(streams.size())].get();
  };
  switch (input.choose(10)) {
    case 0:
    case 1:
      peer.open_bidi(damaged(input, request(input, peer)));
      break;
    case 2:
      if (input.choose(8) == 0) {
        peer.setup();
      } else {
        peer.group(number(input), number(input), damaged(input, answer(input, peer)));
      }
      break;
    case 3:
    case 4:
      if (RawStream* stream = some()) stream->send(damaged(input, answer(input, peer)));
      break;
    case 5:
      if (RawStream* stream = some()) stream->fin();
      break;
    case 6:
      if (RawStream* stream = some()) {
        input.choose(2) != 0 ? stream->reset(number(input)) : stream->stop(number(input));
      }
      break;
    case 7:
      peer.transport().send_datagram(moq::Bytes::copy_of(damaged(input, Buffer(8, 1))));
      break;
    case 8:
      source.group(sequence, {"key", "delta"}, sequence * 10);
      ++sequence;
      break;
    default:
      run_for(loop, milliseconds(input.choose(64)));
      return;
  }
  run_for(loop, milliseconds(3));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  moq::Loop loop;
  Node relay(loop, 22);
  {
    Source source(relay, "live");
    std::uint64_t sequence = 1;
    source.group(0, {"first"});
    RawLink link(loop, relay,
                 {.version = moq::testing::kVersions[input.choose(moq::testing::kVersions.size())],
                  .side = input.choose(4) == 0 ? moq::Side::client : moq::Side::server});
    link.peer->answers_setup = input.choose(8) != 0;
    if (input.choose(8) != 0) link.peer->setup("/");
    // Or a SETUP exchange that goes wrong, in versions that have one.
    if (input.choose(16) == 0) link.peer->open_bidi(damaged(input, client_setup(input)));
    // Someone here who wants what the peer may announce.
    moq::testing::Viewer viewer;
    std::unique_ptr<moq::Subscription> subscription;
    for (std::size_t i = 0; i < kMaxSteps && !input.rest().empty() && !link.error(); ++i) {
      step(input, loop, link, source, sequence);
      if (subscription == nullptr) {
        if (const auto broadcast = relay.origin.find(moq::Path("other"))) {
          if (const auto track = broadcast->track("video")) {
            subscription = (*track)->subscribe({.max_latency = seconds(1)}, viewer);
          }
        }
      }
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
