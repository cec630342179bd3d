// docs/configuration.md has the table of all keys; this makes it, and finds out when it
// is no longer true.

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "relay/keys.h"

namespace moq::relay {
namespace {

constexpr std::string_view kBegin = "<!-- all keys -->\n";

std::string code(std::string_view text) { return text.empty() ? "" : fmt::format("`{}`", text); }

// All spellings of one thing.
std::string names(const std::vector<std::string>& all, std::string_view dashes = "") {
  std::string out;
  for (const std::string& name : all) {
    out += fmt::format("{}`{}{}`", out.empty() ? "" : "<br>", dashes, name);
  }
  return out;
}

std::string row(const Key& key) {
  std::string what(key.help);
  if (key.support == Support::later) what = "Not yet: " + std::string(why_later(key)) + ".";
  if (key.support == Support::refused) what = "Refused: " + std::string(key.help) + ".";
  if (key.support == Support::now && key.help.empty()) what = "Parts of the key above.";
  if (key.live) what += " *Live.*";
  if (!key.shown_default.empty()) what += fmt::format(" Default: {}.", code(key.shown_default));
  for (std::size_t at = what.find('|'); at != std::string::npos; at = what.find('|', at + 2)) {
    what.insert(at, "\\");
  }
  return fmt::format("| {} | {} | {} | {} |\n", names(toml_names(key)),
                     names(flag_names(key), "--"), names(env_names(key)), what);
}

std::string table() {
  std::string out(kBegin);
  for (const Support support : {Support::now, Support::refused, Support::later}) {
    out += support == Support::now       ? "\n## Supported\n"
           : support == Support::refused ? "\n## Refused\n\nAccess depends on these, so they are "
                                           "not passed over: the relay does not start.\n"
                                         : "\n## Without effect so far\n\nEach that is set is a "
                                           "warning in the log.\n";
    out += "\n| key | flag | variable | what |\n|---|---|---|---|\n";
    for (const Key& key : all_keys()) {
      if (key.support == support) out += row(key);
    }
  }
  return out;
}

TEST(KeyDocs, AreWhatTheTableOfKeysSays) {
  const std::string file = MOQ_SOURCE_DIR "/docs/configuration.md";
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  const std::string written = text.str();
  const std::size_t begin = written.find(kBegin);
  ASSERT_NE(begin, std::string::npos) << file;
  if (written.substr(begin) == table()) return;
  if (std::getenv("MOQ_WRITE_DOCS") != nullptr) {  // NOLINT(concurrency-mt-unsafe): one thread
    std::ofstream(file) << written.substr(0, begin) << table();
    return;
  }
  FAIL() << file << " is not what the keys are: run this test with MOQ_WRITE_DOCS=1";
}

TEST(KeyDocs, EveryKeyThatIsNotThereHasAReason) {
  for (const Key& key : all_keys()) {
    if (key.support != Support::later) continue;
    EXPECT_NE(why_later(key), "") << key.name();
  }
}

}  // namespace
}  // namespace moq::relay
