#include "relay/config.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "net/session/version.h"
#include "relay/keys.h"
#include "relay/sources.h"

namespace moq::relay {

namespace {

// A worker is named by one byte of the connection ids that we issue.
constexpr std::size_t kMaxWorkers = 256;
// RFC 9000 §4.6.
constexpr std::uint64_t kMaxStreams = std::uint64_t{1} << 60;

class Merge {
 public:
  explicit Merge(Loaded& loaded) : loaded_(loaded) {}

  // Sources come in order of precedence, the strongest first.
  void add(Source source) {
    std::ranges::move(source.mistakes, std::back_inserter(loaded_.mistakes));
    std::vector<const Key*> here;
    for (Assignment& assignment : source.assignments) {
      const std::string name = assignment.key->name();
      const auto [place, first] = places_.try_emplace(name, assignment.where);
      if (!first) {
        if (std::ranges::find(here, assignment.key) == here.end()) continue;
        loaded_.mistakes.push_back(
            fmt::format("{}: {} is set already, by {}", assignment.where, name, place->second));
        continue;
      }
      if (is_public_list(name) && places_.contains("auth.public")) continue;
      here.push_back(assignment.key);
      apply(assignment);
      if (assignment.key->support == Support::now) effective_.push_back(assignment);
    }
  }

  Config take() { return std::move(config_); }
  [[nodiscard]] const std::vector<Assignment>& effective() const { return effective_; }
  [[nodiscard]] std::vector<Setting> settings() const {
    std::vector<Setting> all;
    for (const Key& key : all_keys()) {
      const auto set = std::ranges::find(effective_, &key, &Assignment::key);
      if (set != effective_.end()) all.push_back({&key, value_of(*set)});
    }
    return all;
  }
  /// Shows another value for a key than what was set, as a remark.
  void show(std::string_view name, std::string value, std::string where) {
    std::erase_if(effective_, [&](const Assignment& set) { return set.key->name() == name; });
    const auto keys = all_keys();
    const auto key = std::ranges::find(keys, name, &Key::name);
    effective_.push_back({&*key, std::move(where), {std::move(value)}, {}});
  }

  // What values mean together.
  void check() {
    check_versions();
    check_tls();
    check_https();
    check_access();
    check_services();
    check_client_tls("client.tls", config_.client.tls);
    check_client_tls("auth.tls", config_.auth.tls);
    check_ranges();
    check_qlog();
    check_drain();
    check_internal();
    // Without [server] bind, this would be a server of streams only, which must
    // not open a UDP port that nobody asked for.
    for (const char* stream : {"server.tcp.bind", "server.unix.bind"}) {
      if (places_.contains(stream) && !places_.contains("server.bind")) {
        mistake(stream, "this listener is not opened yet, and there is no other: set server.bind");
      }
    }
  }

 private:
  void apply(const Assignment& assignment) {
    const Key& key = *assignment.key;
    switch (key.support) {
      case Support::later:
        // Off is what it is.
        if (key.type == Type::boolean && assignment.items == std::vector<std::string>{"false"}) {
          return;
        }
        config_.warnings.push_back(fmt::format("{}: known, but without effect in this version: {}",
                                               assignment.where, why_later(key)));
        return;
      case Support::refused:
        loaded_.mistakes.push_back(fmt::format(
            "{}: not supported by this version, and not ignored: {}", assignment.where, key.help));
        return;
      case Support::now:
        break;
    }
    if (!assignment.found.empty()) return reject(assignment, assignment.found);
    if (key.type != Type::text_list && key.type != Type::path_list &&
        key.type != Type::version_list && assignment.items.size() > 1) {
      return reject(assignment, "several values");
    }
    const auto value = parse_value(key, assignment.items);
    if (!value) return reject(assignment, quoted(assignment.items));
    key.store(config_, *value);
  }

  void reject(const Assignment& assignment, const std::string& found) {
    const Key& key = *assignment.key;
    std::string wanted(expected(key.type));
    if (key.type == Type::choice) {
      wanted = fmt::format("one of {}", fmt::join(words(key.choices), ", "));
    }
    if (key.type == Type::version_list) {
      wanted += fmt::format(": {}", fmt::join(known_versions(), ", "));
      const std::string near =
          assignment.items.empty() ? "" : nearest(assignment.items.back(), known_versions());
      if (!near.empty()) wanted += fmt::format("; did you mean {}?", near);
    }
    loaded_.mistakes.push_back(
        fmt::format("{}: found {}, expected {}", assignment.where, found, wanted));
  }

  static std::string quoted(const std::vector<std::string>& items) {
    return fmt::format("\"{}\"", fmt::join(items, "\", \""));
  }

  // A flag or variable for auth.public stands for both lists of the file.
  static bool is_public_list(const std::string& name) {
    return name == "auth.public.subscribe" || name == "auth.public.publish";
  }

  void mistake(const std::string& name, const std::string& what) {
    const auto place = places_.find(name);
    loaded_.mistakes.push_back(
        fmt::format("{}: {}", place == places_.end() ? name : place->second, what));
  }

  void check_versions() {
    for (const std::string& name : config_.server.versions) {
      if (find_protocol_version(name) != nullptr) continue;
      std::vector<std::string_view> spoken;
      for (const ProtocolVersion& version : protocol_versions()) spoken.push_back(version.name);
      mistake("server.version", fmt::format("{} is not spoken by this relay yet, which speaks {}",
                                            name, fmt::join(spoken, ", ")));
    }
  }

  void check_tls() {
    const Config::Server::Tls& tls = config_.server.tls;
    if (tls.cert.size() != tls.key.size()) {
      mistake(places_.contains("server.tls.cert") ? "server.tls.cert" : "server.tls.key",
              fmt::format("each certificate needs its key: there are {} certificates and {} keys",
                          tls.cert.size(), tls.key.size()));
    }
    if (tls.cert.empty() && tls.key.empty() && tls.generate.empty() &&
        !places_.contains("server.tls.cert")) {
      loaded_.mistakes.emplace_back(
          "server.tls: there is no certificate: set server.tls.cert and server.tls.key, or, for "
          "development, server.tls.generate = [\"localhost\"]");
    }
    for (const std::string& file : tls.cert) check_file("server.tls.cert", file);
    for (const std::string& file : tls.key) check_file("server.tls.key", file);
    for (const std::string& file : tls.root) check_file("server.tls.root", file);
    if (std::ranges::find(tls.generate, "") != tls.generate.end()) {
      mistake("server.tls.generate", "found an empty name, expected a host name or address");
    }
  }

  void check_https() {
    const Config::Web& web = config_.web;
    if (web.https_cert.size() != web.https_key.size()) {
      mistake(places_.contains("web.https.cert") ? "web.https.cert" : "web.https.key",
              fmt::format("each certificate needs its key: there are {} certificates and {} keys",
                          web.https_cert.size(), web.https_key.size()));
    }
    for (const std::string& file : web.https_cert) check_file("web.https.cert", file);
    for (const std::string& file : web.https_key) check_file("web.https.key", file);
    for (const std::string& file : web.https_root) check_file("web.https.root", file);
    for (const char* key : {"web.https.cert", "web.https.root"}) {
      if (web.https_listen || !places_.contains(key)) continue;
      config_.warnings.push_back(
          fmt::format("{}: without effect, since web.https.listen is not set", places_.at(key)));
    }
  }

  void check_file(const std::string& name, const std::string& file) {
    errno = 0;
    std::ifstream stream(file);
    if (stream && stream.peek() != std::ifstream::traits_type::eof()) return;
    mistake(name, fmt::format("cannot read {}: {}", file,
                              errno != 0 ? std::strerror(errno) : "the file is empty"));
  }

  void check_access() {
    const PublicAccess& access = config_.auth.public_access;
    std::set<std::string> prefixes(access.subscribe.begin(), access.subscribe.end());
    prefixes.insert(access.publish.begin(), access.publish.end());
    for (const std::string& prefix : prefixes) {
      if (prefix.find("://") == std::string::npos) continue;
      mistake("auth.public",
              fmt::format("found \"{}\", expected the prefix of a path, such as \"anon\"", prefix));
    }
    const Config::Auth& auth = config_.auth;
    const bool is_public = !access.subscribe.empty() || !access.publish.empty();
    const bool has_keys = !auth.key.empty() || !auth.key_dir.empty();
    if (!is_public && !has_keys && auth.public_api.empty() && auth.auth_api.empty() &&
        config_.server.tls.root.empty()) {
      loaded_.mistakes.emplace_back(
          "auth: nobody could connect: set auth.key to the key that tokens are signed with, or "
          "auth.public to the paths that need no token (\"\": all paths, for development)");
    }
    if (!auth.auth_api.empty() && (is_public || has_keys || !auth.public_api.empty())) {
      mistake("auth.auth_api",
              "what it answers stands for auth.key, auth.key_dir, auth.public and "
              "auth.public.api: set it, or them");
    }
    for (const std::string& domain : auth.domains) {
      if (domain.find_first_not_of('.') != std::string::npos) continue;
      mistake("auth.domains", "found an empty name, expected a domain such as \"cdn.example\"");
    }
    if (!auth.key.empty() && !auth.key_dir.empty()) {
      mistake("auth.key_dir", "there is auth.key, too: set one of them");
    }
    if (!auth.key.empty() && !is_url(auth.key)) check_key_file(auth.key);
    std::error_code ignored;
    if (!auth.key_dir.empty() && !is_url(auth.key_dir) &&
        !std::filesystem::is_directory(auth.key_dir, ignored)) {
      mistake("auth.key_dir", fmt::format("there is no directory {}", auth.key_dir));
    }
  }

  void check_key_file(const std::string& file) {
    // A secret in the place of its file's name is not for the log.
    if (file.front() == '{' || file.starts_with("eyJ")) {
      return mistake("auth.key", "found a key itself, expected the name of the file that has it");
    }
    std::error_code error;
    const bool regular = std::filesystem::is_regular_file(file, error);
    if (regular) return check_file("auth.key", file);
    mistake("auth.key",
            fmt::format("cannot read {}: {}", file, error ? error.message() : "it is no file"));
  }

  void check_services() {
    const Config::Auth& auth = config_.auth;
    if (is_url(auth.key)) check_url("auth.key", auth.key, true);
    if (is_url(auth.key_dir)) check_url("auth.key_dir", auth.key_dir, false);
    if (!auth.public_api.empty()) check_url("auth.public.api", auth.public_api, false);
    if (!auth.auth_api.empty()) check_url("auth.auth_api", auth.auth_api, true);
    if (auth.tls != Config::Tls{} && config_.client.tls != Config::Tls{}) {
      config_.warnings.emplace_back(
          "auth.tls: stands for all of client.tls where a service is "
          "asked: set client.tls alone");
    }
  }

  // Repeats nothing of it: it may have a secret in it.
  void check_url(const char* name, const std::string& url, bool may_have_query) {
    const bool secure = url.starts_with("https://");
    if (!secure && !url.starts_with("http://")) {
      return mistake(name, "expected a URL that begins with https:// or http://");
    }
    const bool odd = std::ranges::any_of(url, [](char c) { return c <= ' ' || c > '~'; });
    if (odd || url.find_first_of("@#\"<>\\^`{|}") != std::string::npos) {
      return mistake(name,
                     "the URL has something in it that has to be percent-encoded, or a user "
                     "name or fragment, which are not sent");
    }
    if (!may_have_query && url.find('?') != std::string::npos) {
      return mistake(name, "the URL has a query, and the path that is asked for comes behind it");
    }
    const bool near = std::ranges::any_of(
        std::array{"http://127.0.0.1", "http://[::1]", "http://localhost"},
        [&](std::string_view host) {
          return url.starts_with(host) &&
                 (url.size() == host.size() || url[host.size()] == ':' || url[host.size()] == '/');
        });
    if (!secure && !near) {
      config_.warnings.push_back(
          fmt::format("{}: whoever is on the way of an http:// URL decides who may connect", name));
    }
  }

  void check_client_tls(const char* table, const Config::Tls& tls) {
    const auto name = [&](const char* key) { return fmt::format("{}.{}", table, key); };
    if (tls.cert.empty() != tls.key.empty()) {
      mistake(name(tls.cert.empty() ? "key" : "cert"), "a certificate and its key go together");
    }
    for (const std::string& file : tls.root) check_file(name("root"), file);
    if (!tls.cert.empty()) check_file(name("cert"), tls.cert);
    if (!tls.key.empty()) check_file(name("key"), tls.key);
  }

  void check_ranges() {
    if (config_.server.workers > kMaxWorkers) {
      mistake("server.workers",
              fmt::format("found {}, expected at most {}", config_.server.workers, kMaxWorkers));
    }
    for (const auto& [name, value] :
         {std::pair{"limits.connections", config_.limits.connections},
          std::pair{"limits.handshakes_per_address", config_.limits.handshakes_per_address},
          std::pair{"limits.subscriptions", config_.limits.subscriptions},
          std::pair{"limits.announcements", config_.limits.announcements}}) {
      if (value == 0) mistake(name, "found 0, expected at least 1");
    }
    const std::uint64_t streams = config_.server.quic.max_streams;
    if (streams == 0 || streams > kMaxStreams) {
      mistake("server.quic.max_streams",
              fmt::format("found {}, expected 1 to {}", streams, kMaxStreams));
    }
  }

  void check_qlog() {
    const std::string& directory = config_.server.quic.qlog;
    std::error_code ignored;
    if (directory.empty() || std::filesystem::is_directory(directory, ignored)) return;
    mistake("server.quic.qlog", fmt::format("there is no directory {}", directory));
  }

  void check_drain() {
    const auto wrong = mistake_in(config_.drain);
    if (wrong) mistake(fmt::format("drain_{}", wrong->field), wrong->what);
  }

  void check_internal() {
    const auto& listen = config_.internal.listen;
    if (!listen || is_loopback(*listen)) return;
    config_.warnings.push_back(
        fmt::format("{}: {} is not this machine's alone: whoever reaches it can drain this relay",
                    places_.at("internal.listen"), listen->to_string()));
  }

  Loaded& loaded_;
  std::map<std::string, std::string> places_;
  std::vector<Assignment> effective_;
  Config config_;
};

// The level that RUST_LOG asks for, in the syntax of tracing's filters: a level,
// or a list of target=level, of which ours are those that begin with "moq".
std::optional<log::Level> rust_log_level(const std::string& filter) {
  const auto keys = all_keys();
  const auto key = std::ranges::find_if(keys, [](const Key& k) { return k.name() == "log.level"; });
  std::optional<log::Level> found;
  for (const std::string& directive : split_list(filter)) {
    const std::size_t equals = directive.find('=');
    if (equals != std::string::npos && !directive.starts_with("moq")) continue;
    Config parsed;
    if (directive == "off") {
      parsed.log.level = log::Level::off;
    } else {
      const auto value = parse_value(
          *key, {equals == std::string::npos ? directive : directive.substr(equals + 1)});
      if (!value) continue;
      key->store(parsed, *value);
    }
    found = found ? std::min(*found, parsed.log.level) : parsed.log.level;
  }
  return found;
}

Source read_file(const std::string& file) {
  errno = 0;
  std::ifstream stream(file);
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  if (!stream || (errno != 0 && text.str().empty())) {
    return {.mistakes = {
                fmt::format("{}: cannot read the configuration: {}", file, std::strerror(errno))}};
  }
  return read_toml(text.str(), file);
}

}  // namespace

Loaded load_config(const std::vector<std::string>& arguments, const Environment& environment) {
  Loaded loaded;
  CommandLine line = read_arguments(arguments);
  if (line.help) loaded.text = help_text();
  if (line.version) loaded.text = version_text();
  if (!loaded.text.empty()) return loaded;

  Merge merge(loaded);
  const std::string file = line.file;
  loaded.check = line.check;
  merge.add(std::move(line));
  merge.add(read_environment(environment));
  if (!file.empty()) merge.add(read_file(file));
  // What is missing is only known once all that is there could be read.
  if (loaded.mistakes.empty()) merge.check();
  if (!loaded.mistakes.empty()) return loaded;

  loaded.config = merge.take();
  loaded.settings = merge.settings();
  if (const auto filter = environment(kFilterVariable)) {
    if (const auto level = rust_log_level(*filter)) {
      loaded.config->log.level = *level;
      merge.show("log.level", *filter, kFilterVariable);
    }
  }
  if (loaded.check) loaded.text = check_text(merge.effective());
  return loaded;
}

Changes compare(const std::vector<Setting>& before, const std::vector<Setting>& after) {
  const auto value_in = [](const std::vector<Setting>& settings, const Key& key) {
    const auto set = std::ranges::find(settings, &key, &Setting::key);
    return set == settings.end() ? std::string() : set->value;
  };
  Changes changes;
  for (const Key& key : all_keys()) {
    if (value_in(before, key) == value_in(after, key)) continue;
    (key.live ? changes.live : changes.restart).push_back(key.name());
  }
  return changes;
}

}  // namespace moq::relay
