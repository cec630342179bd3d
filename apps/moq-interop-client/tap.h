#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "moq-interop-client/case.h"
#include "net/base/time.h"

/// Results as text that machines read: TAP version 14.
namespace moq::interop {

struct CaseResult {
  std::string_view id;
  Wrong wrong = {};
  /// Why it says nothing; empty where it does.
  std::string skipped = {};
  Duration duration{};
  /// That was spoken, "moq-transport-18"; empty where there was no session.
  std::string version = {};
};

/// What comes first: the version of the format, lines about the run, and how many cases
/// there are.
[[nodiscard]] std::string tap_head(std::size_t cases, const std::vector<std::string>& about);
/// `number`: from 1 on.
[[nodiscard]] std::string tap_result(std::size_t number, const CaseResult& result);
/// Nothing follows, and the run has failed.
[[nodiscard]] std::string tap_bail_out(std::string_view why);

}  // namespace moq::interop
