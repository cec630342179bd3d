#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/base/error.h"
#include "net/model/path.h"
#include "token/claims.h"

namespace moq::relay {

/// Who asks to be let in, and where, as the connection tells it.
struct Visitor {
  std::string target;  ///< path and query of the URL ("/room/1?jwt=..."; "" is "/")
  std::string host;    ///< that was dialled, with or without its port; "": it does not count
  /// As `auth.auth_api` is told it; "": it is not.
  std::string_view transport = "quic";
  /// The end of the client's certificate, which has been verified; none if it has shown none.
  std::optional<token::UnixTime> certificate = {};
};

/// Where a visitor is, and what it has with it.
struct Entrance {
  Path path;
  std::string token;  ///< "": none
};

/// Reads a visitor's target; `domains` as read_domains gives them. Fails with
/// UNAUTHORIZED, and repeats nothing of it: the token may be anywhere.
Result<Entrance> read_target(const Visitor& visitor, const std::vector<std::string>& domains);

/// Suffixes of host names (`auth.domains`) in the form that read_target takes: in lower
/// case, with one dot before them, the longest first. None if one is empty.
std::optional<std::vector<std::string>> read_domains(const std::vector<std::string>& domains);

/// The path that a host stands for: of "team.customer.cdn.example" with the domain
/// "cdn.example", customer/team. Empty for the domain itself and for other hosts.
Path path_of_host(std::string_view host, const std::vector<std::string>& domains);

/// Whether some programs would take it for another path: it has "." or ".." in it, a slash
/// that is encoded, or a percent sign that encodes nothing.
bool is_ambiguous(const Path& path);

}  // namespace moq::relay
