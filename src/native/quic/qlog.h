#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "net/base/bytes.h"
#include "net/base/error.h"

namespace moq::native::quic {

/// What traces may cost. Sizes are in bytes.
struct QlogLimits {
  /// Connections that are traced at a time. Further ones are not.
  std::size_t max_open = 64;
  /// Of a file; what would follow is left out.
  std::uint64_t max_file = std::uint64_t{64} << 20;
  /// Of all files, those of earlier processes included: the oldest are removed, and once
  /// only open ones are left, what would follow is left out.
  std::uint64_t max_total = std::uint64_t{1} << 30;
  /// Memory for what waits for the disk; a trace that finds no room goes on no further.
  std::size_t max_waiting = std::size_t{16} << 20;
};

/// A directory for traces of connections, a file each (draft-ietf-quic-qlog-main-schema,
/// JSON-SEQ): "moq-20260203T040506.789012Z-17-0123456789abcdef.sqlog", with the time, the
/// connection's id as in the log, and the connection ID that the client chose first. A
/// thread of its own writes them. `begin` is for any thread.
class QlogDirectory : public std::enable_shared_from_this<QlogDirectory> {
 public:
  class Trace;

  /// The directory has to be there. Fails with the reason if it cannot be read and written.
  static Result<std::shared_ptr<QlogDirectory>> open(std::filesystem::path directory,
                                                     QlogLimits limits = {});
  QlogDirectory(const QlogDirectory&) = delete;
  QlogDirectory& operator=(const QlogDirectory&) = delete;
  /// Writes what waits.
  ~QlogDirectory();

  /// The trace of a new connection, which belongs to one thread; null if there are enough.
  [[nodiscard]] std::unique_ptr<Trace> begin(std::uint64_t connection, ByteSpan first_dcid);

 private:
  struct File;
  struct Chunk {
    std::shared_ptr<File> file;
    std::string data;
    bool last;
  };

  QlogDirectory(std::filesystem::path directory, QlogLimits limits);

  /// Returns false if there is no room; the last chunk of a file always has some.
  bool queue(Chunk chunk);
  void run();
  // On the writer's thread.
  void write(const Chunk& chunk);
  void close(File& file);
  bool make_room(std::uint64_t size);
  void complain(const std::filesystem::path& path);

  const std::filesystem::path directory_;
  const QlogLimits limits_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Chunk> waiting_;      // guarded by mutex_
  std::size_t waiting_bytes_ = 0;  // guarded by mutex_
  std::size_t open_ = 0;           // guarded by mutex_
  bool ending_ = false;            // guarded by mutex_

  // The writer's.
  std::uint64_t total_ = 0;
  std::map<std::string, std::uint64_t> closed_;  ///< sizes by names, which begin with the time
  bool complained_ = false;
  std::thread writer_;
};

/// A trace that is being written. Letting go of it ends the file.
class QlogDirectory::Trace {
 public:
  Trace(std::shared_ptr<QlogDirectory> directory, std::shared_ptr<File> file);
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  ~Trace();

  /// Takes whole records. Waits for nothing.
  void write(ByteSpan records);

 private:
  /// Handed to the writer at a time.
  static constexpr std::size_t kChunk = 16384;

  std::shared_ptr<QlogDirectory> directory_;
  std::shared_ptr<File> file_;
  std::string buffer_;
  std::uint64_t size_ = 0;
  bool cut_ = false;
};

}  // namespace moq::native::quic
