#include "net/coding/print.h"

#include <iterator>

#include <fmt/format.h>

#include "net/coding/utf8.h"

namespace moq::coding {

namespace {
constexpr std::size_t kMaxPrinted = 128;
}

void print_value(std::string& out, std::uint64_t value) { out += std::to_string(value); }
void print_value(std::string& out, std::uint8_t value) { out += std::to_string(value); }
void print_value(std::string& out, bool value) { out += value ? "true" : "false"; }

void print_value(std::string& out, Duration value) {
  print_value(out, static_cast<std::uint64_t>(
                       std::chrono::duration_cast<std::chrono::milliseconds>(value).count()));
  out += "ms";
}

void print_value(std::string& out, const std::string& value) {
  const bool text = is_utf8(value);
  out += '"';
  for (const char c : std::string_view(value).substr(0, kMaxPrinted)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f || (byte > 0x7f && !text)) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += value.size() > kMaxPrinted ? "\"..." : "\"";
}

}  // namespace moq::coding
