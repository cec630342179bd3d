#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>

#include "net/base/error.h"

namespace moq::token {

/// The name of a key, `kid`: 1 to kMaxKeyIdSize letters, digits, "-" and "_" of
/// ASCII. So it may be a part of a file's name or of a URL as it is.
class KeyId {
 public:
  /// Fails with bad_key_id for anything else.
  static Result<KeyId> parse(std::string_view text);
  /// 16 hexadecimal digits of the system's randomness.
  static Result<KeyId> random();

  [[nodiscard]] const std::string& text() const { return text_; }
  // NOLINTNEXTLINE(modernize-use-nullptr): see net/model/path.h
  friend auto operator<=>(const KeyId&, const KeyId&) = default;

 private:
  explicit KeyId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace moq::token
