#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "moq-interop-client/pipe.h"
#include "net/base/error.h"
#include "net/ietf/stream.h"
#include "net/ietf/types.h"
#include "net/ietf/version.h"

namespace moq::interop {

/// What has come of one subscription or fetch.
struct ReceivedObjects {
  /// The payloads of whole objects.
  std::map<Location, std::string> objects = {};
  /// Groups whose stream has ended as it should.
  std::set<std::uint64_t> ended_groups = {};
  /// The fetch's stream has.
  bool ended = false;
};

/// Reads the unidirectional streams of a session, but for its control stream.
class Received final {
 public:
  /// More than any case has the relay send, in bytes of payload.
  static constexpr std::uint64_t kMost = 4U << 20;

  struct Events {
    /// A control stream: its type, what follows it, and whether that is all.
    std::function<void(std::unique_ptr<Pipe> pipe, std::uint64_t type, Bytes rest, bool fin)>
        control;
    /// A stream is not what the draft has, or is more than was asked for.
    std::function<void(const Error& error)> violation;
  };

  explicit Received(Events events);
  Received(const Received&) = delete;
  Received& operator=(const Received&) = delete;
  ~Received();

  void set_version(ietf::Version version) { version_ = version; }
  void take(transport::Session& session, std::shared_ptr<transport::RecvStream> stream);

  [[nodiscard]] ReceivedObjects& subscribed(std::uint64_t alias) { return by_alias_[alias]; }
  [[nodiscard]] ReceivedObjects& fetched(std::uint64_t id) { return by_fetch_[id]; }

 private:
  class Stream;

  /// Adds payload to what there is. Fails beyond kMost.
  Result<void> claim(std::uint64_t size);
  /// Fails if the object has come with another payload.
  static Result<void> keep(ReceivedObjects& into, const Location& where,
                           const std::string& payload);

  Events events_;
  ietf::Version version_{};
  std::vector<std::unique_ptr<Stream>> streams_;
  std::map<std::uint64_t, ReceivedObjects> by_alias_;
  std::map<std::uint64_t, ReceivedObjects> by_fetch_;
  std::uint64_t size_ = 0;
};

}  // namespace moq::interop
