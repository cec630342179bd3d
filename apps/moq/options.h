#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/client_flags.h"
#include "media/export.h"
#include "media/import.h"

namespace moq::apps {

// NOLINTNEXTLINE(readability-identifier-naming): the words are keywords.
enum class Verb : std::uint8_t { import, export_, announced };

/// What the command line and the environment ask for, checked.
struct Options : ClientOptions {
  Verb verb = Verb::import;
  std::string broadcast;

  /// A name that libavformat can open, or "-" for standard input.
  std::string source;
  media::PacketReader::Options reader;
  media::Importer::Options import;

  media::Exporter::Options export_;
  std::string prefix;  ///< of `announced`

  /// Figures as JSON lines, one a second; empty: none.
  std::string report;
};

/// Parses `argv`. Prints help, version or the error itself and sets `exit_code`
/// then.
std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

}  // namespace moq::apps
