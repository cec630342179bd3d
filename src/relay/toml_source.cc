#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "relay/sources.h"

namespace moq::relay {

namespace {

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "the string";
    case toml::node_type::integer:
      return "the number";
    case toml::node_type::floating_point:
      return "the number";
    case toml::node_type::boolean:
      return "the boolean";
    default:
      return "a date or time";
  }
}

// "the number 30", "a list".
std::string describe(const toml::node& node) {
  if (const auto* text = node.as_string()) return fmt::format("the string \"{}\"", text->get());
  if (const auto* number = node.as_integer()) return fmt::format("the number {}", number->get());
  if (const auto* number = node.as_floating_point()) {
    return fmt::format("the number {}", number->get());
  }
  if (const auto* truth = node.as_boolean()) return fmt::format("the boolean {}", truth->get());
  return std::string(type_name(node));
}

bool is_list(Type type) {
  return type == Type::text_list || type == Type::path_list || type == Type::version_list;
}

// Whether a single node of this kind can hold a value of the type at all.
bool can_be(const toml::node& node, Type type) {
  switch (type) {
    case Type::boolean:
      return node.is_boolean();
    case Type::count:
      return node.is_integer();
    case Type::size:
    case Type::local_address:
      return node.is_string() || node.is_integer();
    default:
      return node.is_string();
  }
}

std::string text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  return fmt::format("{}", node.value_or(false));
}

class Walker {
 public:
  explicit Walker(std::string file) : file_(std::move(file)) {
    for (const Key& key : all_keys()) {
      for (const std::string& name : toml_names(key)) keys_.emplace(name, &key);
    }
  }

  void walk(const toml::table& table, const std::string& prefix) {
    for (const auto& [name, node] : table) {
      const std::string path =
          prefix.empty() ? std::string(name.str()) : fmt::format("{}.{}", prefix, name.str());
      visit(path, node, name.source());
    }
  }

  Source take() { return std::move(source_); }

 private:
  void visit(const std::string& path, const toml::node& node, const toml::source_region& region) {
    const toml::table* table = node.as_table();
    if (table != nullptr && is_section(path)) return walk(*table, path);
    const std::string where = fmt::format("{}:{}: {}", file_, region.begin.line, path);
    if (const auto key = keys_.find(path); key != keys_.end()) {
      return set(*key->second, where, node);
    }
    if (is_section(path)) {
      source_.mistakes.push_back(
          fmt::format("{}: expected a table, [{}], not {}", where, path, describe(node)));
      return;
    }
    const std::string near = nearest(path, names(table != nullptr));
    source_.mistakes.push_back(
        near.empty() ? fmt::format("{}: there is no such key; moq-relay --help lists all", where)
                     : fmt::format("{}: there is no such key; did you mean {}?", where, near));
  }

  void set(const Key& key, const std::string& where, const toml::node& node) {
    Assignment assignment{.key = &key, .where = where};
    const toml::array* array = node.as_array();
    if (key.support != Support::now) {
      assignment.items.push_back(node.is_boolean() ? text_of(node) : "");
    } else if (array != nullptr && is_list(key.type)) {
      for (const toml::node& item : *array) {
        if (can_be(item, key.type)) {
          assignment.items.push_back(text_of(item));
        } else {
          assignment.found = fmt::format("a list with {}", describe(item));
        }
      }
      // An empty list is as good as none, in the reference too.
      if (array->empty()) return;
    } else if (can_be(node, key.type)) {
      assignment.items.push_back(text_of(node));
    } else {
      assignment.found = describe(node);
    }
    source_.assignments.push_back(std::move(assignment));
  }

  // Of all keys; and of the tables that they lie in, if asked for.
  [[nodiscard]] std::vector<std::string> names(bool tables) const {
    std::vector<std::string> out;
    for (const auto& [name, key] : keys_) {
      out.push_back(name);
      for (auto dot = name.find('.'); tables && dot != std::string::npos;
           dot = name.find('.', dot + 1)) {
        out.push_back(name.substr(0, dot));
      }
    }
    return out;
  }

  // Whether keys lie below `path`.
  [[nodiscard]] bool is_section(const std::string& path) const {
    const std::string prefix = path + ".";
    const auto next = keys_.lower_bound(prefix);
    return next != keys_.end() && next->first.starts_with(prefix);
  }

  std::string file_;
  std::map<std::string, const Key*> keys_;
  Source source_;
};

}  // namespace

Source read_toml(std::string_view document, const std::string& file) {
  try {
    const toml::table table = toml::parse(document, file);
    Walker walker(file);
    walker.walk(table, "");
    return walker.take();
  } catch (const toml::parse_error& error) {
    return {.mistakes = {fmt::format("{}:{}: not valid TOML: {}", file, error.source().begin.line,
                                     error.description())}};
  }
}

}  // namespace moq::relay
