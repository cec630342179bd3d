#include "relay/memory.h"

#include <unistd.h>

#include <gtest/gtest.h>

namespace moq::relay {
namespace {

TEST(TotalMemory, IsSomeAndNoMoreThanThereIs) {
  EXPECT_GT(total_memory(), 1U << 20);
  EXPECT_LE(total_memory(), static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                                static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE)));
}

}  // namespace
}  // namespace moq::relay
