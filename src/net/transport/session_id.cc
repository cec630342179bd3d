#include <atomic>

#include "net/transport/transport.h"

namespace moq::transport {

std::uint64_t next_session_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace moq::transport
