#include "native/io/workers.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <exception>
#include <future>

#include <fmt/format.h>

namespace moq::native {

Workers::Workers(std::size_t count, const std::string& name) {
  count = std::clamp<std::size_t>(count, 1, kMaxWorkers);
  for (std::size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<EventLoop>());
  for (std::size_t i = 0; i < count; ++i) {
    threads_.emplace_back([&loop = *loops_[i]] { loop.run(); });
    const std::string number = fmt::format("-{}", i);
    const std::string thread_name = name.substr(0, 15 - number.size()) + number;
    pthread_setname_np(threads_.back().native_handle(), thread_name.c_str());
  }
}

Workers::~Workers() { stop(); }

std::size_t Workers::default_count() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
    return static_cast<std::size_t>(std::max(1, CPU_COUNT(&allowed)));
  }
  return std::max(1U, std::thread::hardware_concurrency());
}

void Workers::run_on_all(const std::function<void(std::size_t)>& task) {
  std::vector<std::future<void>> done;
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    auto job = std::make_shared<std::packaged_task<void()>>([&task, i] { task(i); });
    done.push_back(job->get_future());
    loops_[i]->post([job] { (*job)(); });
  }
  for (auto& each : done) each.wait();
  for (auto& each : done) each.get();
}

void Workers::stop() {
  // A posted stop comes after all that was posted before it.
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    loops_[i]->post([&loop = *loops_[i]] { loop.stop(); });
  }
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace moq::native
