#pragma once

#include <optional>
#include <string>
#include <variant>

#include "token/algorithm.h"
#include "token/claims.h"

namespace moq::token_cli {

/// Of files: "-" is standard input or output.
struct GenerateOptions {
  token::Algorithm algorithm = token::Algorithm::hs256;
  std::optional<std::string> id;   ///< random without
  std::optional<std::string> out;  ///< standard output without both
  std::optional<std::string> out_dir;
  std::optional<std::string> public_out;  ///< not written without both
  std::optional<std::string> public_dir;
  token::KeyScope scope;  ///< of no effect when it grants nothing
};

struct SignOptions {
  std::string key;
  token::Claims claims;
};

struct VerifyOptions {
  std::string key;
  std::string in = "-";
};

using Options = std::variant<GenerateOptions, SignOptions, VerifyOptions>;

/// Parses `argv`. Prints help, version or the error itself and sets `exit_code`
/// then.
std::optional<Options> parse_options(int argc, const char* const* argv, int& exit_code);

}  // namespace moq::token_cli
