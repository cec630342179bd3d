#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include <boost/asio/signal_set.hpp>

#include "native/io/event_loop.h"

namespace moq::native {

/// Process signals, delivered to a loop. From construction on (which should come
/// before the first socket is opened) the signals no longer kill the process;
/// what arrives before the loop runs is delivered once it does. Each delivery
/// by the kernel is one call, so that a second Ctrl-C is told from the first.
class SignalSet {
 public:
  /// `handler(signal)` runs in a tick of `events`, on its thread.
  SignalSet(EventLoop& events, std::initializer_list<int> signals,
            std::function<void(int)> handler);
  SignalSet(const SignalSet&) = delete;
  SignalSet& operator=(const SignalSet&) = delete;
  /// The signals regain their default action.
  ~SignalSet() = default;

 private:
  void wait();

  EventLoop& events_;
  boost::asio::signal_set signals_;
  std::function<void(int)> handler_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace moq::native
