#include "relay/memory.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace moq::relay {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = 1U << 20;

TEST(ReadMemory, IsSomeAndNoMoreThanThereIs) {
  const Memory memory = read_memory();
  EXPECT_GT(memory.total, 1U << 20);
  EXPECT_LE(memory.total, static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                              static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE)));
  EXPECT_GT(memory.available, 0U);
  EXPECT_LE(memory.available, memory.total);
}

/// A machine with 1000 MiB, 600 of which are available.
class ReadMemoryOf : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "moq-memory-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    put("proc/meminfo",
        "MemTotal:        1024000 kB\nMemFree:          102400 kB\nMemAvailable:     614400 kB\n");
  }
  void TearDown() override { fs::remove_all(root_); }

  void put(std::string_view file, std::string_view text) {
    const fs::path path = root_ / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  void expect(std::uint64_t total, std::uint64_t available) {
    const Memory memory = read_memory(root_);
    EXPECT_EQ(memory.total / kMiB, total);
    EXPECT_EQ(memory.available / kMiB, available);
  }

  fs::path root_;
};

TEST_F(ReadMemoryOf, AMachineWithoutGroups) { expect(1000, 600); }

TEST_F(ReadMemoryOf, AContainerOfVersion2) {
  put("proc/self/cgroup", "0::/\n");
  put("sys/fs/cgroup/memory.max", "209715200\n");
  put("sys/fs/cgroup/memory.current", "104857600\n");
  put("sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 52428800\n");
  expect(200, 150);
}

TEST_F(ReadMemoryOf, AUnitOfVersion2AndTheSliceThatItIsIn) {
  put("proc/self/cgroup", "0::/system.slice/moq-relay.service\n");
  put("sys/fs/cgroup/system.slice/moq-relay.service/memory.max", "max\n");
  put("sys/fs/cgroup/system.slice/memory.max", "419430400\n");
  put("sys/fs/cgroup/system.slice/memory.current", "314572800\n");
  expect(400, 100);
  put("sys/fs/cgroup/system.slice/moq-relay.service/memory.max", "314572800\n");
  put("sys/fs/cgroup/system.slice/moq-relay.service/memory.current", "10485760\n");
  expect(300, 100);
}

TEST_F(ReadMemoryOf, AUnitOfVersion1) {
  put("proc/self/cgroup", "5:cpu,cpuacct:/unit\n4:memory:/unit\n0::/unit\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("sys/fs/cgroup/memory/unit/memory.limit_in_bytes", "209715200\n");
  put("sys/fs/cgroup/memory/unit/memory.usage_in_bytes", "104857600\n");
  put("sys/fs/cgroup/memory/unit/memory.stat", "inactive_file 1\ntotal_inactive_file 20971520\n");
  expect(200, 120);
}

TEST_F(ReadMemoryOf, AContainerOfVersion1WhosePathIsNotInTheMount) {
  put("proc/self/cgroup", "4:memory:/docker/abc\n");
  put("sys/fs/cgroup/memory/memory.limit_in_bytes", "209715200\n");
  put("sys/fs/cgroup/memory/memory.usage_in_bytes", "104857600\n");
  expect(200, 100);
}

TEST_F(ReadMemoryOf, AGroupThatIsOverItsLimitOrMakesNoSense) {
  put("proc/self/cgroup", "0::/../..\nnonsense\n");
  put("sys/fs/cgroup/memory.max", "104857600\n");
  put("sys/fs/cgroup/memory.current", "209715200\n");
  expect(100, 0);
  put("sys/fs/cgroup/memory.max", "\n");
  expect(1000, 600);
}

}  // namespace
}  // namespace moq::relay
