#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "relay/config.h"
#include "relay/keys.h"

/// Where settings are written. Each source gives what it sets, and no more
/// checks than it needs for that: values are checked when they are merged.
namespace moq::relay {

/// One value, where it was found.
struct Assignment {
  const Key* key = nullptr;
  /// "relay.toml:12: server.bind", "--server-bind" or "MOQ_SERVER_BIND".
  std::string where;
  /// As written; several of a list.
  std::vector<std::string> items;
  /// What was found instead of something that can be the key's type: "integer
  /// 30". "" when `items` holds.
  std::string found;
};

/// All that one source sets.
struct Source {
  std::vector<Assignment> assignments;
  std::vector<std::string> mistakes;
};

/// What a TOML document sets. `file`: its name, for messages.
Source read_toml(std::string_view document, const std::string& file);

/// What the environment sets.
Source read_environment(const Environment& environment);

/// What the command line sets.
struct CommandLine : Source {
  std::string file;  ///< the one positional argument; "" when there is none
  bool help = false;
  bool version = false;
  bool check = false;
};
CommandLine read_arguments(const std::vector<std::string>& arguments);

/// Beats all that is set of log.level, in a syntax of its own.
inline constexpr const char* kFilterVariable = "RUST_LOG";

/// The value of `set` in TOML.
std::string value_of(const Assignment& set);

/// What --check prints: what was set, as TOML with where it was found, and the defaults of
/// the rest. No key has a secret for its value; those are in files.
std::string check_text(const std::vector<Assignment>& effective);

/// The text of --help and of --version.
std::string help_text();
std::string version_text();

}  // namespace moq::relay
