#include "moq-bench/preset.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace moq::bench {

namespace {

struct Preset {
  std::string_view name;
  std::string_view text;
};

constexpr std::array kPresets = {
    Preset{"hd", R"(startup = "30s"
report = "5s"
connections = "50:200"
broadcasts = 1
subscribe = "1:5"
fps = "24:60"
frame_size = "20000:60000"
group_size = "23:59")"},
    Preset{"sd", R"(startup = "30s"
report = "5s"
connections = "100:500"
broadcasts = 1
subscribe = "5:20"
fps = 30
frame_size = "4000:12000"
group_size = 59)"},
    Preset{"audio", R"(startup = "20s"
report = "5s"
connections = "200:1000"
broadcasts = 1
subscribe = "2:10"
fps = 50
frame_size = "200:600"
group_size = "4:9")"},
    Preset{"announce", R"(startup = "30s"
report = "5s"
connections = "10:50"
broadcasts = "20:100"
subscribe = "10:50"
fps = 1
frame_size = 0
group_size = 0)"},
    Preset{"chat", R"(startup = "30s"
report = "5s"
connections = 1000
broadcasts = 1
subscribe = 1
fps = 1
frame_size = "200:400"
group_size = 0)"},
    Preset{"chat-pub", R"(startup = "5s"
report = "5s"
connections = 10
broadcasts = 1
subscribe = 0
fps = "1:10"
frame_size = "200:400"
group_size = 0)"},
    Preset{"chat-sub", R"(startup = "60s"
report = "5s"
connections = 2000
broadcasts = 0
subscribe = "1:3")"},
};

std::string flag_of(std::string path) {
  std::ranges::replace(path, '_', '-');
  return "--" + path;
}

[[noreturn]] void wrong(const toml::node& node, std::string_view name, const std::string& why) {
  throw std::runtime_error(fmt::format("{}:{}: {}", name, node.source().begin.line, why));
}

std::string value_of(const toml::node& node, std::string_view name) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
  if (const auto* list = node.as_array()) {
    std::string all;
    for (const toml::node& each : *list) all += (all.empty() ? "" : ",") + value_of(each, name);
    return all;
  }
  wrong(node, name, "this is no value for a flag");
}

void walk(const toml::table& table, const std::string& prefix, std::string_view name,
          Settings& settings) {
  for (const auto& [key, node] : table) {
    const std::string path = prefix.empty()
                                 ? std::string(key.str())
                                 : fmt::format("{}-{}", prefix, std::string_view(key.str()));
    const toml::table* inner = node.as_table();
    if (inner != nullptr && inner->contains("min") && inner->contains("max")) {
      settings.emplace_back(flag_of(path), fmt::format("{}:{}", value_of(*inner->get("min"), name),
                                                       value_of(*inner->get("max"), name)));
    } else if (inner != nullptr) {
      walk(*inner, path, name, settings);
    } else {
      settings.emplace_back(flag_of(path), value_of(node, name));
    }
  }
}

}  // namespace

Settings read_settings(std::string_view text, std::string_view name) {
  Settings settings;
  try {
    walk(toml::parse(text, name), "", name, settings);
  } catch (const toml::parse_error& error) {
    throw std::runtime_error(
        fmt::format("{}:{}: {}", name, error.source().begin.line, error.description()));
  }
  return settings;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) names.emplace_back(preset.name);
  return names;
}

std::string_view preset_text(std::string_view name) {
  const auto* const it = std::ranges::find(kPresets, name, &Preset::name);
  return it == kPresets.end() ? std::string_view() : it->text;
}

}  // namespace moq::bench
