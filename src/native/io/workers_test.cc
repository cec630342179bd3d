#include "native/io/workers.h"

#include <pthread.h>

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moq::native {
namespace {

TEST(WorkersTest, RunOnThreadsOfTheirOwnWithNames) {
  Workers workers(2, "moq-worker-with-a-long-name");
  std::array<std::thread::id, 2> ids;
  std::array<std::string, 2> names;
  workers.run_on_all([&](std::size_t worker) {
    ids.at(worker) = std::this_thread::get_id();
    std::array<char, 16> name{};
    pthread_getname_np(pthread_self(), name.data(), name.size());
    names.at(worker) = name.data();
  });
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_NE(ids[0], std::this_thread::get_id());
  EXPECT_EQ(names[0], "moq-worker-wi-0");
  EXPECT_EQ(names[1], "moq-worker-wi-1");
}

TEST(WorkersTest, TalkThroughOutboxes) {
  Workers workers(2);
  constexpr int kRounds = 1000;
  std::unique_ptr<Outbox> to_one;
  std::unique_ptr<Outbox> to_zero;
  std::promise<void> done;
  int count = 0;  // touched by one side at a time
  std::function<void()> ping;
  std::function<void()> pong;
  ping = [&] {
    if (++count == kRounds) return done.set_value();
    to_one->send(pong);
  };
  pong = [&] { to_zero->send(ping); };
  workers.run_on_all([&](std::size_t worker) {
    auto& mine = worker == 0 ? to_one : to_zero;
    mine = std::make_unique<Outbox>(workers.at(worker).loop(), workers.at(1 - worker));
  });
  workers.at(0).post(ping);
  done.get_future().wait();
  EXPECT_EQ(count, kRounds);
  workers.stop();
  to_one.reset();
  to_zero.reset();
}

TEST(WorkersTest, StopRunsWhatWasPostedBefore) {
  Workers workers(3);
  std::atomic<int> ran = 0;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    workers.at(i).post([&] { ++ran; });
  }
  workers.stop();
  EXPECT_EQ(ran, 3);
  workers.stop();
}

TEST(WorkersTest, PassStartUpErrorsOn) {
  Workers workers(2);
  EXPECT_THROW(workers.run_on_all([](std::size_t worker) {
    if (worker == 1) throw std::runtime_error("no socket");
  }),
               std::runtime_error);
}

TEST(WorkersTest, HaveAtLeastOneAndAtMostAByte) {
  EXPECT_EQ(Workers(0).size(), 1U);
  EXPECT_GE(Workers::default_count(), 1U);
}

}  // namespace
}  // namespace moq::native
