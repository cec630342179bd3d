#include "native/quic/qlog.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "native/quic/testing/peers.h"

namespace moq::native::quic::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

class QlogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "moq-qlog-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::shared_ptr<QlogDirectory> open(QlogLimits limits = {}) {
    return QlogDirectory::open(folder_, limits).value();
  }
  [[nodiscard]] std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream stream(folder_ / name);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void put(const std::string& name, std::size_t size) const {
    std::ofstream(folder_ / name) << std::string(size, 'x');
  }
  /// A trace of `text`, from beginning to end; whether there was one.
  static bool trace(const std::shared_ptr<QlogDirectory>& directory, std::uint64_t id,
                    const std::string& text) {
    const auto made = directory->begin(id, {});
    if (made != nullptr) made->write(as_bytes(text));
    return made != nullptr;
  }
  static ByteSpan as_bytes(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }

  fs::path folder_;
};

/// The records of JSON-SEQ (RFC 7464), each of which has to parse.
std::vector<json> records(const std::string& text) {
  std::vector<json> all;
  std::size_t begin = 0;
  while (begin < text.size()) {
    EXPECT_EQ(text[begin], '\x1e');
    const std::size_t end = text.find('\x1e', begin + 1);
    all.push_back(json::parse(text.substr(begin + 1, end - begin - 1)));
    begin = end == std::string::npos ? text.size() : end;
  }
  return all;
}

TEST_F(QlogTest, BothSidesOfAConnectionAreTraced) {
  Pair::Options options;
  options.server.qlog = open();
  std::uint64_t id = 0;
  {
    Pair pair(std::move(options));
    ASSERT_TRUE(pair.connect());
    id = pair.server->connection->id();
    StreamLog& log = pair.client->send_uni("hello");
    ASSERT_TRUE(pair.network.run_until([&] { return log.finished; }));
    pair.client->connection->close(7, "enough");
    pair.network.run_for(std::chrono::seconds(1));
  }
  ASSERT_THAT(files(), SizeIs(1));
  const std::string name = *files().begin();
  EXPECT_THAT(name, MatchesRegex("moq-[0-9]{8}T[0-9]{6}\\.[0-9]{6}Z-[0-9]+-[0-9a-f]+\\.sqlog"));
  EXPECT_THAT(name, HasSubstr(fmt::format("-{}-", id)));
  std::set<std::string> events;
  const auto all = records(content(name));
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.front()["qlog_format"], "JSON-SEQ");
  for (const json& record : all) {
    if (record.contains("name")) events.insert(record["name"]);
  }
  EXPECT_THAT(events, Contains(HasSubstr("packet_sent")));
  EXPECT_THAT(events, Contains(HasSubstr("packet_received")));
}

TEST_F(QlogTest, OnlySoManyAreTracedAtATime) {
  auto directory = open({.max_open = 2});
  auto first = directory->begin(1, {});
  const auto second = directory->begin(2, {});
  EXPECT_NE(first, nullptr);
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(directory->begin(3, {}), nullptr);
  first.reset();
  // Its file is closed by the writer.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::unique_ptr<QlogDirectory::Trace> next;
  while (next == nullptr && std::chrono::steady_clock::now() < deadline) {
    next = directory->begin(4, {});
    std::this_thread::yield();
  }
  EXPECT_NE(next, nullptr);
}

TEST_F(QlogTest, AFileEndsWithTheLastRecordThatItHasRoomFor) {
  {
    const auto directory = open({.max_file = 250});
    const auto made = directory->begin(1, {});
    for (int i = 0; i < 10; ++i)
      made->write(as_bytes(std::string(100, static_cast<char>('a' + i))));
  }
  ASSERT_THAT(files(), SizeIs(1));
  EXPECT_EQ(content(*files().begin()), std::string(100, 'a') + std::string(100, 'b'));
}

TEST_F(QlogTest, TheOldestMakeRoomThoseOfEarlierProcessesFirst) {
  put("moq-20200101T000000.000000Z-1-00.sqlog", 40);
  put("moq-20200102T000000.000000Z-2-00.sqlog", 40);
  put("notes.sqlog", 40);
  {
    const auto directory = open({.max_total = 100});
    EXPECT_TRUE(trace(directory, 3, std::string(30, 'a')));
  }
  EXPECT_EQ(files().count("moq-20200101T000000.000000Z-1-00.sqlog"), 0U);
  EXPECT_EQ(files().count("moq-20200102T000000.000000Z-2-00.sqlog"), 1U);
  EXPECT_EQ(files().count("notes.sqlog"), 1U) << "somebody else's";
  EXPECT_THAT(files(), SizeIs(3));
  {
    const auto directory = open({.max_total = 100});
    for (int i = 4; i < 20; ++i)
      EXPECT_TRUE(trace(directory, static_cast<std::uint64_t>(i), std::string(30, 'b')));
  }
  std::uint64_t total = 0;
  for (const std::string& name : files()) total += fs::file_size(folder_ / name);
  EXPECT_THAT(total, Le(100U + 40U));
  EXPECT_THAT(files(), Contains(HasSubstr("-19-")));
}

TEST_F(QlogTest, OpenFilesDoNotPassTheTotalEither) {
  {
    const auto directory = open({.max_total = 40000});
    const auto made = directory->begin(1, {});
    for (int i = 0; i < 100; ++i) made->write(as_bytes(std::string(1000, 'a')));
  }
  ASSERT_THAT(files(), SizeIs(1));
  EXPECT_LE(fs::file_size(folder_ / *files().begin()), 40000U);
}

TEST_F(QlogTest, ADirectoryThatIsNotThereIsNamed) {
  const auto opened = QlogDirectory::open(folder_ / "missing");
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message(), HasSubstr((folder_ / "missing").string()));
  EXPECT_THAT(files(), IsEmpty());
}

}  // namespace
}  // namespace moq::native::quic::testing
