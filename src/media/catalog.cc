#include "media/catalog.h"

#include <cmath>

#include <fmt/format.h>

#include "media/error.h"

namespace moq::media {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxSafeInteger = (1ULL << 53) - 1;

tl::unexpected<Error> bad(std::string_view where, std::string_view what) {
  return fail(MediaError::bad_catalog, fmt::format("{}: {}", where, what));
}

/// Takes fields out of a copy of an object, so that what is left is what is not
/// modelled. Remembers the first thing that is wrong.
class Fields {
 public:
  Fields(const json& object, std::string where) : rest_(object), where_(std::move(where)) {
    if (!rest_.is_object()) {
      wrong({}, "is not an object");
      rest_ = json::object();
    }
  }

  [[nodiscard]] bool has(const char* name) const { return rest_.contains(name); }

  /// The field, removed; null if there is none.
  json take(const char* name) {
    const auto found = rest_.find(name);
    if (found == rest_.end()) return nullptr;
    json value = std::move(*found);
    rest_.erase(found);
    return value;
  }

  std::optional<std::string> string(const char* name) {
    const json value = take(name);
    if (value.is_null()) return std::nullopt;
    if (!value.is_string()) return wrong(name, "is not a string"), std::nullopt;
    return value.get<std::string>();
  }

  /// An integer up to 2^53 - 1; numbers as "25.0" are integers, as in JavaScript.
  std::optional<std::uint64_t> integer(const char* name) {
    const json value = take(name);
    if (value.is_null()) return std::nullopt;
    if (value.is_number_unsigned() && value.get<std::uint64_t>() <= kMaxSafeInteger) {
      return value.get<std::uint64_t>();
    }
    if (value.is_number_float()) {
      const double number = value.get<double>();
      if (number >= 0 && number <= static_cast<double>(kMaxSafeInteger) &&
          number == std::floor(number)) {
        return static_cast<std::uint64_t>(number);
      }
    }
    return wrong(name, "is not an integer from 0 to 2^53 - 1"), std::nullopt;
  }

  std::optional<double> number(const char* name) {
    const json value = take(name);
    if (value.is_null()) return std::nullopt;
    if (!value.is_number()) return wrong(name, "is not a number"), std::nullopt;
    return value.get<double>();
  }

  std::optional<bool> boolean(const char* name) {
    const json value = take(name);
    if (value.is_null()) return std::nullopt;
    if (!value.is_boolean()) return wrong(name, "is not a boolean"), std::nullopt;
    return value.get<bool>();
  }

  void wrong(std::string_view name, std::string_view what) {
    if (problem_.empty()) problem_ = fmt::format("{} {}", name, what);
  }
  void require(bool present, std::string_view name) {
    if (!present) wrong(name, "is missing");
  }

  json rest() { return std::move(rest_); }
  Result<void> done() {
    if (!problem_.empty()) return bad(where_, problem_);
    return {};
  }

 private:
  json rest_;
  std::string where_;
  std::string problem_;
};

Container parse_container(const json& value, Fields& fields) {
  Container container;
  if (value.is_null()) return container;
  const auto kind = value.is_object() ? value.find("kind") : value.end();
  if (kind == value.end() || !kind->is_string()) {
    fields.wrong("container", "has no kind");
    return container;
  }
  const auto& name = kind->get_ref<const std::string&>();
  if (name == "legacy") return container;
  if (name == "loc") {
    container.kind = Container::Kind::loc;
  } else if (name == "cmaf") {
    container.kind = Container::Kind::cmaf;
    const auto init = value.find("init");
    std::optional<Bytes> bytes;
    if (init != value.end() && init->is_string()) {
      bytes = from_base64(init->get_ref<const std::string&>());
    }
    if (!bytes) fields.wrong("container.init", "is not base64");
    container.init = bytes.value_or(Bytes());
  } else {
    container.kind = Container::Kind::unknown;
    container.raw = value;
  }
  return container;
}

json container_json(const Container& container) {
  switch (container.kind) {
    case Container::Kind::legacy:
      return {{"kind", "legacy"}};
    case Container::Kind::loc:
      return {{"kind", "loc"}};
    case Container::Kind::cmaf:
      return {{"kind", "cmaf"}, {"init", to_base64(container.init)}};
    case Container::Kind::unknown:
      break;
  }
  return container.raw;
}

void parse_common(Fields& fields, RenditionConfig& config, const Catalog::Limits& limits) {
  const auto codec = fields.string("codec");
  fields.require(codec.has_value() && !codec->empty(), "codec");
  config.codec = codec.value_or(std::string());
  config.broadcast = fields.string("broadcast");
  config.container = parse_container(fields.take("container"), fields);
  if (const auto hex = fields.string("description")) {
    config.description = from_hex(*hex);
    if (!config.description) fields.wrong("description", "is not hexadecimal");
    if (hex->size() / 2 > limits.max_description) fields.wrong("description", "is too large");
  }
  config.bitrate = fields.integer("bitrate");
  config.jitter = fields.integer("jitter");
}

Result<VideoConfig> parse_rendition(const json& value, const std::string& where, VideoConfig config,
                                    const Catalog::Limits& limits) {
  Fields fields(value, where);
  parse_common(fields, config, limits);
  config.coded_width = fields.integer("codedWidth");
  config.coded_height = fields.integer("codedHeight");
  // The second name is that of older publishers.
  for (const char* name : {"displayAspectWidth", "displayRatioWidth"}) {
    if (fields.has(name)) config.display_aspect_width = fields.integer(name);
  }
  for (const char* name : {"displayAspectHeight", "displayRatioHeight"}) {
    if (fields.has(name)) config.display_aspect_height = fields.integer(name);
  }
  config.framerate = fields.number("framerate");
  config.stalled = fields.boolean("stalled");
  config.optimize_for_latency = fields.boolean("optimizeForLatency");
  MOQ_CHECK_OK(fields.done());
  config.extra = fields.rest();
  return config;
}

Result<AudioConfig> parse_rendition(const json& value, const std::string& where, AudioConfig config,
                                    const Catalog::Limits& limits) {
  Fields fields(value, where);
  parse_common(fields, config, limits);
  const auto rate = fields.integer("sampleRate");
  const auto channels = fields.integer("numberOfChannels");
  fields.require(rate.has_value(), "sampleRate");
  fields.require(channels.has_value(), "numberOfChannels");
  config.sample_rate = rate.value_or(0);
  config.channels = channels.value_or(0);
  MOQ_CHECK_OK(fields.done());
  config.extra = fields.rest();
  return config;
}

/// The older shape {"track": {"name": …}, "config": …} as a renditions object.
Result<void> add_old_shape(const json& entry, std::string_view where, json& renditions) {
  if (!entry.is_object() || !entry.contains("config") || !entry.contains("track") ||
      !entry["track"].is_object() || !entry["track"].contains("name") ||
      !entry["track"]["name"].is_string()) {
    return bad(where, "has neither renditions nor a track and its config");
  }
  renditions[entry["track"]["name"].get<std::string>()] = entry["config"];
  return {};
}

template <typename Config>
Result<void> parse_section(json section, const std::string& where, const Catalog::Limits& limits,
                           std::map<std::string, Config>& renditions, json& extra) {
  json entries = json::object();
  if (section.is_array()) {
    if (section.size() > limits.max_renditions) return bad(where, "has too many renditions");
    for (const json& entry : section) MOQ_CHECK_OK(add_old_shape(entry, where, entries));
  } else if (section.is_object() && section.contains("renditions")) {
    entries = std::move(section["renditions"]);
    section.erase("renditions");
    extra = std::move(section);
  } else {
    MOQ_CHECK_OK(add_old_shape(section, where, entries));
  }
  if (!entries.is_object()) return bad(where, "renditions is not an object");
  if (entries.size() > limits.max_renditions) return bad(where, "has too many renditions");
  for (const auto& [name, value] : entries.items()) {
    if (name.empty() || name.size() > limits.max_name) {
      return bad(where, "has a track name that is empty or too long");
    }
    MOQ_TRY(Config config, parse_rendition(value, where + "." + name, Config(), limits));
    renditions.emplace(name, std::move(config));
  }
  return {};
}

template <typename T>
void put(json& object, const char* name, const std::optional<T>& value) {
  if (value) object[name] = *value;
}

json common_json(const RenditionConfig& config) {
  json object = config.extra;
  object["codec"] = config.codec;
  object["container"] = container_json(config.container);
  put(object, "broadcast", config.broadcast);
  if (config.description) object["description"] = to_hex(*config.description);
  put(object, "bitrate", config.bitrate);
  put(object, "jitter", config.jitter);
  return object;
}

json rendition_json(const VideoConfig& config) {
  json object = common_json(config);
  put(object, "codedWidth", config.coded_width);
  put(object, "codedHeight", config.coded_height);
  put(object, "displayAspectWidth", config.display_aspect_width);
  put(object, "displayAspectHeight", config.display_aspect_height);
  put(object, "framerate", config.framerate);
  put(object, "stalled", config.stalled);
  put(object, "optimizeForLatency", config.optimize_for_latency);
  return object;
}

json rendition_json(const AudioConfig& config) {
  json object = common_json(config);
  object["sampleRate"] = config.sample_rate;
  object["numberOfChannels"] = config.channels;
  return object;
}

template <typename Config>
void put_section(json& root, const char* name, const std::map<std::string, Config>& renditions,
                 const json& extra) {
  if (renditions.empty() && extra.empty()) return;
  json section = extra;
  section["renditions"] = json::object();
  for (const auto& [track, config] : renditions) {
    section["renditions"][track] = rendition_json(config);
  }
  root[name] = std::move(section);
}

}  // namespace

Result<json> parse_json(std::string_view text, const Catalog::Limits& limits) {
  if (text.size() > limits.max_bytes) {
    return bad("catalog", fmt::format("is larger than {} bytes", limits.max_bytes));
  }
  // Writing and merging JSON recurse, so depth is bounded before there is a tree.
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > limits.max_depth) return bad("catalog", "is nested too deeply");
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  json root = json::parse(text, nullptr, false);
  if (root.is_discarded()) return bad("catalog", "is not JSON");
  return root;
}

Result<Catalog> Catalog::parse(std::string_view text, const Limits& limits) {
  MOQ_TRY(const json root, parse_json(text, limits));
  return from_json(root, limits);
}

Result<Catalog> Catalog::from_json(const json& root, const Limits& limits) {
  if (!root.is_object()) return bad("catalog", "is not an object");
  Catalog catalog;
  catalog.extra = root;
  for (const char* name : {"video", "audio"}) {
    const auto found = catalog.extra.find(name);
    if (found == catalog.extra.end()) continue;
    json section = std::move(*found);
    catalog.extra.erase(found);
    if (section.is_null()) continue;
    if (std::string_view(name) == "video") {
      MOQ_CHECK_OK(
          parse_section(std::move(section), name, limits, catalog.video, catalog.video_extra));
    } else {
      MOQ_CHECK_OK(
          parse_section(std::move(section), name, limits, catalog.audio, catalog.audio_extra));
    }
  }
  return catalog;
}

json Catalog::to_json() const {
  json root = extra;
  put_section(root, "video", video, video_extra);
  put_section(root, "audio", audio, audio_extra);
  return root;
}

std::string Catalog::to_text() const {
  return to_json().dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace moq::media
