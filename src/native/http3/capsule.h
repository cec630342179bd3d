#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/bytes.h"
#include "net/base/error.h"
#include "net/coding/varint.h"

namespace moq::native::http3 {

/// draft-ietf-webtrans-http3 §4.7 and §6.
enum class CapsuleType : std::uint64_t {
  close_session = 0x2843,
  drain_session = 0x78ae,
};

/// Bytes of a closing message; ours are cut, a peer's longer one is an error.
inline constexpr std::size_t kMaxCloseReason = 1024;

/// A CONNECT stream's capsules (RFC 9297 §3.2) as they arrive, in pieces of any size.
/// Holds at most one CLOSE; capsules of other types are skipped, however long.
class CapsuleParser {
 public:
  class Handler {
   public:
    virtual void on_close_capsule(std::uint32_t code, std::string reason) = 0;
    virtual void on_drain_capsule() = 0;

   protected:
    ~Handler() = default;
  };

  /// Fails with H3_MESSAGE_ERROR on a CLOSE that is too short or too long, or whose
  /// message is not UTF-8, and on what follows one.
  Result<void> feed(ByteSpan bytes, Handler& handler);
  /// The stream has ended. Fails with H3_MESSAGE_ERROR inside a capsule.
  [[nodiscard]] Result<void> finish() const;

 private:
  enum class State : std::uint8_t { type, size, payload, closed };

  Result<void> complete(Handler& handler);

  State state_ = State::type;
  coding::VarintAccumulator varint_;
  std::uint64_t type_ = 0;
  std::uint64_t left_ = 0;
  std::vector<std::uint8_t> payload_;
};

/// Appends CLOSE. The reason is cut at kMaxCloseReason, between two characters.
void append_close_capsule(std::vector<std::uint8_t>& out, std::uint32_t code,
                          std::string_view reason);
void append_drain_capsule(std::vector<std::uint8_t>& out);

}  // namespace moq::native::http3
