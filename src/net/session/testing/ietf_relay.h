#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "net/session/testing/ietf_peer.h"

namespace moq::testing {

/// The track that there is.
inline const ietf::FullTrackName kLive{.track_namespace = {"live"}, .track_name = "video"};

/// A server that has "live" with a track "video", and lets its peer publish.
class IetfRelay : public ::testing::TestWithParam<const char*> {
 protected:
  void connect(const SessionLimits& limits = {},
               const transport::testing::MemoryOptions& options = {}) {
    link.emplace(loop, relay,
                 IetfLink::Options{.version = GetParam(), .link = options, .limits = limits});
    peer = link->peer.get();
  }
  void start(const SessionLimits& limits = {},
             const transport::testing::MemoryOptions& options = {}) {
    connect(limits, options);
    peer->setup();
    run(options.bitrate == 0 ? std::chrono::milliseconds(100) : std::chrono::milliseconds(1000));
    ASSERT_FALSE(link->error());
  }
  void run(Duration duration = std::chrono::milliseconds(100)) { run_for(loop, duration); }
  [[nodiscard]] bool on_streams() const {
    return draft_of(GetParam()).requests == ietf::RequestCarrier::request_streams;
  }
  [[nodiscard]] bool violated() const {
    return link->closed_with(SessionError::protocol_violation);
  }
  [[nodiscard]] std::uint64_t code(ietf::StreamError error) const {
    return ietf::wire_code(peer->version(), error);
  }
  IetfPeer::Asked subscribe(const ietf::FullTrackName& track = kLive) {
    return peer->ask(
        ietf::Subscribe{.track = track, .filter = {.type = ietf::FilterType::largest_object}});
  }
  IetfPeer::Asked fetch(Location start, Location end) {
    return peer->ask(ietf::Fetch{.range = {.track = kLive, .start = start, .end = end}});
  }
  /// What a request is refused with, as the draft can say it.
  void expect_refusal(const IetfPeer::Asked& request, ietf::RequestErrorCode expected) {
    const auto known = ietf::request_error_code(
        peer->version(), request.kind, ietf::wire_code(peer->version(), request.kind, expected));
    EXPECT_EQ(peer->refusal(request), known);
  }
  /// Sends `bytes` as the beginning of a request.
  RawStream& begin(const Buffer& bytes) {
    return on_streams() ? peer->open_bidi(bytes) : peer->control().send(bytes);
  }
  /// Nothing of the session is left, whatever its peer did.
  void expect_clean() {
    link->session.reset();
    link->peer.reset();
    run(std::chrono::seconds(1));
    EXPECT_EQ(relay.origin.size(), 1U);  // "live"
    EXPECT_FALSE(source.track->combined());
  }

  Loop loop;
  Node relay{loop, 22};
  Source source{relay, "live"};
  std::optional<IetfLink> link;
  IetfPeer* peer = nullptr;
};

}  // namespace moq::testing
