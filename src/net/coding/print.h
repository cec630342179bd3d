#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "net/base/time.h"

/// How values of messages look in logs.
namespace moq::coding {

void print_value(std::string& out, std::uint64_t value);
void print_value(std::string& out, std::uint8_t value);
void print_value(std::string& out, bool value);
/// In milliseconds.
void print_value(std::string& out, Duration value);
/// Quoted; control characters, quotes and backslashes are escaped, bytes above 0x7f
/// too unless all is UTF-8, and what is longer than 128 bytes is cut off, since a peer
/// chooses it.
void print_value(std::string& out, const std::string& value);

template <typename E>
requires std::is_enum_v<E>
void print_value(std::string& out, E value) {
  if constexpr (requires { std::string_view(to_string(value)); }) {
    out += to_string(value);
  } else {
    print_value(out, static_cast<std::uint64_t>(value));
  }
}

template <typename T>
void print_value(std::string& out, const std::vector<T>& values);

template <typename T>
void print_value(std::string& out, const std::optional<T>& value) {
  if (value) {
    print_value(out, *value);
  } else {
    out += "none";
  }
}

template <typename T>
void print_value(std::string& out, const std::vector<T>& values) {
  out += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ' ';
    print_value(out, values[i]);
  }
  out += ']';
}

}  // namespace moq::coding
