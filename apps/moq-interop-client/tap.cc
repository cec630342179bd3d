#include "moq-interop-client/tap.h"

#include <chrono>

#include <fmt/format.h>

namespace moq::interop {

namespace {

/// On one line, without what ends or escapes a description.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '#' || c == '\\') out += '\\';
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return out;
}

/// A YAML string in double quotes: what a relay has sent may be anything.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

void add(std::string& out, std::string_view key, std::string_view value) {
  if (!value.empty()) out += fmt::format("  {}: {}\n", key, quoted(value));
}

}  // namespace

std::string tap_head(std::size_t cases, const std::vector<std::string>& about) {
  std::string out = "TAP version 14\n";
  for (const std::string& line : about) out += "# " + one_line(line) + "\n";
  return out + fmt::format("1..{}\n", cases);
}

std::string tap_result(std::size_t number, const CaseResult& result) {
  std::string out =
      fmt::format("{} {} - {}", result.wrong ? "not ok" : "ok", number, one_line(result.id));
  if (!result.skipped.empty()) return out + " # SKIP " + one_line(result.skipped) + "\n";
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(result.duration);
  out += fmt::format("\n  ---\n  duration_ms: {}\n", ms.count());
  add(out, "version", result.version);
  if (result.wrong) {
    add(out, "expected", result.wrong->expected);
    add(out, "received", result.wrong->received);
    add(out, "message", result.wrong->message);
  }
  return out + "  ...\n";
}

std::string tap_bail_out(std::string_view why) {
  return fmt::format("Bail out! {}\n", one_line(why));
}

}  // namespace moq::interop
