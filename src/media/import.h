#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "media/packet_reader.h"
#include "media/publisher.h"
#include "net/base/loop.h"

namespace moq::media {

/// Reads an input on a thread of its own and publishes it into a broadcast, on
/// the broadcast's loop. Reading stops while a bounded queue is full.
class Importer {
 public:
  /// Runs a task on the loop's thread; called from the reading thread, also when
  /// the loop is waiting. Must accept calls until the Importer is destroyed.
  using Post = std::function<void(std::function<void()>)>;
  /// Opens the input; runs on the reading thread. `cancelled` becomes true when
  /// the importer is destroyed.
  using Open = std::function<Result<std::unique_ptr<PacketReader>>(
      std::shared_ptr<std::atomic<bool>> cancelled)>;
  /// The tracks have ended, or why not. Called once, on the loop; the importer
  /// may be destroyed in it.
  using Done = std::function<void(Result<void>)>;

  struct Options {
    Publisher::Options publish;
    /// Called on the loop once the tracks are there, before the first frame: now
    /// the broadcast can be announced.
    std::function<void()> opened = {};
    /// Publishes each frame no earlier than its decoding time says, counted from
    /// the first (`--realtime`): for files.
    bool realtime = false;
    std::size_t max_queued_packets = 256;
    std::size_t max_queued_bytes = 16U << 20;
  };

  /// Opens a file, URL or "-" (standard input).
  static Open from_url(std::string url, PacketReader::Options options);

  Importer(std::shared_ptr<Broadcast> broadcast, Open open, Post post, const Options& options,
           Done done);
  /// Cancels, and waits for the reading thread (which looks at least every 100 ms).
  ~Importer();
  Importer(const Importer&) = delete;
  Importer& operator=(const Importer&) = delete;

  /// Ends what was published so far, as if the input had ended; `done` follows,
  /// inside this call. Does nothing once it was told.
  void stop();

  /// What was published; zeros before the input was recognised.
  [[nodiscard]] Publisher::Stats stats() const;
  /// Null before the input was recognised.
  [[nodiscard]] const Publisher* publisher() const { return publisher_.get(); }
  /// Frames that the reader left out.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct Handover;

  static void run(const std::shared_ptr<Handover>& handover, const Open& open);
  void pump();
  void end(Result<void> result);

  std::shared_ptr<Broadcast> broadcast_;
  Options options_;
  Done done_;
  std::unique_ptr<Publisher> publisher_;
  std::shared_ptr<Handover> handover_;
  Timer timer_;
  /// When the first frame was published, and its decoding time.
  std::optional<std::pair<Time, std::int64_t>> anchor_;
  std::thread thread_;
};

}  // namespace moq::media
