#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "relay/sources.h"

namespace moq::relay {

namespace {

// A basic string of TOML.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

/// The query of a URL may be a secret.
std::string without_query(const std::string& item) {
  if (item.find("://") == std::string::npos) return item;
  const std::size_t mark = item.find('?');
  return mark == std::string::npos ? item : item.substr(0, mark) + "?(hidden)";
}

std::string shown_value_of(Assignment set) {
  for (std::string& item : set.items) item = without_query(item);
  return value_of(set);
}

}  // namespace

std::string value_of(const Assignment& set) {
  const Key& key = *set.key;
  if (key.type == Type::boolean || key.type == Type::count) return set.items.front();
  if (set.items.size() == 1) return quoted(set.items.front());
  std::string list;
  for (const std::string& item : set.items) list += (list.empty() ? "" : ", ") + quoted(item);
  return fmt::format("[{}]", list);
}

std::string check_text(const std::vector<Assignment>& effective) {
  std::string out;
  for (const Key& key : all_keys()) {
    if (key.support != Support::now) continue;
    const auto set = std::ranges::find(effective, &key, &Assignment::key);
    if (set != effective.end()) {
      // What has no place in a file is shown as a remark.
      const bool remark = key.toml.empty() || set->where == kFilterVariable;
      out += fmt::format("{}{} = {}  # {}\n", remark ? "# " : "", key.name(), shown_value_of(*set),
                         set->where);
    } else if (!key.shown_default.empty()) {
      out += fmt::format("# {}: {} (default)\n", key.name(), key.shown_default);
    }
  }
  return out;
}

}  // namespace moq::relay
