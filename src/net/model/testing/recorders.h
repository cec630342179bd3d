#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "net/model/track.h"

/// Recorders for the tests of the model.
namespace moq::testing {

/// Writes down what a subscription tells, one word for each call.
struct RecordingReader : TrackReader {
  std::vector<std::string> calls;
  std::vector<std::shared_ptr<Group>> groups;
  /// Run inside each call, after it was written down.
  std::function<void()> then;

  void on_info(const TrackInfo& info) override { say(fmt::format("info{}", info.timescale)); }
  void on_group(std::shared_ptr<Group> group) override {
    groups.push_back(group);
    say(fmt::format("group{}", group->sequence()));
  }
  void on_datagram(const Datagram& datagram) override {
    say(fmt::format("datagram{}", datagram.sequence));
  }
  void on_drop(std::uint64_t first, std::uint64_t last, std::uint64_t code) override {
    say(fmt::format("drop{}-{}:{}", first, last, code));
  }
  void on_end(std::uint64_t end) override { say(fmt::format("end{}", end)); }
  void on_abort(const Error& error) override { say(fmt::format("abort{}", error.code())); }

  /// The calls since the last time it was asked, with spaces between.
  std::string take() {
    std::string all = fmt::format("{}", fmt::join(calls, " "));
    calls.clear();
    return all;
  }

 private:
  void say(std::string what) {
    calls.push_back(std::move(what));
    if (then) {
      auto now = then;
      now();
    }
  }
};

/// Writes down what a track asks of its source.
struct RecordingSource : TrackSource {
  std::vector<std::string> calls;
  std::optional<SubscribeOptions> demand;
  std::function<void(Track&, const std::optional<SubscribeOptions>&)> then;

  void on_demand(Track& track, const std::optional<SubscribeOptions>& combined) override {
    demand = combined;
    calls.emplace_back(combined ? "demand" : "none");
    if (then) then(track, combined);
  }
  void on_fetch(Track&, std::uint64_t sequence) override {
    calls.push_back(fmt::format("fetch{}", sequence));
  }
  std::string take() {
    std::string all = fmt::format("{}", fmt::join(calls, " "));
    calls.clear();
    return all;
  }
};

}  // namespace moq::testing
