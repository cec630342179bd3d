#include "crowd/timeline.h"

#include <cerrno>
#include <cmath>
#include <system_error>

#include <nlohmann/json.hpp>

namespace moq::crowd {

Timeline::Timeline(const std::string& file) {
  if (file.empty()) return;
  file_.reset(std::fopen(file.c_str(), "we"));
  if (file_ == nullptr) throw std::system_error(errno, std::generic_category(), file);
}

void Timeline::add(Time at, const std::string& who, const std::string& event,
                   const nlohmann::ordered_json& more) {
  if (file_ == nullptr) return;
  nlohmann::ordered_json line{{"t", in_seconds(at)}, {"who", who}, {"event", event}};
  if (!more.is_null()) line.update(more);
  const std::string text = line.dump() + '\n';
  std::fwrite(text.data(), 1, text.size(), file_.get());
  std::fflush(file_.get());
}

double in_seconds(Duration duration) {
  return std::round(static_cast<double>(duration.count()) / 1e3) / 1e6;
}

double in_seconds(Time at) { return in_seconds(at.time_since_epoch()); }

}  // namespace moq::crowd
