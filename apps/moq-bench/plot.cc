#include "moq-bench/plot.h"

#include <nlohmann/json.hpp>

#include "moq-bench/plot_page.h"

namespace moq::bench {

namespace {

constexpr std::string_view kPlace = "@RUN@";

/// JSON that may stand in a <script> element: no "<" that could end it.
std::string inside_script(const std::string& json) {
  std::string text;
  for (const char c : json) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string plot_page(const std::vector<std::string>& lines, const std::string& title,
                      const std::string& command) {
  auto list = nlohmann::ordered_json::array();
  for (const std::string& line : lines) list.push_back(nlohmann::ordered_json::parse(line));
  const nlohmann::ordered_json run{{"title", title}, {"command", command}, {"lines", list}};
  std::string page(kPlotPage);
  page.replace(
      page.find(kPlace), kPlace.size(),
      inside_script(run.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)));
  return page;
}

}  // namespace moq::bench
