#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace moq {

/// A broadcast path: segments joined by "/", without empty ones. Prefixes match
/// whole segments: "room" is a prefix of "room/a", not of "rooms". The empty
/// path is a prefix of all. Bytes are compared as they are.
class Path {
 public:
  static constexpr std::size_t kMaxSize = 1024;  ///< bytes; checked where one is published

  Path() = default;
  /// Drops leading, trailing and doubled slashes.
  explicit Path(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] bool has_prefix(const Path& prefix) const;
  /// The rest behind `prefix`, which must be one.
  [[nodiscard]] Path without(const Path& prefix) const;
  [[nodiscard]] Path join(const Path& suffix) const;
  /// The first segment, and what follows it; both empty for the empty path.
  /// Views of this path's text.
  [[nodiscard]] std::pair<std::string_view, std::string_view> split() const;

  // clang-tidy takes the 0 that comparisons are rewritten with for ours.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  friend auto operator<=>(const Path&, const Path&) = default;

 private:
  std::string text_;
};

}  // namespace moq
