#pragma once

// Inputs for tests, made by the ffmpeg program, and what became of them.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "media/packet_reader.h"
#include "net/model/broadcast.h"
#include "net/model/cache.h"

namespace moq::media {

/// A file that goes with the object.
class TestFile {
 public:
  explicit TestFile(const std::string& suffix);
  ~TestFile();
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::vector<std::uint8_t> read() const;
  void write(ByteSpan bytes) const;

 private:
  std::filesystem::path path_;
};

/// What make_media is to make, as the parameter of a test.
struct Coding {
  const char* name;
  const char* encoder;  ///< that must be there
  const char* suffix;
  const char* options;
};

/// Whether the ffmpeg program has this encoder.
[[nodiscard]] bool has_encoder(const std::string& name);

/// Runs ffmpeg with a test picture (128 by 96, 25 a second) and a tone, of
/// `seconds` each, and `options` for the output file.
void make_media(const TestFile& file, const std::string& options, int seconds = 3);

/// Reads a container out of memory.
[[nodiscard]] PacketReader::Source memory_source(std::vector<std::uint8_t> bytes);

/// All frames of an input, by stream.
struct Recording {
  std::vector<StreamInfo> streams;
  std::vector<MediaPacket> packets;

  /// The stream of `kind`; its index in `streams`.
  [[nodiscard]] std::size_t stream(MediaKind kind) const;
  /// Its frames.
  [[nodiscard]] std::vector<MediaPacket> of(MediaKind kind) const;
};
[[nodiscard]] Result<Recording> record(PacketReader& reader);
[[nodiscard]] Result<Recording> record(const std::string& url);
[[nodiscard]] Result<Recording> record(std::vector<std::uint8_t> bytes);

/// A broadcast on virtual time.
struct TestBroadcast {
  Loop loop{Time{} + std::chrono::seconds(1)};
  std::shared_ptr<CacheBudget> budget = std::make_shared<CacheBudget>();
  Cache cache{budget};
  std::shared_ptr<Broadcast> broadcast;

  TestBroadcast();
  /// Runs what is ready, `after` the last time.
  void run(Duration after = {});
};

}  // namespace moq::media
