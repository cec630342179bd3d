#include "media/import.h"

#include <condition_variable>
#include <deque>
#include <mutex>

#include "media/error.h"

namespace moq::media {
namespace {

/// Frames published in one go, so that the loop gets to everything else.
constexpr int kBatch = 64;

}  // namespace

/// What the two threads share.
struct Importer::Handover {
  Post post;
  std::size_t max_packets = 0;
  std::size_t max_bytes = 0;
  std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
  std::atomic<std::uint64_t> dropped{0};
  /// Only for the loop's thread: null once the importer is gone.
  Importer* importer = nullptr;

  std::mutex mutex;
  std::condition_variable room;
  std::optional<std::vector<StreamInfo>> streams;
  std::deque<MediaPacket> packets;
  std::size_t bytes = 0;
  std::optional<Result<void>> end;
  /// Whether a call of `pump` is on its way.
  bool posted = false;

  [[nodiscard]] bool full() const { return packets.size() >= max_packets || bytes >= max_bytes; }

  /// With the mutex held; returns whether `wake` is to be called without it.
  bool arrived() { return !std::exchange(posted, true); }
};

Importer::Open Importer::from_url(std::string url, PacketReader::Options options) {
  return [url = std::move(url),
          options = std::move(options)](std::shared_ptr<std::atomic<bool>> cancelled) {
    return PacketReader::open(url, options, std::move(cancelled));
  };
}

Importer::Importer(std::shared_ptr<Broadcast> broadcast, Open open, Post post,
                   const Options& options, Done done)
    : broadcast_(std::move(broadcast)),
      options_(options),
      done_(std::move(done)),
      handover_(std::make_shared<Handover>()),
      timer_(broadcast_->loop(), [this] { pump(); }) {
  handover_->post = std::move(post);
  handover_->max_packets = options.max_queued_packets;
  handover_->max_bytes = options.max_queued_bytes;
  handover_->importer = this;
  thread_ = std::thread([handover = handover_, open = std::move(open)] { run(handover, open); });
}

Importer::~Importer() {
  handover_->importer = nullptr;
  {
    const std::lock_guard lock(handover_->mutex);
    handover_->cancelled->store(true);
  }
  handover_->room.notify_all();
  thread_.join();
}

/// The reading thread.
void Importer::run(const std::shared_ptr<Handover>& handover, const Open& open) {
  const auto wake = [&handover] {
    handover->post([handover] {
      {
        const std::lock_guard lock(handover->mutex);
        handover->posted = false;
      }
      if (handover->importer != nullptr) handover->importer->pump();
    });
  };
  const auto tell = [&](auto change) {
    bool first = false;
    {
      const std::lock_guard lock(handover->mutex);
      change();
      first = handover->arrived();
    }
    if (first) wake();
  };

  auto reader = open(handover->cancelled);
  if (!reader) {
    tell([&] { handover->end = Result<void>(tl::unexpect, std::move(reader).error()); });
    return;
  }
  tell([&] { handover->streams = (*reader)->streams(); });
  while (!handover->cancelled->load()) {
    auto packet = (*reader)->next();
    handover->dropped = (*reader)->dropped();
    if (!packet) {
      tell([&] { handover->end = Result<void>(tl::unexpect, std::move(packet).error()); });
      return;
    }
    if (!*packet) {
      tell([&] { handover->end = Result<void>(); });
      return;
    }
    {
      std::unique_lock lock(handover->mutex);
      handover->room.wait(lock, [&] { return !handover->full() || handover->cancelled->load(); });
    }
    tell([&] {
      handover->bytes += (*packet)->payload.size();
      handover->packets.push_back(**std::move(packet));
    });
  }
}

void Importer::pump() {
  if (!done_) return;
  const Time now = broadcast_->loop().now();
  for (int count = 0; count < kBatch; ++count) {
    std::optional<std::vector<StreamInfo>> streams;
    std::optional<MediaPacket> packet;
    std::optional<Result<void>> ended;
    {
      const std::lock_guard lock(handover_->mutex);
      streams = std::exchange(handover_->streams, std::nullopt);
      if (handover_->packets.empty()) {
        ended = handover_->end;
      } else {
        const std::int64_t dts = handover_->packets.front().dts;
        if (!anchor_) anchor_ = {now, dts};
        const Time due = later(anchor_->first, std::chrono::microseconds(dts - anchor_->second));
        if (options_.realtime && due > now) {
          timer_.arm(due);
        } else {
          packet = std::move(handover_->packets.front());
          handover_->packets.pop_front();
          handover_->bytes -= packet->payload.size();
        }
      }
    }
    if (streams) {
      auto publisher = Publisher::create(broadcast_, *streams, options_.publish);
      if (!publisher) return end(Result<void>(tl::unexpect, std::move(publisher).error()));
      publisher_ = *std::move(publisher);
      if (options_.opened) options_.opened();
    }
    if (ended) return end(*std::move(ended));
    if (!packet) return;
    handover_->room.notify_one();
    if (auto published = publisher_->publish(*packet); !published) return end(std::move(published));
  }
  timer_.arm(now);
}

void Importer::stop() {
  if (done_ == nullptr) return;
  handover_->importer = nullptr;
  end({});
}

void Importer::end(Result<void> result) {
  timer_.cancel();
  if (publisher_ != nullptr) {
    if (result) {
      publisher_->finish();
    } else {
      publisher_->abort(result.error());
    }
  }
  const Done done = std::exchange(done_, nullptr);
  done(std::move(result));
}

Publisher::Stats Importer::stats() const {
  return publisher_ == nullptr ? Publisher::Stats() : publisher_->stats();
}

std::uint64_t Importer::dropped() const { return handover_->dropped; }

}  // namespace moq::media
