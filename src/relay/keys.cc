#include "relay/keys.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "native/io/packet_io.h"

namespace moq::relay {

namespace {

using Texts = std::vector<std::string>;

// The reference's next release renames whole sections and keeps the old names.
struct Rename {
  std::string_view from;
  std::string_view to;
};

Texts with_renames(std::string_view names, std::span<const Rename> renames) {
  Texts all = words(names);
  const std::size_t own = all.size();
  for (std::size_t i = 0; i < own; ++i) {
    for (const Rename& rename : renames) {
      if (!all[i].starts_with(rename.from)) continue;
      std::string renamed = std::string(rename.to) + all[i].substr(rename.from.size());
      if (std::ranges::find(all, renamed) == all.end()) all.push_back(std::move(renamed));
    }
  }
  return all;
}

template <typename T>
std::optional<Value> wrap(std::optional<T> value) {
  if (!value) return {};
  return Value(*std::move(value));
}

std::optional<Value> parse_one(const Key& key, const std::string& text) {
  switch (key.type) {
    case Type::boolean:
      return wrap(parse_bool(text));
    case Type::count:
      return wrap(parse_count(text));
    case Type::duration:
      return wrap(parse_duration(text));
    case Type::size:
      return wrap(parse_size(text));
    case Type::host_port:
      return wrap(parse_host_port(text));
    case Type::address:
      if (!native::SocketAddress::parse(text)) return {};
      return wrap(parse_host_port(text));
    case Type::local_address:
      return wrap(parse_local_address(text));
    case Type::choice: {
      std::string lower;
      std::ranges::transform(text, std::back_inserter(lower), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      const Texts choices = words(key.choices);
      if (std::ranges::find(choices, lower) == choices.end()) return {};
      return Value(std::move(lower));
    }
    case Type::path:
      if (text.empty()) return {};
      return Value(text);
    default:
      return Value(text);
  }
}

}  // namespace

std::string_view expected(Type type) {
  switch (type) {
    case Type::text:
      return "a string";
    case Type::text_list:
      return "a string or a list of strings";
    case Type::path:
      return "the name of a file or directory";
    case Type::path_list:
      return "the name of a file, or a list of names";
    case Type::boolean:
      return "true or false";
    case Type::count:
      return "a number, 0 or more";
    case Type::duration:
      return "a duration such as \"30s\" or \"500ms\"";
    case Type::size:
      return "a size such as \"8GiB\", \"512MB\" or \"75%\"";
    case Type::host_port:
      return "an address and a port such as \"[::]:443\", \"127.0.0.1:4443\" or "
             "\"host.example:443\"";
    case Type::address:
      return "an IP address and a port such as \"[::]:80\" or \"127.0.0.1:4443\"";
    case Type::local_address:
      return "a port, or an IP address and a port, such as \"9090\" or \"127.0.0.1:9090\"";
    case Type::choice:
      return "one of the choices";
    case Type::version_list:
      return "a protocol version, or a list of versions";
    case Type::anything:
      return "a value";
  }
  return "a value";
}

std::string Key::name() const {
  return toml.empty() ? fmt::format("--{}", words(flags).front()) : words(toml).front();
}

std::vector<std::string> words(std::string_view text) {
  Texts found;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    if (space != 0) found.emplace_back(text.substr(0, space));
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  return found;
}

std::vector<std::string> toml_names(const Key& key) {
  constexpr Rename kRenames[] = {{"server.", "listen."}, {"client.", "connect."}};
  return with_renames(key.toml, kRenames);
}

std::vector<std::string> flag_names(const Key& key) {
  constexpr Rename kRenames[] = {
      {"server-", "listen-"}, {"client-", "connect-"}, {"websocket-", "connect-websocket-"}};
  return with_renames(key.flags, kRenames);
}

std::vector<std::string> env_names(const Key& key) {
  constexpr Rename kRenames[] = {{"MOQ_SERVER_", "MOQ_LISTEN_"}, {"MOQ_CLIENT_", "MOQ_CONNECT_"}};
  return with_renames(key.env, kRenames);
}

std::string_view why_later(const Key& key) {
  struct Reason {
    std::string_view prefix;
    std::string_view why;
  };
  constexpr Reason kReasons[] = {
      {"server.quic.preferred", "no other address is offered to clients"},
      {"server.quic.quic_lb", "connection ids name a worker and nothing else"},
      {"server.tcp.", "only UDP is listened on"},
      {"server.unix.", "only UDP is listened on"},
      {"server.backend", "there is one QUIC stack, ngtcp2"},
      {"runtime.pin", "the kernel places the workers"},
      {"web.ws", "there is no WebSocket"},
      {"cluster.", "relays do not connect to each other"},
      {"client.", "the relay connects to no other relay"},
      {"stats.", "no broadcast tells of traffic"},
      {"iroh.", "iroh has no implementation in C++"},
  };
  for (const auto& [prefix, why] : kReasons) {
    if (key.name().starts_with(prefix)) return why;
  }
  return {};
}

std::optional<Value> parse_value(const Key& key, const std::vector<std::string>& items) {
  switch (key.type) {
    case Type::text_list:
      return Value(items);
    case Type::path_list:
      if (std::ranges::any_of(items, &std::string::empty)) return {};
      return Value(items);
    case Type::version_list: {
      const Texts known = known_versions();
      for (const std::string& item : items) {
        if (std::ranges::find(known, item) == known.end()) return {};
      }
      return Value(items);
    }
    default:
      if (items.size() != 1) return {};
      return parse_one(key, items.front());
  }
}

std::vector<std::string> known_versions() {
  return {"moq-lite-05",      "moq-lite-04",      "moq-lite-03",      "moq-lite-02",
          "moq-lite-01",      "moq-lite-06-wip",  "moq-transport-19", "moq-transport-18",
          "moq-transport-17", "moq-transport-16", "moq-transport-15", "moq-transport-14"};
}

std::span<const Key> all_keys() {
  static const std::vector<Key> all = [] {
    std::vector<Key> keys(supported_keys().begin(), supported_keys().end());
    keys.insert(keys.end(), other_keys().begin(), other_keys().end());
    return keys;
  }();
  return all;
}

}  // namespace moq::relay
