#include "native/io/signals.h"

#include <utility>

namespace moq::native {

SignalSet::SignalSet(EventLoop& events, std::initializer_list<int> signals,
                     std::function<void(int)> handler)
    : events_(events), signals_(events.context()), handler_(std::move(handler)) {
  for (const int signal : signals) signals_.add(signal);
  wait();
}

void SignalSet::wait() {
  signals_.async_wait([this, alive = std::weak_ptr<int>(alive_)](
                          const boost::system::error_code& error, int signal) {
    if (error || alive.expired()) return;
    wait();
    events_.loop().post([this, alive, signal] {
      if (!alive.expired()) handler_(signal);
    });
  });
}

}  // namespace moq::native
