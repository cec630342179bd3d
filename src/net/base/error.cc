#include "net/base/error.h"

#include <array>
#include <cstdio>

namespace moq {

std::string Error::message() const {
  std::array<char, 24> hex{};
  std::snprintf(hex.data(), hex.size(), " (0x%llx)", static_cast<unsigned long long>(code_));
  std::string out(domain_->name);
  out += ": ";
  out += domain_->describe(code_);
  out += hex.data();
  if (!detail_.empty()) {
    out += ": ";
    out += detail_;
  }
  return out;
}

}  // namespace moq
