#include "net/model/path.h"

namespace moq {

Path::Path(std::string_view text) {
  text_.reserve(text.size());
  bool separate = false;
  for (const char c : text) {
    if (c == '/') {
      separate = !text_.empty();
      continue;
    }
    if (separate) text_ += '/';
    separate = false;
    text_ += c;
  }
}

bool Path::has_prefix(const Path& prefix) const {
  if (prefix.empty()) return true;
  if (!text_.starts_with(prefix.text_)) return false;
  return text_.size() == prefix.text_.size() || text_[prefix.text_.size()] == '/';
}

Path Path::without(const Path& prefix) const {
  if (prefix.empty()) return *this;
  Path rest;
  if (text_.size() > prefix.text_.size()) rest.text_ = text_.substr(prefix.text_.size() + 1);
  return rest;
}

Path Path::join(const Path& suffix) const {
  if (empty()) return suffix;
  Path all = *this;
  if (!suffix.empty()) {
    all.text_ += '/';
    all.text_ += suffix.text_;
  }
  return all;
}

std::pair<std::string_view, std::string_view> Path::split() const {
  const std::string_view text = text_;
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {text, {}};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

}  // namespace moq
