#include "native/tls/pem_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>

namespace moq::native::tls {

namespace {
constexpr std::size_t kMaxSize = 1024 * 1024;
}  // namespace

Result<std::string> read_pem_file(const std::string& path, std::string_view what) {
  const auto failed = [&](const char* why) {
    return fail(TlsError::file, fmt::format("cannot read the {} file {}: {}", what, path, why));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             std::fclose);
  if (!file) return failed(strerrordesc_np(errno));
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get());
    const int error = std::ferror(file.get()) != 0 ? errno : 0;
    text.append(buffer.data(), got);
    if (text.size() > kMaxSize) return failed("it is larger than 1 MiB, so hardly PEM");
    if (error == EINTR) {
      // A signal is not the file's fault: there may be more.
      std::clearerr(file.get());
      continue;
    }
    if (error != 0) return failed(strerrordesc_np(error));
    if (got < buffer.size()) break;
  }
  if (text.empty()) return failed("it is empty");
  return text;
}

}  // namespace moq::native::tls
