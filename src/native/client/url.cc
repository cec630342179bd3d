#include "native/client/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace moq::native {

namespace {

struct Scheme {
  std::string_view name;
  Carrier carrier;
  std::uint16_t port;
};

constexpr std::array kSchemes = {
    Scheme{"moqt", Carrier::raw_quic, 443},
    Scheme{"moql", Carrier::raw_quic, 443},
    Scheme{"https", Carrier::webtransport, 443},
    Scheme{"http", Carrier::fetch_fingerprint, 80},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 3986 §3.3 and §3.4: what may stand in a path or query as it is.
bool is_plain(char c) {
  constexpr std::string_view kOthers = "-._~!$&'()*+,;=:@/?";
  return is_letter(c) || is_digit(c) || kOthers.find(c) != std::string_view::npos;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

tl::unexpected<Error> invalid(std::string_view text, std::string_view why) {
  // What follows a question mark may be a token, and an @ ends a password.
  std::string_view shown = text.substr(0, std::min(text.find('?'), std::size_t{200}));
  if (shown.find('@') != std::string_view::npos) shown = "the URL";
  return fail(UrlError::invalid, fmt::format("{}: {}", shown, why));
}

bool is_name(std::string_view host) {
  std::size_t label = 0;
  for (const char c : host) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_') {
      return false;
    } else if (++label > 63) {
      return false;
    }
  }
  return !host.empty() && host.size() <= 253;
}

// Names whose last label is a number are IPv4 addresses in some notation that
// resolvers disagree about (RFC 1123 §2.1): only the full dotted form is taken.
bool looks_numeric(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const auto dot = host.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (last.starts_with("0x")) return true;
  return !last.empty() && std::ranges::all_of(last, is_digit);
}

}  // namespace

const ErrorDomain& error_domain(UrlError) {
  static constexpr ErrorDomain kDomain{"url", [](std::uint64_t code) -> std::string_view {
                                         switch (static_cast<UrlError>(code)) {
                                           case UrlError::invalid:
                                             return "INVALID";
                                           case UrlError::unknown_scheme:
                                             return "UNKNOWN_SCHEME";
                                         }
                                         return "unknown";
                                       }};
  return kDomain;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low < 0) return fail(UrlError::invalid, "a % has to be followed by two hex digits");
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

Result<Url> Url::parse(std::string_view text) {
  if (text.size() > kMaxSize) {
    return fail(UrlError::invalid, fmt::format("a URL of more than {} bytes", kMaxSize));
  }
  Url url;
  const auto separator = text.find("://");
  if (separator == std::string_view::npos || separator == 0) {
    return invalid(text,
                   "a URL begins with its scheme, as in moqt://host/path or https://host/path");
  }
  url.scheme_ = lower(text.substr(0, separator));
  const auto* const scheme = std::ranges::find(kSchemes, url.scheme_, &Scheme::name);
  if (scheme == kSchemes.end()) {
    return fail(
        UrlError::unknown_scheme,
        fmt::format("\"{}\" is none of moqt, moql, https and http", url.scheme_.substr(0, 40)));
  }
  url.carrier_ = scheme->carrier;
  url.default_port_ = scheme->port;
  url.port_ = scheme->port;

  std::string_view rest = text.substr(separator + 3);
  if (rest.find('#') != std::string_view::npos) {
    return invalid(text, "a fragment (#...) means nothing to a server");
  }
  const auto query = rest.find('?');
  if (query != std::string_view::npos) {
    url.query_ = rest.substr(query + 1);
    rest = rest.substr(0, query);
  }
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos) {
    url.path_ = rest.substr(slash);
    rest = rest.substr(0, slash);
  }
  for (const std::string* part : {&url.path_, &url.query_}) {
    const auto odd = std::ranges::find_if(*part, [](char c) { return !is_plain(c) && c != '%'; });
    if (odd != part->end()) {
      return invalid(text, fmt::format("the byte 0x{:02x} has to be percent-encoded",
                                       static_cast<unsigned char>(*odd)));
    }
    if (const auto decoded = percent_decode(*part); !decoded) {
      return invalid(text, decoded.error().detail());
    }
  }

  if (rest.find('@') != std::string_view::npos) {
    return invalid(text, "user names and passwords are not used: pass a token as ?jwt=TOKEN");
  }
  std::string_view host = rest;
  std::string_view port;
  bool has_port = false;
  if (const auto colon = rest.rfind(':');
      colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos) {
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
    has_port = !port.empty();
  }
  if (host.empty()) return invalid(text, "the host is missing");
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return invalid(text, "the ] of the IPv6 address is missing");
    url.host_ = lower(host.substr(1, host.size() - 2));
    in6_addr address{};
    if (inet_pton(AF_INET6, url.host_.c_str(), &address) != 1) {
      return invalid(text, "no IPv6 address stands between [ and ]");
    }
    url.host_is_address_ = true;
  } else {
    if (host.find(':') != std::string_view::npos) {
      return invalid(text, "an IPv6 address is written in brackets, as in moqt://[::1]:4443/");
    }
    url.host_ = lower(host);
    in_addr address{};
    url.host_is_address_ = inet_pton(AF_INET, url.host_.c_str(), &address) == 1;
    if (!url.host_is_address_ && (!is_name(url.host_) || looks_numeric(url.host_))) {
      return invalid(text,
                     "the host is neither a name (in ASCII; others in their xn-- form) nor an IP "
                     "address");
    }
  }
  if (has_port) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port_);
    if (error != std::errc{} || end != port.data() + port.size() || url.port_ == 0) {
      return invalid(text, "the port must be a number from 1 to 65535");
    }
  }
  return url;
}

std::string Url::authority() const {
  const bool v6 = host_.find(':') != std::string::npos;
  std::string text = v6 ? "[" + host_ + "]" : host_;
  if (port_ != default_port_) text += fmt::format(":{}", port_);
  return text;
}

std::string Url::target() const {
  std::string text = path_.empty() ? "/" : path_;
  if (!query_.empty()) text += "?" + query_;
  return text;
}

std::string Url::to_log() const {
  return fmt::format("{}://{}{}{}", scheme_, authority(), path_, query_.empty() ? "" : "?...");
}

}  // namespace moq::native
