#pragma once

#include <cerrno>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "native/io/packet_io.h"
#include "net/base/loop.h"

namespace moq::native {

/// Puts the addresses of one host in the order in which they are dialled: the
/// resolver's, but families taking turns (RFC 8305 §4).
std::vector<SocketAddress> interleave_families(const std::vector<SocketAddress>& addresses);

/// Happy Eyeballs (RFC 8305 §5): dials one address after the other, `stagger`
/// apart or as soon as the attempt before has failed; the first that succeeds
/// wins, and the others are let go. Belongs to its loop's thread; destroying it
/// gives everything up without a call.
template <typename T>
class Race {
 public:
  using Done = std::function<void(Result<T>)>;
  /// Starts an attempt, which the returned handle keeps going. The callback may
  /// not be called from within.
  using Dial = std::function<std::shared_ptr<void>(const SocketAddress&, Done)>;

  struct Times {
    Duration stagger;  ///< between attempts
    Duration timeout;  ///< of the whole race; kNever - now, or more: no limit
  };

  /// `done` is called once, from the loop; it may destroy the race. Addresses
  /// must not be empty. On failure, the error is that of the first attempt, and
  /// its detail tells of all.
  Race(Loop& loop, std::vector<SocketAddress> addresses, const Times& times, Dial dial, Done done)
      : loop_(loop),
        addresses_(std::move(addresses)),
        stagger_(times.stagger),
        dial_(std::move(dial)),
        done_(std::move(done)),
        next_(loop, [this] { start(); }),
        deadline_(loop, [this] { expire(); }) {
    deadline_.arm(later(loop_.now(), times.timeout));
    next_.arm(loop_.now());
  }

 private:
  void start() {
    if (started_ == addresses_.size()) return;
    const std::size_t index = started_++;
    if (started_ < addresses_.size()) next_.arm(later(loop_.now(), stagger_));
    ++running_;
    attempts_.push_back(dial_(addresses_[index], [this, index](Result<T> result) {
      if (result) return finish(std::move(result));
      lost(index, std::move(result).error());
    }));
  }

  void lost(std::size_t index, Error error) {
    --running_;
    if (!tale_.empty()) tale_ += "; ";
    tale_ += fmt::format("{}: {}", addresses_[index].to_string(), error.message());
    if (!first_error_) first_error_ = std::make_unique<Error>(std::move(error));
    if (started_ < addresses_.size()) {
      next_.arm(loop_.now());
    } else if (running_ == 0) {
      finish(give_up());
    }
  }

  void expire() {
    if (!tale_.empty()) tale_ += "; ";
    tale_ += "no answer in time from";
    for (std::size_t i = 0; i < started_; ++i) tale_ += " " + addresses_[i].to_string();
    finish(first_error_ ? give_up() : fail(IoError{ETIMEDOUT}, tale_));
  }

  tl::unexpected<Error> give_up() {
    // One attempt's error speaks for itself; more are told one after the other.
    if (addresses_.size() == 1 && running_ == 0) {
      tale_ = fmt::format("{}: {}", addresses_.front().to_string(), first_error_->detail());
    }
    return tl::unexpected<Error>(Error(first_error_->domain(), first_error_->code(), tale_));
  }

  void finish(Result<T> result) {
    next_.cancel();
    deadline_.cancel();
    // The callback that runs now belongs to one of the attempts.
    auto losers = std::make_shared<std::vector<std::shared_ptr<void>>>(std::move(attempts_));
    loop_.post([losers] {});
    const Done done = std::exchange(done_, nullptr);
    if (done) done(std::move(result));
  }

  Loop& loop_;
  std::vector<SocketAddress> addresses_;
  Duration stagger_;
  Dial dial_;
  Done done_;
  std::size_t started_ = 0;
  std::size_t running_ = 0;
  std::string tale_;
  std::unique_ptr<Error> first_error_;
  std::vector<std::shared_ptr<void>> attempts_;
  Timer next_;
  Timer deadline_;
};

}  // namespace moq::native
