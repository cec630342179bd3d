// Publishes a broadcast and subscribes to it, in one process: what a relay does
// between two sessions, without either. No thread and no clock: a Loop is driven
// by hand.

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "net/base/loop.h"
#include "net/model/broadcast.h"
#include "net/model/cache.h"
#include "net/model/group.h"
#include "net/model/origin.h"
#include "net/model/track.h"

namespace {

using namespace std::chrono_literals;

/// Prints a group when it is complete; follows it until then.
class GroupPrinter : public moq::SubgroupReader {
 public:
  explicit GroupPrinter(std::shared_ptr<moq::Group> group) : group_(std::move(group)) {
    group_->only().attach(*this);
    on_progress();
  }

  void on_progress() override {
    const moq::Subgroup& frames = group_->only();
    for (; printed_ < frames.objects().size(); ++printed_) {
      const moq::Object& frame = frames.objects()[printed_];
      if (!frame.complete()) return;
      std::cout << "group " << group_->sequence() << " frame " << frame.id << " at "
                << frame.timestamp << " ms: " << frame.flatten().text() << '\n';
    }
  }

  [[nodiscard]] std::size_t printed() const { return printed_; }

 private:
  std::shared_ptr<moq::Group> group_;
  std::size_t printed_ = 0;
};

/// Subscribes to the track "greetings" of each broadcast that is announced.
class Subscriber : public moq::AnnounceReader, public moq::TrackReader {
 public:
  void on_announcements(const std::vector<moq::Announcement>& changes) override {
    for (const moq::Announcement& change : changes) {
      std::cout << (change.broadcast ? "announced " : "ended ") << change.path.text() << '\n';
      if (!change.broadcast) continue;
      if (const auto track = change.broadcast->track("greetings")) {
        subscription_ = (*track)->subscribe({.max_latency = 1s}, *this);
      }
    }
  }

  void on_info(const moq::TrackInfo& info) override {
    std::cout << "timescale " << info.timescale << '\n';
  }
  void on_group(std::shared_ptr<moq::Group> group) override {
    groups_.push_back(std::make_unique<GroupPrinter>(std::move(group)));
  }
  void on_datagram(const moq::Datagram& /*datagram*/) override {}
  void on_drop(std::uint64_t /*first*/, std::uint64_t /*last*/, std::uint64_t /*code*/) override {}
  void on_end(std::uint64_t end) override { std::cout << "ends before group " << end << '\n'; }
  void on_abort(const moq::Error& error) override { std::cout << error.message() << '\n'; }

  [[nodiscard]] std::size_t frames() const {
    std::size_t count = 0;
    for (const auto& group : groups_) count += group->printed();
    return count;
  }

 private:
  std::vector<std::unique_ptr<GroupPrinter>> groups_;
  std::unique_ptr<moq::Subscription> subscription_;
};

}  // namespace

int main() {
  moq::Loop loop;
  moq::Cache cache(std::make_shared<moq::CacheBudget>());
  moq::Origin origin(loop, 0);

  Subscriber subscriber;
  const auto watch = origin.watch(moq::Path("room"), subscriber);

  const auto broadcast = std::make_shared<moq::Broadcast>(loop, cache);
  const auto created = broadcast->create("greetings");
  if (!created) return EXIT_FAILURE;
  const std::shared_ptr<moq::Track>& track = *created;
  track->accept(moq::TrackInfo{.max_latency = 5s, .timescale = 1000});
  const auto publication = origin.publish(moq::Path("room/hall"), broadcast, {});
  if (!publication) return EXIT_FAILURE;
  loop.run(loop.now());

  std::uint64_t timestamp = 0;
  for (std::uint64_t sequence = 0; sequence < 2; ++sequence) {
    const auto group = track->create_group(sequence);
    if (!group) return EXIT_FAILURE;
    for (std::uint64_t id = 0; id < 2; ++id, timestamp += 40) {
      const auto payload = moq::Bytes::copy_of("hello " + std::to_string(id));
      const moq::ObjectHeader header{.id = id, .timestamp = timestamp, .size = payload.size()};
      if (!(*group)->only().append(header, payload)) return EXIT_FAILURE;
    }
    (*group)->finish();
    loop.run(loop.now() + 80ms);
  }
  track->finish(2);
  loop.run(loop.now());
  return subscriber.frames() == 4 ? EXIT_SUCCESS : EXIT_FAILURE;
}
