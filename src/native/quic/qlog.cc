#include "native/quic/qlog.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include <fmt/chrono.h>

#include "native/io/packet_io.h"
#include "net/base/log.h"

namespace moq::native::quic {

namespace {

constexpr std::string_view kPrefix = "moq-";
constexpr std::string_view kSuffix = ".sqlog";

std::string file_name(std::uint64_t connection, ByteSpan first_dcid) {
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  return fmt::format("{}{:%Y%m%dT%H%M%S}.{:06}Z-{}-{:02x}{}", kPrefix, second,
                     (now - second).count(), connection, fmt::join(first_dcid, ""), kSuffix);
}

}  // namespace

/// Belongs to the writer, but for its path.
struct QlogDirectory::File {
  struct Closer {
    void operator()(std::FILE* open) const { std::fclose(open); }
  };

  std::filesystem::path path;
  std::unique_ptr<std::FILE, Closer> stream = nullptr;
  std::uint64_t size = 0;
  bool failed = false;
};

Result<std::shared_ptr<QlogDirectory>> QlogDirectory::open(std::filesystem::path directory,
                                                           QlogLimits limits) {
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  if (!error && ::access(directory.c_str(), W_OK | X_OK) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  if (error) {
    return fail(
        static_cast<IoError>(error.value()),
        fmt::format("cannot write qlog files to {}: {}", directory.string(), error.message()));
  }
  std::shared_ptr<QlogDirectory> made(new QlogDirectory(std::move(directory), limits));
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    const std::uint64_t size = entry.file_size(error);
    if (error) continue;
    made->closed_[name] = size;
    made->total_ += size;
  }
  made->writer_ = std::thread([raw = made.get()] { raw->run(); });
  return made;
}

QlogDirectory::QlogDirectory(std::filesystem::path directory, QlogLimits limits)
    : directory_(std::move(directory)), limits_(limits) {}

QlogDirectory::~QlogDirectory() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  if (writer_.joinable()) writer_.join();
}

std::unique_ptr<QlogDirectory::Trace> QlogDirectory::begin(std::uint64_t connection,
                                                           ByteSpan first_dcid) {
  {
    const std::scoped_lock lock(mutex_);
    if (open_ >= limits_.max_open) return nullptr;
    ++open_;
  }
  auto file = std::make_shared<File>(File{.path = directory_ / file_name(connection, first_dcid)});
  return std::make_unique<Trace>(shared_from_this(), std::move(file));
}

namespace {

/// For its owner only: packets have tokens and stateless resets in them.
std::FILE* create(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  return descriptor < 0 ? nullptr : ::fdopen(descriptor, "w");
}

}  // namespace

bool QlogDirectory::queue(Chunk chunk) {
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_bytes_ + chunk.data.size() > limits_.max_waiting) {
      if (!chunk.last) return false;
      chunk.data.clear();
    }
    waiting_bytes_ += chunk.data.size();
    waiting_.push_back(std::move(chunk));
  }
  changed_.notify_one();
  return true;
}

// --- The writer's thread

void QlogDirectory::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    auto chunks = std::exchange(waiting_, {});
    lock.unlock();
    std::size_t written = 0;
    std::size_t ended = 0;
    for (const Chunk& chunk : chunks) {
      write(chunk);
      written += chunk.data.size();
      ended += chunk.last ? 1 : 0;
    }
    lock.lock();
    waiting_bytes_ -= written;
    open_ -= ended;
  }
}

void QlogDirectory::write(const Chunk& chunk) {
  File& file = *chunk.file;
  if (!chunk.data.empty() && !file.failed && make_room(chunk.data.size())) {
    if (!file.stream) file.stream.reset(create(file.path));
    const bool good = file.stream &&
                      std::fwrite(chunk.data.data(), 1, chunk.data.size(), file.stream.get()) ==
                          chunk.data.size() &&
                      std::fflush(file.stream.get()) == 0;
    if (good) {
      file.size += chunk.data.size();
      total_ += chunk.data.size();
    } else {
      complain(file.path);
      file.failed = true;
    }
  } else if (!chunk.data.empty()) {
    // A part that is missing would look like a time without packets.
    file.failed = true;
  }
  if (chunk.last) close(file);
}

void QlogDirectory::close(File& file) {
  if (file.stream) closed_[file.path.filename().string()] = file.size;
  file.stream.reset();
}

bool QlogDirectory::make_room(std::uint64_t size) {
  while (total_ + size > limits_.max_total && !closed_.empty()) {
    const auto oldest = closed_.begin();
    std::error_code ignored;  // whoever has removed it has made room
    std::filesystem::remove(directory_ / oldest->first, ignored);
    total_ -= oldest->second;
    closed_.erase(oldest);
  }
  return total_ + size <= limits_.max_total;
}

void QlogDirectory::complain(const std::filesystem::path& path) {
  const int error = errno;
  if (std::exchange(complained_, true)) return;
  log::warn("qlog: cannot write {}: {}", path.string(), std::strerror(error));
}

// --- Trace

QlogDirectory::Trace::Trace(std::shared_ptr<QlogDirectory> directory, std::shared_ptr<File> file)
    : directory_(std::move(directory)), file_(std::move(file)) {
  buffer_.reserve(kChunk);
}

QlogDirectory::Trace::~Trace() {
  directory_->queue({.file = std::move(file_), .data = std::move(buffer_), .last = true});
}

void QlogDirectory::Trace::write(ByteSpan records) {
  if (cut_) return;
  size_ += records.size();
  if (size_ > directory_->limits_.max_file) {
    cut_ = true;
    return;
  }
  buffer_.append(reinterpret_cast<const char*>(records.data()), records.size());
  if (buffer_.size() < kChunk) return;
  std::string full = std::exchange(buffer_, {});
  buffer_.reserve(kChunk);
  cut_ = !directory_->queue({.file = file_, .data = std::move(full), .last = false});
}

}  // namespace moq::native::quic
