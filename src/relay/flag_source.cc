#include <algorithm>
#include <iterator>
#include <map>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "relay/sources.h"

namespace moq::relay {

namespace {

// What of a list may be written in one argument or variable. Paths and
// prefixes may hold commas themselves.
std::vector<std::string> items_of(const Key& key, const std::vector<std::string>& written) {
  const bool commas = key.type == Type::version_list || key.name() == "server.tls.generate";
  std::vector<std::string> items;
  for (const std::string& text : written) {
    if (key.name() == "drain_uri") {
      std::ranges::move(words(text), std::back_inserter(items));
    } else if (commas) {
      std::ranges::move(split_list(text), std::back_inserter(items));
    } else {
      items.push_back(text);
    }
  }
  return items;
}

// CLI11 takes "--name=" for "--name", whose value would then be the next
// argument. With the two apart, an empty value stays one.
std::vector<std::string> separate(const std::vector<std::string>& arguments,
                                  const std::map<std::string, const Key*>& keys) {
  std::vector<std::string> separated;
  for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
    if (*argument == "--") {
      separated.insert(separated.end(), argument, arguments.end());
      break;
    }
    const std::size_t equals = argument->find('=');
    const auto key = keys.find(argument->substr(0, equals));
    if (equals == std::string::npos || key == keys.end() || key->second->type == Type::boolean) {
      separated.push_back(*argument);
    } else {
      separated.push_back(argument->substr(0, equals));
      separated.push_back(argument->substr(equals + 1));
    }
  }
  return separated;
}

std::string unknown_flag(const std::string& flag, const std::map<std::string, const Key*>& keys) {
  std::vector<std::string> known = {"--help", "--version", "--check"};
  for (const auto& [name, key] : keys) known.push_back(name);
  const std::string near = nearest(flag.substr(0, flag.find('=')), known);
  return near.empty() ? fmt::format("{}: there is no such flag; moq-relay --help lists all", flag)
                      : fmt::format("{}: there is no such flag; did you mean {}?", flag, near);
}

}  // namespace

CommandLine read_arguments(const std::vector<std::string>& arguments) {
  CommandLine line;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("-h,--help", line.help);
  app.add_flag("-V,--version", line.version);
  app.add_flag("--check", line.check);

  std::map<std::string, const Key*> keys;
  std::vector<std::pair<const Key*, CLI::Option*>> options;
  for (const Key& key : all_keys()) {
    for (const std::string& name : flag_names(key)) {
      const std::string flag = "--" + name;
      keys.emplace(flag, &key);
      CLI::Option* option = key.type == Type::boolean ? app.add_flag(flag) : app.add_option(flag);
      // Flags take a value only behind "=", so that none swallows the file's name.
      if (key.type != Type::boolean) option->expected(1);
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      options.emplace_back(&key, option);
    }
  }

  std::vector<std::string> reversed = separate(arguments, keys);
  std::ranges::reverse(reversed);  // as CLI11 wants it
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::Error& error) {
    line.mistakes.emplace_back(error.what());
    return line;
  }

  for (const auto& [key, option] : options) {
    if (option->count() == 0) continue;
    line.assignments.push_back({key, option->get_name(), items_of(*key, option->results()), {}});
  }
  bool unknown = false;
  for (const std::string& rest : app.remaining()) {
    if (rest == "--") continue;
    if (rest.size() > 1 && rest.front() == '-') {
      line.mistakes.push_back(unknown_flag(rest, keys));
      unknown = true;
    } else if (unknown) {
      // Most likely that flag's value.
    } else if (line.file.empty()) {
      line.file = rest;
    } else {
      line.mistakes.push_back(fmt::format(
          "{}: there is a configuration file already, {}; there can be only one", rest, line.file));
    }
  }
  return line;
}

Source read_environment(const Environment& environment) {
  Source source;
  for (const Key& key : all_keys()) {
    for (const std::string& name : env_names(key)) {
      if (auto value = environment(name)) {
        source.assignments.push_back({&key, name, items_of(key, {*value}), {}});
        break;
      }
    }
  }
  return source;
}

}  // namespace moq::relay
