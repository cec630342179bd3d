#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "net/base/bytes.h"
#include "net/base/error.h"

namespace moq::media {

/// Delivery priorities of hang tracks; higher is sent first.
inline constexpr std::uint8_t kCatalogPriority = 100;
inline constexpr std::uint8_t kAudioPriority = 80;
inline constexpr std::uint8_t kVideoPriority = 60;

/// The track that a broadcast's catalog is on (draft-lcurley-moq-hang §Catalog).
inline constexpr std::string_view kCatalogTrack = "catalog.json";

/// How a rendition's objects frame its media (§Container).
struct Container {
  enum class Kind : std::uint8_t { legacy, cmaf, loc, unknown };
  Kind kind = Kind::legacy;
  /// cmaf: the initialization segment (ftyp and moov).
  Bytes init;
  /// unknown: the field as it was, to be written back.
  nlohmann::json raw;
};

/// What audio and video renditions have in common (§Common Rendition Fields).
struct RenditionConfig {
  /// WebCodecs codec string.
  std::string codec;
  /// The broadcast that has the track, relative to the catalog's own.
  std::optional<std::string> broadcast;
  Container container;
  /// The decoder's configuration record; none: it is in-band.
  std::optional<Bytes> description;
  std::optional<std::uint64_t> bitrate;  ///< bits per second
  std::optional<std::uint64_t> jitter;   ///< milliseconds
  /// Fields that are not modelled, as they were.
  nlohmann::json extra = nlohmann::json::object();
};

struct VideoConfig : RenditionConfig {
  std::optional<std::uint64_t> coded_width;   ///< pixels
  std::optional<std::uint64_t> coded_height;  ///< pixels
  std::optional<std::uint64_t> display_aspect_width;
  std::optional<std::uint64_t> display_aspect_height;
  std::optional<double> framerate;  ///< frames per second
  std::optional<bool> stalled;
  std::optional<bool> optimize_for_latency;
};

struct AudioConfig : RenditionConfig {
  std::uint64_t sample_rate = 0;  ///< Hz
  std::uint64_t channels = 0;
};

/// The catalog of a broadcast: renditions by track name.
struct Catalog {
  struct Limits {
    std::size_t max_bytes = 1U << 20;  ///< of the JSON text
    std::size_t max_depth = 32;        ///< of nested arrays and objects
    std::size_t max_renditions = 64;   ///< in each section
    std::size_t max_name = 256;        ///< bytes of a track's name
    std::size_t max_description = 64U << 10;
  };

  std::map<std::string, VideoConfig> video;
  std::map<std::string, AudioConfig> audio;
  /// Further fields of the video section: display, rotation, flip, and others.
  nlohmann::json video_extra = nlohmann::json::object();
  nlohmann::json audio_extra = nlohmann::json::object();
  /// Further sections, as they were.
  nlohmann::json extra = nlohmann::json::object();

  /// Reads a catalog, also in its two older shapes. Fails with `bad_catalog` and
  /// the name of the field that is wrong.
  static Result<Catalog> parse(std::string_view text, const Limits& limits);
  static Result<Catalog> parse(std::string_view text) { return parse(text, Limits()); }
  static Result<Catalog> from_json(const nlohmann::json& root, const Limits& limits);

  [[nodiscard]] nlohmann::json to_json() const;
  /// UTF-8, on one line.
  [[nodiscard]] std::string to_text() const;
};

/// Parses JSON of at most `limits.max_bytes` and `limits.max_depth`.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text,
                                                const Catalog::Limits& limits);

/// Lower-case hexadecimal, and back (either case; none if it is not hexadecimal).
[[nodiscard]] std::string to_hex(ByteSpan bytes);
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);
/// RFC 4648 §4 with padding, and back (none if it is not base64).
[[nodiscard]] std::string to_base64(ByteSpan bytes);
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text);

}  // namespace moq::media
