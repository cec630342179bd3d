#include "moq-interop-client/stage.h"
#include "net/ietf/mapping.h"

/// The cases that the public interop runner (englishm/moq-interop-runner) defines.
namespace moq::interop {

namespace {

constexpr Duration kPublisherDelay = std::chrono::milliseconds(500);

ietf::FullTrackName test_track() {
  return {.track_namespace = Stage::test_namespace(), .track_name = std::string(kTrack)};
}

Asked& announce(Peer& publisher) {
  return publisher.ask(ietf::PublishNamespace{.track_namespace = Stage::test_namespace()});
}

/// A publisher of the test track, which the relay has accepted.
Wrong publish(Stage& stage, Peer& publisher) {
  if (auto wrong = stage.ready(publisher)) return wrong;
  publisher.publish(test_track());
  return stage.accepted(publisher, announce(publisher), ietf::MessageKind::request_ok);
}

}  // namespace

Wrong setup_only(Stage& stage) {
  Peer& peer = stage.join("client");
  if (auto wrong = stage.up(peer)) return wrong;
  peer.close();
  return stage.all_well();
}

Wrong announce_only(Stage& stage) {
  Peer& publisher = stage.join("publisher");
  if (auto wrong = publish(stage, publisher)) return wrong;
  return stage.all_well();
}

Wrong publish_namespace_done(Stage& stage) {
  Peer& publisher = stage.join("publisher");
  if (auto wrong = stage.ready(publisher)) return wrong;
  const Asked& first = announce(publisher);
  if (auto wrong = stage.accepted(publisher, first, ietf::MessageKind::request_ok)) return wrong;
  publisher.withdraw(first, Stage::test_namespace());
  // That the session goes on shows in the answer to another request.
  ietf::TrackNamespace other = Stage::test_namespace();
  other.emplace_back("after");
  const Asked& second = publisher.ask(ietf::PublishNamespace{.track_namespace = std::move(other)});
  if (auto wrong = stage.accepted(publisher, second, ietf::MessageKind::request_ok)) return wrong;
  return stage.all_well();
}

Wrong subscribe_error(Stage& stage) {
  Peer& subscriber = stage.join("subscriber");
  if (auto wrong = stage.ready(subscriber)) return wrong;
  const Asked& request = subscriber.ask(ietf::Subscribe{
      .track = {.track_namespace = ietf::to_namespace(Path("nonexistent/namespace")),
                .track_name = std::string(kTrack)}});
  if (auto wrong = stage.refused(subscriber, request)) return wrong;
  return stage.all_well();
}

Wrong announce_subscribe(Stage& stage) {
  Peer& publisher = stage.join("publisher");
  if (auto wrong = publish(stage, publisher)) return wrong;
  Peer& subscriber = stage.join("subscriber");
  if (auto wrong = stage.ready(subscriber)) return wrong;
  const Asked& request = subscriber.ask(ietf::Subscribe{.track = test_track()});
  if (auto wrong = stage.accepted(subscriber, request, ietf::MessageKind::subscribe_ok)) {
    return wrong;
  }
  return stage.all_well();
}

Wrong subscribe_before_announce(Stage& stage) {
  Peer& subscriber = stage.join("subscriber");
  if (auto wrong = stage.ready(subscriber)) return wrong;
  const Asked& request = subscriber.ask(ietf::Subscribe{.track = test_track()});
  const auto answered = [&] { return !request.answers.empty(); };
  stage.wait_up(answered, kPublisherDelay);
  Peer& publisher = stage.join("publisher");
  if (auto wrong = publish(stage, publisher)) return wrong;
  // A relay may hold the SUBSCRIBE until there is a publisher, or refuse it.
  if (!stage.wait_up(answered)) return stage.missing("SUBSCRIBE_OK or REQUEST_ERROR");
  return stage.all_well();
}

}  // namespace moq::interop
