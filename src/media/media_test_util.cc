#include "media/media_test_util.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace moq::media {

TestFile::TestFile(const std::string& suffix) {
  static std::atomic<int> number{0};
  path_ = std::filesystem::temp_directory_path() / ("moq-media-test-" + std::to_string(::getpid()) +
                                                    "-" + std::to_string(number++) + suffix);
}

TestFile::~TestFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

std::vector<std::uint8_t> TestFile::read() const {
  std::ifstream file(path_, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void TestFile::write(ByteSpan bytes) const {
  std::ofstream file(path_, std::ios::binary);
  const auto text = as_text(bytes);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
}

bool has_encoder(const std::string& name) {
  const std::string command =
      "ffmpeg -hide_banner -encoders 2>/dev/null | grep -q ' " + name + " '";
  return std::system(command.c_str()) == 0;
}

void make_media(const TestFile& file, const std::string& options, int seconds) {
  const std::string length = std::to_string(seconds);
  const std::string command =
      "ffmpeg -hide_banner -loglevel error -nostdin -y -f lavfi -i testsrc2=size=128x96:rate=25:"
      "duration=" +
      length + " -f lavfi -i sine=frequency=440:sample_rate=48000:duration=" + length + " " +
      options + " " + file.path();
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

PacketReader::Source memory_source(std::vector<std::uint8_t> bytes) {
  return [bytes = std::move(bytes),
          at = std::size_t{0}](std::span<std::uint8_t> out) mutable -> std::ptrdiff_t {
    const std::size_t size = std::min(out.size(), bytes.size() - at);
    if (size > 0) std::memcpy(out.data(), bytes.data() + at, size);
    at += size;
    return static_cast<std::ptrdiff_t>(size);
  };
}

std::size_t Recording::stream(MediaKind kind) const {
  const auto found = std::find_if(streams.begin(), streams.end(),
                                  [&](const StreamInfo& info) { return info.kind() == kind; });
  return static_cast<std::size_t>(found - streams.begin());
}

std::vector<MediaPacket> Recording::of(MediaKind kind) const {
  std::vector<MediaPacket> result;
  const std::size_t index = stream(kind);
  std::copy_if(packets.begin(), packets.end(), std::back_inserter(result),
               [&](const MediaPacket& packet) { return packet.stream == index; });
  return result;
}

Result<Recording> record(PacketReader& reader) {
  Recording recording;
  recording.streams = reader.streams();
  while (true) {
    MOQ_TRY(auto packet, reader.next());
    if (!packet) return recording;
    recording.packets.push_back(*std::move(packet));
  }
}

Result<Recording> record(const std::string& url) {
  MOQ_TRY(const auto reader, PacketReader::open(url, {}));
  return record(*reader);
}

Result<Recording> record(std::vector<std::uint8_t> bytes) {
  MOQ_TRY(const auto reader, PacketReader::open(memory_source(std::move(bytes)), "memory", {}));
  return record(*reader);
}

TestBroadcast::TestBroadcast()
    : broadcast(std::make_shared<Broadcast>(loop, cache, Broadcast::Limits())) {}

void TestBroadcast::run(Duration after) {
  loop.run(loop.now() + after);
  while (loop.next() <= loop.now()) loop.run(loop.now());
}

}  // namespace moq::media
