#include "native/http3/structured.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "native/http3/codes.h"

namespace moq::native::http3 {
namespace {

constexpr std::size_t kMaxMembers = 64;

bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_printable(char c) { return c >= 0x20 && c < 0x7f; }

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  void skip_space() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  }
  [[nodiscard]] bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] bool at(char c) const { return !rest_.empty() && rest_.front() == c; }

  /// What stands between quotes; none if they are not closed.
  std::optional<std::string> string() {
    if (!take('"')) return std::nullopt;
    std::string out;
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return out;
      if (c == '\\') {
        if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\\')) return std::nullopt;
        c = rest_.front();
        rest_.remove_prefix(1);
      }
      if (!is_printable(c)) return std::nullopt;
      out += c;
    }
    return std::nullopt;
  }

  /// What is no string: up to the next comma that stands outside of quotes. Parameters
  /// are skipped the same way.
  bool skip_member() {
    while (!rest_.empty() && rest_.front() != ',') {
      if (rest_.front() == '"') {
        if (!string()) return false;
      } else {
        rest_.remove_prefix(1);
      }
    }
    return true;
  }

 private:
  std::string_view rest_;
};

}  // namespace

Result<std::vector<std::string>> parse_string_list(std::string_view text) {
  std::vector<std::string> out;
  Parser parser(text);
  parser.skip_space();
  while (!parser.done()) {
    std::optional<std::string> value;
    const bool quoted = parser.at('"');
    if (quoted) value = parser.string();
    if ((quoted && !value) || !parser.skip_member()) {
      return fail(Http3Error::message_error, "a list with an unfinished string");
    }
    if (value && out.size() < kMaxMembers) out.push_back(*std::move(value));
    if (!parser.take(',')) break;
    parser.skip_space();
    if (parser.done()) return fail(Http3Error::message_error, "a list that ends with a comma");
  }
  return out;
}

std::string parse_string_item(std::string_view text) {
  Parser parser(text);
  parser.skip_space();
  auto value = parser.string();
  return value ? *std::move(value) : std::string();
}

std::string quote_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (!is_printable(c)) continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string quote_list(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) {
    if (!out.empty()) out += ", ";
    out += quote_string(text);
  }
  return out;
}

}  // namespace moq::native::http3
