#include "moq-token/files.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace moq::token_cli {

namespace {

constexpr ErrorDomain kDomain{
    "file", [](std::uint64_t code) -> std::string_view { return code == 0 ? "READ" : "WRITE"; }};

constexpr mode_t kSecretMode = S_IRUSR | S_IWUSR;
constexpr mode_t kAllModes = S_IRWXU | S_IRWXG | S_IRWXO;
constexpr mode_t kOpenMode = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;

std::string why(int error) { return std::generic_category().message(error); }

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
  }
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  /// What only shows then, such as a full disk elsewhere.
  [[nodiscard]] bool close() {
    const int fd = std::exchange(fd_, -1);
    return fd <= STDERR_FILENO || ::close(fd) == 0;
  }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

/// A terminal, a pipe: nothing that could be replaced.
Result<void> write_device(const std::string& path, std::string_view text) {
  File file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open() || !write_all(file.fd(), text) || !file.close()) {
    return fail(FileError::write, fmt::format("{}: {}", path, why(errno)));
  }
  return {};
}

}  // namespace

const ErrorDomain& error_domain(FileError) { return kDomain; }

bool is_standard(std::string_view path) { return path == "-"; }

Result<std::string> read_file(const std::string& path, std::size_t most) {
  const File file(is_standard(path) ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const std::string name = is_standard(path) ? "standard input" : path;
  if (!file.is_open()) return fail(FileError::read, fmt::format("{}: {}", name, why(errno)));
  std::string text;
  std::array<char, 65536> buffer{};
  while (text.size() <= most) {
    const ssize_t got = ::read(file.fd(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(FileError::read, fmt::format("{}: {}", name, why(errno)));
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return fail(FileError::read,
              fmt::format("{}: more than {} bytes; is it the right file?", name, most));
}

Result<void> write_file(const std::string& path, std::string_view text, bool secret) {
  if (is_standard(path)) {
    if (write_all(STDOUT_FILENO, std::string(text) + '\n')) return {};
    return fail(FileError::write, fmt::format("standard output: {}", why(errno)));
  }
  struct stat about {};
  const bool there = ::stat(path.c_str(), &about) == 0;
  if (there && !S_ISREG(about.st_mode)) return write_device(path, text);
  // Through a link, to where it leads.
  std::error_code error;
  const auto target = there ? std::filesystem::canonical(path, error).string() : path;
  if (error) return fail(FileError::write, fmt::format("{}: {}", path, error.message()));
  // Whoever reads it, such as a relay, finds the old text or the new, and no other.
  const std::string fresh = fmt::format("{}.{}.new", target, ::getpid());
  File file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                   secret ? kSecretMode : kOpenMode));
  if (!file.is_open()) return fail(FileError::write, fmt::format("{}: {}", path, why(errno)));
  const bool keeps_mode = there && !secret;
  if ((keeps_mode && ::fchmod(file.fd(), about.st_mode & kAllModes) != 0) ||
      !write_all(file.fd(), text) || ::fsync(file.fd()) != 0 || !file.close() ||
      ::rename(fresh.c_str(), target.c_str()) != 0) {
    const int failed = errno;
    ::unlink(fresh.c_str());
    return fail(FileError::write, fmt::format("{}: {}", path, why(failed)));
  }
  return {};
}

}  // namespace moq::token_cli
