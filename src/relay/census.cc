#include "relay/census.h"

#include <numeric>

namespace moq::relay {

Census::Present Census::Counts::total() const {
  Present sum;
  for (const auto& [kind, here] : present) {
    sum.sessions += here.sessions;
    sum.told += here.told;
  }
  return sum;
}

void Census::came(const Kind& kind) {
  const std::scoped_lock lock(mutex_);
  ++counts_.present[kind].sessions;
}

void Census::changed(const Kind& from, const Kind& to, bool told) {
  const std::scoped_lock lock(mutex_);
  remove(from, told);
  Present& here = counts_.present[to];
  ++here.sessions;
  here.told += told ? 1 : 0;
}

void Census::told(const Kind& kind, bool goaway) {
  const std::scoped_lock lock(mutex_);
  ++counts_.present[kind].told;
  counts_.goaways += goaway ? 1 : 0;
}

void Census::left(const Kind& kind, bool told, DrainOutcome outcome) {
  const std::scoped_lock lock(mutex_);
  remove(kind, told);
  if (!told && !draining_) return;
  ++counts_.ended[outcome];
  ++counts_.ended_ever[kind.version][outcome];
}

void Census::remove(const Kind& kind, bool told) {
  Present& here = counts_.present.at(kind);
  --here.sessions;
  here.told -= told ? 1 : 0;
}

void Census::handshakes(std::size_t worker, std::size_t count) {
  const std::scoped_lock lock(mutex_);
  handshakes_.at(worker) = count;
  counts_.handshakes = std::accumulate(handshakes_.begin(), handshakes_.end(), std::size_t{0});
}

void Census::drain_begins() {
  const std::scoped_lock lock(mutex_);
  counts_.ended.clear();
  draining_ = true;
}

void Census::drain_is_off() {
  const std::scoped_lock lock(mutex_);
  draining_ = false;
}

Census::Counts Census::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

}  // namespace moq::relay
