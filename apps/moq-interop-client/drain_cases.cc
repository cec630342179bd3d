#include <fmt/format.h>

#include "moq-interop-client/lasting.h"

/// What happens to clients of a relay that its operator drains.
namespace moq::interop {

namespace {

const std::vector<std::string> kFirst{"one", "two", "three"};
const std::vector<std::string> kSecond{"four", "five", "six", "seven"};

/// A publisher and a viewer who has the first group.
struct Show {
  Show(Stage& stage, bool reconnect)
      : path(stage.own_namespace()),
        publisher(stage, path, reconnect),
        viewer(stage, path, reconnect) {}

  [[nodiscard]] bool failed() const { return publisher.failed() || viewer.failed(); }

  std::string path;
  Publisher publisher;
  Viewer viewer;
};

/// Waits for `done`; what is wrong if it does not come.
Wrong await(Stage& stage, const Show& show, const std::function<bool()>& done,
            const std::string& expected) {
  const auto command_failed = [&] { return stage.drain_failed().has_value(); };
  stage.wait([&] { return done() || show.failed() || command_failed(); });
  if (done()) return std::nullopt;
  if (auto failure = stage.drain_failed()) return failure;
  Failure failure = stage.missing(expected);
  for (const Lasting* each :
       {static_cast<const Lasting*>(&show.publisher), static_cast<const Lasting*>(&show.viewer)}) {
    if (!each->failed()) continue;
    failure.received =
        fmt::format("the {}'s session has ended: {}", each->role(), each->ending()->message());
    failure.message.clear();
  }
  return failure;
}

Wrong begin(Stage& stage, Show& show) {
  auto wrong = await(
      stage, show, [&] { return show.viewer.subscribed(); },
      "the namespace at the subscriber, and SUBSCRIBE_OK");
  if (wrong) return wrong;
  for (const std::string& payload : kFirst) show.publisher.add(0, payload);
  show.publisher.end(0);
  return await(
      stage, show, [&] { return show.viewer.complete(0) && show.viewer.objects(0) == kFirst; },
      "group 0 at the subscriber");
}

Wrong told(Stage& stage, Show& show) {
  stage.start_drain();
  return await(
      stage, show, [&] { return show.publisher.goaway() && show.viewer.goaway(); },
      "GOAWAY to the publisher and the subscriber");
}

Wrong has_second(Stage& stage, Show& show) {
  auto wrong = await(
      stage, show, [&] { return show.viewer.complete(1); }, "group 1 at the subscriber, whole");
  if (wrong) return wrong;
  if (show.viewer.objects(1) == kSecond) return std::nullopt;
  return Failure{
      .expected = fmt::format("the {} objects of group 1", kSecond.size()),
      .received = fmt::format("{} objects, not the same", show.viewer.objects(1).size())};
}

}  // namespace

Wrong goaway_redirect(Stage& stage) {
  Show show(stage, true);
  if (auto wrong = begin(stage, show)) return wrong;
  if (auto wrong = told(stage, show)) return wrong;
  for (const Lasting* each :
       {static_cast<const Lasting*>(&show.publisher), static_cast<const Lasting*>(&show.viewer)}) {
    if (each->goaway()->to_log() == stage.options().url.to_log()) {
      return stage.skip(fmt::format("the GOAWAY to the {} names no other URI", each->role()));
    }
  }
  auto wrong = await(
      stage, show, [&] { return show.publisher.sessions() == 2 && show.viewer.sessions() == 2; },
      "sessions at " + show.viewer.goaway()->to_log());
  if (wrong) return wrong;
  for (const std::string& payload : kSecond) show.publisher.add(1, payload);
  show.publisher.end(1);
  if (wrong = has_second(stage, show); wrong) return wrong;
  return await(
      stage, show, [&] { return show.publisher.handed_over() && show.viewer.handed_over(); },
      "the end of the old sessions");
}

Wrong drain(Stage& stage) {
  Show show(stage, false);
  if (auto wrong = begin(stage, show)) return wrong;
  // Half of a group; the other half once the relay has said that it is going.
  show.publisher.add(1, kSecond[0]);
  show.publisher.add(1, kSecond[1]);
  auto wrong = await(
      stage, show, [&] { return show.viewer.objects(1).size() == 2; },
      "half of group 1 at the subscriber");
  if (wrong) return wrong;
  if (wrong = told(stage, show); wrong) return wrong;
  show.publisher.add(1, kSecond[2]);
  show.publisher.add(1, kSecond[3]);
  show.publisher.end(1);
  show.publisher.finish();
  if (wrong = has_second(stage, show); wrong) return wrong;
  return await(
      stage, show, [&] { return show.publisher.ending() && show.viewer.ending(); },
      "both sessions end, when nothing runs any more");
}

}  // namespace moq::interop
