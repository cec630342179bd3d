#include "native/client/resolve.h"

#include <netdb.h>

#include <cerrno>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

namespace moq::native {

namespace {

// Shared by the caller's handle and the thread that looks up.
struct Lookup {
  std::mutex mutex;
  EventLoop* events = nullptr;  // guarded by mutex; null once the caller let go
  Resolved done;                // touched on the loop's thread only
};

Result<std::vector<SocketAddress>> look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (code != 0) {
    const char* why = code == EAI_SYSTEM ? strerrordesc_np(errno) : gai_strerror(code);
    return fail(IoError{EHOSTUNREACH}, fmt::format("cannot resolve \"{}\": {}", host, why));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    if (addresses.size() == kMaxAddresses) break;
    addresses.emplace_back(each->ai_addr, each->ai_addrlen);
  }
  if (addresses.empty()) {
    return fail(IoError{EHOSTUNREACH}, fmt::format("\"{}\" has no address", host));
  }
  return addresses;
}

}  // namespace

std::shared_ptr<void> resolve(EventLoop& events, std::string host, std::uint16_t port,
                              Resolved done) {
  auto lookup = std::make_shared<Lookup>();
  lookup->events = &events;
  lookup->done = std::move(done);
  // A thread of its own, which nobody waits for: getaddrinfo cannot be
  // cancelled, and can take as long as the name servers are silent.
  std::thread([lookup, host = std::move(host), port] {
    auto result = look_up(host, port);
    const std::scoped_lock lock(lookup->mutex);
    if (lookup->events == nullptr) return;
    lookup->events->post([lookup, result = std::move(result)]() mutable {
      if (lookup->done) std::exchange(lookup->done, nullptr)(std::move(result));
    });
  }).detach();
  return {lookup.get(), [lookup](void*) {
            const std::scoped_lock lock(lookup->mutex);
            lookup->events = nullptr;
            lookup->done = nullptr;
          }};
}

}  // namespace moq::native
