#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "native/http3/limits.h"
#include "net/base/bytes.h"
#include "net/base/error.h"

struct nghttp3_qpack_decoder;
struct nghttp3_qpack_encoder;

namespace moq::native::http3 {

struct Field {
  std::string name;
  std::string value;

  friend bool operator==(const Field&, const Field&) = default;
};

/// One connection's QPACK (RFC 9204) without a dynamic table in either direction: no
/// field section waits for anything.
class Qpack {
 public:
  Qpack();
  Qpack(const Qpack&) = delete;
  Qpack& operator=(const Qpack&) = delete;
  ~Qpack();

  /// The fields of a HEADERS frame. Fails with QPACK_DECOMPRESSION_FAILED, or with
  /// H3_EXCESSIVE_LOAD beyond a limit.
  Result<std::vector<Field>> decode(std::int64_t stream, ByteSpan section, const Limits& limits);
  /// The payload of a HEADERS frame.
  std::vector<std::uint8_t> encode(std::int64_t stream, std::span<const Field> fields);

  /// What the peer's encoder stream says: nothing that would need a table.
  Result<void> on_encoder_stream(ByteSpan bytes);
  /// What the peer's decoder stream says.
  Result<void> on_decoder_stream(ByteSpan bytes);

 private:
  nghttp3_qpack_decoder* decoder_ = nullptr;
  nghttp3_qpack_encoder* encoder_ = nullptr;
};

}  // namespace moq::native::http3
