#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "net/base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace moq::fuzz {

/// Ends the process, so that the fuzzer keeps the input, unless `holds`.
inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "property violated: %s\n", property);
  std::abort();
}

/// Takes choices off the front of an input; what is left is the data.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

  /// A number below `count`; 0 when the input is used up.
  std::size_t choose(std::size_t count) {
    if (rest_.empty()) return 0;
    const std::size_t chosen = rest_[0] % count;
    rest_ = rest_.subspan(1);
    return chosen;
  }
  [[nodiscard]] ByteSpan rest() const { return rest_; }

 private:
  ByteSpan rest_;
};

}  // namespace moq::fuzz
