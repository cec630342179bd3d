#include "relay/file_watch.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace moq::relay {
namespace {

namespace fs = std::filesystem;

class FileWatchTest : public testing::Test {
 protected:
  FileWatchTest() {
    fs::create_directories(folder_);
    write("one", "1");
  }
  ~FileWatchTest() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  [[nodiscard]] std::string file(const std::string& name) const { return folder_ / name; }
  /// How often it has noticed something since the last call, a second later.
  int look() {
    loop_.run(loop_.now() + FileWatch::kInterval);
    return std::exchange(changes_, 0);
  }

  fs::path folder_ = fs::path(testing::TempDir()) / fmt::format("watch{}", ::getpid());
  Loop loop_;
  int changes_ = 0;
  FileWatch watch_{loop_, [this] { ++changes_; }};
};

TEST_F(FileWatchTest, NoticesWhatIsWrittenReplacedAndRemoved) {
  write("two", "2");
  watch_.watch(FileWatch::look_at({file("one"), file("two")}));
  EXPECT_EQ(look(), 0);
  write("one", "11");
  write("two", "22");
  EXPECT_EQ(look(), 1) << "once for both";
  EXPECT_EQ(look(), 0);
  write("new", "11");
  fs::rename(file("new"), file("one"));
  EXPECT_EQ(look(), 1);
  fs::remove(file("two"));
  EXPECT_EQ(look(), 1);
  write("two", "22");
  EXPECT_EQ(look(), 1);
}

TEST_F(FileWatchTest, NoticesALinkThatLeadsElsewhere) {
  write("two", "1");
  fs::create_symlink("one", folder_ / "link");
  watch_.watch(FileWatch::look_at({file("link")}));
  EXPECT_EQ(look(), 0);
  fs::create_symlink("two", folder_ / "next");
  fs::rename(file("next"), file("link"));
  EXPECT_EQ(look(), 1);
}

TEST_F(FileWatchTest, LooksOnlyAtWhatItIsTold) {
  watch_.watch(FileWatch::look_at({file("one")}));
  watch_.watch(FileWatch::look_at({}));
  write("one", "11");
  EXPECT_EQ(look(), 0);
  EXPECT_EQ(loop_.next(), kNever);
}

}  // namespace
}  // namespace moq::relay
