// conformance: plays clients of a moq-transport draft that do what the draft forbids, or
// demand what it promises, and looks at what a relay does.
//
// Prints a line for each case, as TAP has it; exits 1 if one fails.

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "conformance/case.h"
#include "native/io/event_loop.h"

namespace moq::conformance {
namespace {

std::vector<Case> all_cases(int draft) {
  std::vector<Case> found;
  for (const auto& some :
       {session_cases(), message_cases(), request_cases(), token_cases(), data_cases(),
        relay_cases(), delivery_cases(), publish_cases(), joining_cases(), drain_cases()}) {
    for (const Case& each : some) {
      if (each.of == Of::both || (each.of == Of::only14) == (draft == 14)) found.push_back(each);
    }
  }
  // By number and letter: "4a" before "12".
  std::ranges::stable_sort(found, {}, [](const Case& each) {
    return std::pair(std::stoi(std::string(each.id)), each.id);
  });
  return found;
}

/// "4" is all of 4, "4a" one of them.
bool chosen(const std::vector<std::string>& wanted, std::string_view id) {
  return wanted.empty() || std::ranges::any_of(wanted, [&](const std::string& each) {
           return id == each ||
                  (id.starts_with(each) && id.size() == each.size() + 1 && id.back() >= 'a');
         });
}

struct Report {
  bool passed = false;
  std::string detail;  ///< of an open case, or of one that fails
};

Report run(Stage& stage, const Case& each) {
  stage.begin(each.id);
  const Outcome outcome = each.run(stage);
  if (outcome) return {.passed = true, .detail = outcome->open};
  const Error& error = outcome.error();
  return {.passed = false, .detail = error.is(CaseError::unmet) ? error.detail() : error.message()};
}

void print_json(const Case& each, const Report& report) {
  const nlohmann::json line{{"case", each.id},
                            {"title", each.title},
                            {"demand", each.demand},
                            {"section", each.section},
                            {"result", !report.passed          ? "fail"
                                       : report.detail.empty() ? "pass"
                                                               : "open"},
                            {"detail", report.detail}};
  fmt::print("{}\n", line.dump());
}

int run_all(const std::vector<Case>& cases, Stage& stage, bool json) {
  int failed = 0;
  int number = 0;
  if (!json) fmt::print("TAP version 14\n1..{}\n", cases.size());
  for (const Case& each : cases) {
    const Report report = run(stage, each);
    failed += report.passed ? 0 : 1;
    if (json) {
      print_json(each, report);
    } else {
      fmt::print("{} {} - {} {}: {}{}{}\n", report.passed ? "ok" : "not ok", ++number, each.id,
                 each.title, each.demand, report.detail.empty() ? "" : " # ", report.detail);
    }
    std::fflush(stdout);
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace moq::conformance

int main(int argc, char** argv) {
  using namespace moq::conformance;
  Stage::Options options;
  int draft = 18;
  double seconds = 10;
  bool list = false;
  bool json = false;
  std::vector<std::string> wanted;
  CLI::App app("conformance: what the drafts of moq-transport demand of a relay");
  app.add_option("--url", options.url, "Of the relay: moqt://host:port/");
  app.add_option("--draft", draft)->check(CLI::IsMember({14, 18}))->required();
  app.add_option("--case", wanted, "Only these: a number, or one with its letter");
  app.add_option("--deadline", seconds, "For each thing that is waited for, in seconds");
  app.add_option("--drain", options.relay, "The relay's process, which the last cases end");
  app.add_flag("--list", list, "Say what the cases are, and run none");
  app.add_flag("--json", json, "An object for each case instead of TAP");
  CLI11_PARSE(app, argc, argv);

  std::vector<Case> cases = all_cases(draft);
  std::erase_if(cases, [&](const Case& each) { return !chosen(wanted, each.id); });
  if (list) {
    for (const Case& each : cases) {
      fmt::print("{:4} {}: {}\n", each.id, each.title, each.demand);
    }
    return 0;
  }
  if (options.url.empty()) {
    fmt::print(stderr, "--url is needed\n");
    return 2;
  }
  options.patience =
      std::chrono::duration_cast<moq::Duration>(std::chrono::duration<double>(seconds));
  moq::native::EventLoop events;
  Stage stage(events, Draft::numbered(draft), std::move(options));
  return run_all(cases, stage, json);
}
