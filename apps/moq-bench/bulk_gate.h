#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "native/io/event_loop.h"

namespace moq::bench {

class Publisher;

/// Tells the publisher of a bulk, on its thread, which groups all subscribers
/// have. May be told by any thread.
class BulkGate {
 public:
  /// `readers`: how many have to have a group. The publisher's thread is that of
  /// `events`.
  BulkGate(native::EventLoop& events, std::uint64_t readers) : events_(events), readers_(readers) {}

  /// The publisher, on its thread; null: it is gone.
  void set_publisher(Publisher* publisher) { publisher_ = publisher; }
  /// A subscriber is done with group `sequence`, whole or not.
  void over(std::uint64_t sequence);

 private:
  /// Groups that are looked after at a time.
  static constexpr std::size_t kMost = 1024;

  native::EventLoop& events_;
  std::uint64_t readers_;
  Publisher* publisher_ = nullptr;  // of its thread
  std::mutex mutex_;
  std::map<std::uint64_t, std::uint64_t> done_;  // guarded by mutex_
};

}  // namespace moq::bench
