#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "native/io/event_loop.h"

namespace moq::native {

/// Threads that each run an EventLoop, numbered from 0. Belongs to one thread,
/// except where said otherwise.
class Workers {
 public:
  /// Largest count: a worker's number has to fit the byte that connection ids
  /// have for it.
  static constexpr std::size_t kMaxWorkers = 256;

  /// The threads exist and wait; `count` is clamped to [1, kMaxWorkers]. `name`
  /// and the number are the threads' names (cut to the kernel's 15 bytes).
  explicit Workers(std::size_t count, const std::string& name = "moq");
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// Stops and joins.
  ~Workers();

  /// One per core that this process may use.
  [[nodiscard]] static std::size_t default_count();

  [[nodiscard]] std::size_t size() const { return loops_.size(); }
  /// The loop of a worker, whose `post` and `stop` are for any thread; the rest
  /// belongs to its thread, and, once `stop` has returned, to the caller's.
  [[nodiscard]] EventLoop& at(std::size_t worker) { return *loops_.at(worker); }

  /// Runs `task(worker)` on every worker's thread, and returns when all have.
  /// Not from a worker. The first exception among them is thrown here.
  void run_on_all(const std::function<void(std::size_t)>& task);

  /// Runs what was posted before, then ends and joins the threads. What lives on
  /// them is the caller's to destroy, before or after. Idempotent.
  void stop();

 private:
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<std::thread> threads_;
};

}  // namespace moq::native
