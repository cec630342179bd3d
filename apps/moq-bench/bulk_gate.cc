#include "moq-bench/bulk_gate.h"

#include "moq-bench/publisher.h"

namespace moq::bench {

void BulkGate::over(std::uint64_t sequence) {
  {
    const std::scoped_lock lock(mutex_);
    if (++done_[sequence] < readers_) {
      // What somebody never got is forgotten.
      if (done_.size() > kMost) done_.erase(done_.begin());
      return;
    }
    done_.erase(sequence);
  }
  events_.post([this, sequence] {
    if (publisher_ != nullptr) publisher_->taken(sequence);
  });
}

}  // namespace moq::bench
