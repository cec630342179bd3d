#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace moq {

/// A table of error codes that one specification (or one layer) defines.
///
/// Each domain is one enum; its table is found by ADL through
/// `const ErrorDomain& error_domain(Enum)`. Domains are compared by address and
/// live for the whole program.
struct ErrorDomain {
  /// Short lower-case name for messages, for example "MoQ session".
  std::string_view name;
  /// The draft's name of a code; never empty ("unknown" when it has none).
  std::string_view (*describe)(std::uint64_t code);
};

/// A failure: a code of one domain, and what was being done. A value type.
class Error {
 public:
  /// `detail` names the thing that failed and, for people, the remedy.
  template <typename Enum>
  requires std::is_enum_v<Enum>
  // NOLINTNEXTLINE(google-explicit-constructor): `return tl::unexpected(Enum::x)` reads well.
  Error(Enum code, std::string detail = {})
      : domain_(&error_domain(code)),
        code_(static_cast<std::uint64_t>(code)),
        detail_(std::move(detail)) {}

  /// A code received from a peer, which need not be one that we know.
  Error(const ErrorDomain& domain, std::uint64_t code, std::string detail)
      : domain_(&domain), code_(code), detail_(std::move(detail)) {}

  /// The code as it goes on the wire in its domain.
  [[nodiscard]] std::uint64_t code() const { return code_; }
  [[nodiscard]] const ErrorDomain& domain() const { return *domain_; }
  [[nodiscard]] const std::string& detail() const { return detail_; }

  /// Whether this is `code` of that enum's domain.
  template <typename Enum>
  requires std::is_enum_v<Enum>
  [[nodiscard]] bool is(Enum code) const {
    return domain_ == &error_domain(code) && code_ == static_cast<std::uint64_t>(code);
  }

  /// "domain: CODE_NAME (0x3): detail".
  [[nodiscard]] std::string message() const;

  friend bool operator==(const Error& a, const Error& b) {
    return a.domain_ == b.domain_ && a.code_ == b.code_;
  }

 private:
  const ErrorDomain* domain_;
  std::uint64_t code_;
  std::string detail_;
};

/// A value or the reason why there is none. Exceptions are for programming
/// errors and start-up only. (An alias, so that std::expected can replace it.)
template <typename T>
using Result = tl::expected<T, Error>;

/// `return fail(SessionError::protocol_violation, "...")`.
template <typename Enum>
[[nodiscard]] tl::unexpected<Error> fail(Enum code, std::string detail = {}) {
  return tl::unexpected<Error>(Error(code, std::move(detail)));
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace moq

#define MOQ_CONCAT_INNER(a, b) a##b
#define MOQ_CONCAT(a, b) MOQ_CONCAT_INNER(a, b)

/// `MOQ_TRY(auto x, f());` — assigns the value of a Result, or returns its error.
#define MOQ_TRY(lhs, expression) MOQ_TRY_IMPL(MOQ_CONCAT(moq_try_, __LINE__), lhs, expression)
#define MOQ_TRY_IMPL(tmp, lhs, expression)                               \
  auto tmp = (expression);                                               \
  if (!tmp) return tl::unexpected<::moq::Error>(std::move(tmp).error()); \
  lhs = *std::move(tmp)

/// `MOQ_CHECK_OK(f());` — returns the error of a Result<void>, if any.
#define MOQ_CHECK_OK(expression)                                          \
  do {                                                                    \
    if (auto moq_status = (expression); !moq_status)                      \
      return tl::unexpected<::moq::Error>(std::move(moq_status).error()); \
  } while (false)
