#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "relay/config.h"

/// The table of everything that can be configured.
namespace moq::relay {

/// What a value may look like.
enum class Type : unsigned char {
  text,
  text_list,  ///< a string, or several
  path,       ///< a file or directory
  path_list,
  boolean,
  count,
  duration,
  size,
  host_port,      ///< a name or an address, and a port
  address,        ///< an IP address and a port
  local_address,  ///< a port of 127.0.0.1, or an IP address and a port
  choice,         ///< one of Key::choices
  version_list,
  anything,  ///< of keys that are not acted on
};

/// "a duration such as \"30s\"", for messages.
std::string_view expected(Type type);

using Value = std::variant<std::monostate, bool, std::uint64_t, Duration, SizeLimit, HostPort,
                           std::string, std::vector<std::string>>;

enum class Support : unsigned char {
  now,
  /// Known, and without effect so far: a warning.
  later,
  /// Known, and leaving it out would let in whom it keeps out, or turn away
  /// whom it lets in: an error.
  refused,
};

/// One thing to configure.
struct Key {
  /// The heading in --help.
  std::string_view group = {};
  /// Dotted paths in the file, the first being its name; separated by spaces.
  /// A key without is set by flags and variables only, and named by its flag.
  std::string_view toml = {};
  /// Without the leading dashes; the first is the one in --help.
  std::string_view flags = {};
  std::string_view env = {};
  Type type = Type::anything;
  Support support = Support::later;
  /// Whether a change takes effect without a restart, at SIGHUP.
  bool live = false;
  /// What stands for the value in --help: "ADDRESS".
  std::string_view placeholder = "VALUE";
  /// The default as it would be written; "" when there is none to show.
  std::string_view shown_default = {};
  /// For people: what it does, or why it cannot be left out.
  std::string_view help = {};
  /// Separated by spaces; of Type::choice.
  std::string_view choices = {};
  /// Stores a value of `type`; null unless supported now.
  void (*store)(Config& config, const Value& value) = nullptr;

  [[nodiscard]] std::string name() const;
};

/// Why a key of Support::later has no effect.
std::string_view why_later(const Key& key);

/// All keys, in the order of --help: those of key_table.cc, and of key_table_later.cc.
std::span<const Key> all_keys();
std::span<const Key> supported_keys();
std::span<const Key> other_keys();

/// The words of a list that is separated by spaces.
std::vector<std::string> words(std::string_view text);

/// All spellings of a key, those of the reference's later versions included:
/// [listen] for [server], [connect] for [client].
std::vector<std::string> toml_names(const Key& key);
std::vector<std::string> flag_names(const Key& key);
std::vector<std::string> env_names(const Key& key);

/// A value of the key's type, or nothing. Lists take their items as given.
std::optional<Value> parse_value(const Key& key, const std::vector<std::string>& items);

/// The protocol versions that `server.version` may name, newest first.
std::vector<std::string> known_versions();

}  // namespace moq::relay
