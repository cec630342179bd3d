#include "relay/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

namespace moq::relay {
namespace {

// A service manager: the socket that NOTIFY_SOCKET names.
class NotifyTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = testing::TempDir() + "notify-" + std::to_string(getpid());
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(path.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size());
    ::unlink(path.c_str());
    ASSERT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    path_ = path;
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(socket_);
    ::unlink(path_.c_str());
  }

  [[nodiscard]] std::string next() const {
    char text[256];
    const ssize_t size = ::recv(socket_, text, sizeof text, 0);
    return size < 0 ? "" : std::string(text, static_cast<std::size_t>(size));
  }

  int socket_ = -1;
  std::string path_;
};

TEST_F(NotifyTest, TellsTheServiceManager) {
  notify::ready("listening");
  EXPECT_EQ(next(), "READY=1\nSTATUS=listening");
  notify::status("2 sessions");
  EXPECT_EQ(next(), "STATUS=2 sessions");
  notify::stopping("draining");
  EXPECT_EQ(next(), "STOPPING=1\nSTATUS=draining");
  notify::progress("1 session", std::chrono::seconds(30));
  EXPECT_EQ(next(), "STATUS=1 session\nEXTEND_TIMEOUT_USEC=30000000");
}

TEST_F(NotifyTest, SaysNothingWithoutOne) {
  ::unsetenv("NOTIFY_SOCKET");
  notify::ready("listening");
  EXPECT_EQ(next(), "");
}

}  // namespace
}  // namespace moq::relay
