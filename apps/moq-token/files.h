#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/base/error.h"

namespace moq::token_cli {

enum class FileError : std::uint8_t { read, write };
const ErrorDomain& error_domain(FileError);

/// "-", which is standard input or output.
bool is_standard(std::string_view path);

/// All of a file, or of standard input for "-". Fails when there are more than
/// `most` bytes.
Result<std::string> read_file(const std::string& path, std::size_t most);

/// Replaces a file; "-" is standard output, where a line's end is added. What is
/// secret is for its owner alone to read (mode 0600), before there is anything in
/// the file, even if it was there with another mode.
Result<void> write_file(const std::string& path, std::string_view text, bool secret);

}  // namespace moq::token_cli
