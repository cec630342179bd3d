#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "token/error.h"
#include "token/limits.h"
#include "token/testing/keys.h"

/// Tokens that somebody made to get in, or to break something: no key lets one in.
namespace moq::token::testing {

/// When they are refused, in seconds since 1970: the good ones they are made from hold then.
inline constexpr std::int64_t kHostileNow = 1800000000;

/// In each token, wherever text can be, the `kid` included: nothing that is said of one may have
/// it.
inline constexpr std::string_view kMark = "hunter2";
inline constexpr std::string_view kHeader = R"({"typ":"JWT","alg":"HS256","kid":"hunter2"})";
inline constexpr std::string_view kPayload =
    R"({"root":"hunter2","put":["hunter2"],"get":[""],"exp":1900000000})";

struct HostileToken {
  std::string name;
  std::string token;
  TokenError code;  ///< what the key says of it
};

/// Those for one key.
struct HostileTokens {
  std::string key;  ///< its JWK
  std::vector<HostileToken> tokens;
};

inline std::string coded(std::string_view text) { return encode_base64url(as_bytes(text)); }

/// With the header that names the key, too.
inline std::string forge_named(const Key& key, std::string_view payload) {
  const std::string_view name = info(key.jwk().algorithm).name;
  return forge(key, fmt::format(R"({{"alg":"{}","kid":"{}"}})", name, kMark), payload);
}

/// A token taken apart, to put it together wrongly.
struct TokenParts {
  std::string header;
  std::string payload;
  std::string signature;

  explicit TokenParts(const std::string& token) {
    const std::size_t first = token.find('.');
    const std::size_t last = token.rfind('.');
    header = token.substr(0, first);
    payload = token.substr(first + 1, last - first - 1);
    signature = token.substr(last + 1);
  }
  [[nodiscard]] std::string text() const { return header + '.' + payload + '.' + signature; }
};

inline HostileTokens hostile_parts() {
  const std::string text = secret_jwk();
  const Key key = key_of(text);
  const std::string good = forge(key, kHeader, kPayload);
  const TokenParts parts(good);
  const std::string begun = good.substr(0, good.rfind('.'));
  Octets longer = *decode_base64url(parts.signature);
  longer.push_back(0);
  return {text,
          {{"nothing", "", TokenError::malformed},
           {"a word", "hunter2", TokenError::malformed},
           {"one dot", ".", TokenError::malformed},
           {"two dots", "..", TokenError::malformed},
           {"three dots", "...", TokenError::malformed},
           {"the header alone", parts.header, TokenError::malformed},
           {"the header and its dot", parts.header + '.', TokenError::malformed},
           {"cut off at the second dot", begun, TokenError::malformed},
           {"an empty signature", begun + '.', TokenError::bad_signature},
           {"no header", good.substr(good.find('.')), TokenError::malformed},
           {"no payload", parts.header + ".." + parts.signature, TokenError::bad_signature},
           {"a fourth part", good + '.', TokenError::malformed},
           {"a fourth part with something in it", good + ".AAAA", TokenError::malformed},
           {"five parts, as of an encrypted one", good + ".AAAA.AAAA", TokenError::malformed},
           {"the signature cut off by a character", good.substr(0, good.size() - 1),
            TokenError::malformed},
           {"the signature cut off by a byte", begun + '.' + coded(std::string(31, 'x')),
            TokenError::bad_signature},
           {"the signature longer by a byte", begun + '.' + encode_base64url(longer),
            TokenError::bad_signature},
           {"twice", good + good, TokenError::malformed},
           {"as JSON", R"({"payload":"hunter2","signatures":[]})", TokenError::malformed},
           {"with its scheme", "Bearer " + good, TokenError::malformed}}};
}

inline HostileTokens hostile_encoding() {
  const std::string text = secret_jwk();
  const Key key = key_of(text);
  const std::string good = forge(key, kHeader, kPayload);
  const TokenParts parts(good);
  const auto with = [&parts](auto change) {
    TokenParts changed = parts;
    change(changed);
    return changed.text();
  };
  // 32 bytes: the last character has two bits of no byte.
  std::string bits = parts.signature;
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  bits.back() = kAlphabet[kAlphabet.find(bits.back()) | 1];
  return {
      text,
      {{"a padded signature", good + '=', TokenError::malformed},
       {"a signature with too much padding", good + "==", TokenError::malformed},
       {"a padded header", with([](TokenParts& p) { p.header += "=="; }), TokenError::malformed},
       {"a padded payload", with([](TokenParts& p) { p.payload += '='; }),
        TokenError::bad_signature},
       {"bits behind the last byte", with([&](TokenParts& p) { p.signature = bits; }),
        TokenError::malformed},
       {"a space before it", ' ' + good, TokenError::malformed},
       {"a line's end behind it", good + '\n', TokenError::malformed},
       {"a zero behind it", good + '\0', TokenError::malformed},
       {"a space within", with([](TokenParts& p) { p.signature.insert(4, 1, ' '); }),
        TokenError::malformed},
       {"a line's end in the payload", with([](TokenParts& p) { p.payload.insert(4, "\r\n"); }),
        TokenError::bad_signature},
       {"base64 instead", with([](TokenParts& p) { p.signature[0] = '+'; }), TokenError::malformed},
       {"base64's slash", with([](TokenParts& p) { p.header[0] = '/'; }), TokenError::malformed},
       {"percent signs", with([](TokenParts& p) { p.signature.replace(0, 1, "%41"); }),
        TokenError::malformed},
       {"not ASCII", with([](TokenParts& p) { p.header[3] = '\xe9'; }), TokenError::malformed}}};
}

inline HostileTokens hostile_headers() {
  const std::string text = secret_jwk();
  const Key key = key_of(text);
  const auto forged = [&key](std::string_view header) { return forge(key, header, kPayload); };
  const auto headed = [&](std::string_view alg) {
    return forged(fmt::format(R"({{"alg":"{}","kid":"hunter2"}})", alg));
  };
  const std::string deep = std::string(2000, '[') + std::string(2000, ']');
  return {
      text,
      {{"none", headed("none"), TokenError::wrong_algorithm},
       {"None", headed("None"), TokenError::wrong_algorithm},
       {"NONE", headed("NONE"), TokenError::wrong_algorithm},
       {"no name", headed(""), TokenError::wrong_algorithm},
       {"lower case", headed("hs256"), TokenError::wrong_algorithm},
       {"a space", headed("HS256 "), TokenError::wrong_algorithm},
       {"a zero", headed("HS256\\u0000"), TokenError::wrong_algorithm},
       {"a longer digest", headed("HS512"), TokenError::wrong_algorithm},
       {"RSA", headed("RS256"), TokenError::wrong_algorithm},
       {"one that nobody knows", headed("hunter2"), TokenError::wrong_algorithm},
       {"no algorithm", forged(R"({"typ":"JWT"})"), TokenError::malformed},
       {"an algorithm of another spelling", forged(R"({"Alg":"HS256"})"), TokenError::malformed},
       {"a list of algorithms", forged(R"({"alg":["HS256"]})"), TokenError::malformed},
       {"an algorithm that is a number", forged(R"({"alg":256})"), TokenError::malformed},
       {"no algorithm but null", forged(R"({"alg":null})"), TokenError::malformed},
       {"two algorithms", forged(R"({"alg":"none","alg":"HS256"})"), TokenError::malformed},
       {"two, spelt differently", forged(R"({"alg":"HS256","\u0061lg":"none"})"),
        TokenError::malformed},
       {"a kid that is a number", forged(R"({"alg":"HS256","kid":7})"), TokenError::malformed},
       {"a kid that is a list", forged(R"({"alg":"HS256","kid":["hunter2"]})"),
        TokenError::malformed},
       {"something critical", forged(R"({"alg":"HS256","crit":["b64"],"b64":false})"),
        TokenError::malformed},
       {"nothing critical", forged(R"({"alg":"HS256","crit":[]})"), TokenError::malformed},
       {"no object", forged(R"(["HS256"])"), TokenError::malformed},
       {"text", forged(R"("HS256")"), TokenError::malformed},
       {"no JSON", forged("hunter2"), TokenError::malformed},
       {"nothing", forged(""), TokenError::malformed},
       {"JSON that is cut off", forged(R"({"alg":"HS256")"), TokenError::malformed},
       {"something behind it", forged(R"({"alg":"HS256"}{})"), TokenError::malformed},
       {"a zero behind it", forged(std::string(R"({"alg":"HS256"})") + '\0' + "{}"),
        TokenError::malformed},
       {"a byte order mark", forged("\xef\xbb\xbf{\"alg\":\"HS256\"}"), TokenError::malformed},
       {"a comma too much", forged(R"({"alg":"HS256",})"), TokenError::malformed},
       {"a comment", forged(R"({"alg":"HS256"/*hunter2*/})"), TokenError::malformed},
       {"not UTF-8", forged("{\"alg\":\"HS256\",\"x\":\"\xff\xfe\"}"), TokenError::malformed},
       {"UTF-8 that is longer than it has to be", forged("{\"alg\":\"HS256\",\"x\":\"\xc0\xaf\"}"),
        TokenError::malformed},
       {"half of a surrogate", forged(R"({"alg":"HS256","x":"\ud800"})"), TokenError::malformed},
       {"too deep", forged(fmt::format(R"({{"alg":"HS256","x":{}}})", deep)),
        TokenError::malformed},
       {"deep, and never closed", forged(std::string(4000, '[')), TokenError::malformed},
       {"deep objects, never closed",
        [&] {
          std::string objects;
          for (int i = 0; i < 800; ++i) objects += R"({"a":)";
          return forged(objects);
        }(),
        TokenError::malformed}}};
}

inline HostileTokens hostile_claims() {
  const std::string text = secret_jwk();
  const Key key = key_of(text);
  const auto forged = [&key](std::string_view payload) { return forge(key, kHeader, payload); };
  const auto with = [&](std::string_view more) {
    return forged(fmt::format(R"({{"root":"hunter2","put":"",{}}})", more));
  };
  const std::string deep = std::string(2000, '[') + std::string(2000, ']');
  return {
      text,
      {{"expired", with(R"("exp":1799999999)"), TokenError::expired},
       {"expires now", with(R"("exp":1800000000)"), TokenError::expired},
       {"expired at the beginning", with(R"("exp":0)"), TokenError::expired},
       {"expired before it", with(R"("exp":-9223372036854775808)"), TokenError::expired},
       {"expires as text", with(R"("exp":"1900000000")"), TokenError::bad_claims},
       {"expires as a float", with(R"("exp":1900000000.0)"), TokenError::bad_claims},
       {"expires with an exponent", with(R"("exp":19e8)"), TokenError::bad_claims},
       {"expires beyond 63 bits", with(R"("exp":9223372036854775808)"), TokenError::bad_claims},
       {"expires beyond 64 bits", with(R"("exp":18446744073709551616)"), TokenError::bad_claims},
       {"expires in a number of 400 digits", with(R"("exp":)" + std::string(400, '9')),
        TokenError::malformed},
       {"expires at infinity", with(R"("exp":1e999)"), TokenError::malformed},
       {"expires not at all", with(R"("exp":NaN)"), TokenError::malformed},
       {"expires at true", with(R"("exp":true)"), TokenError::bad_claims},
       {"expires in a list", with(R"("exp":[1900000000])"), TokenError::bad_claims},
       {"expires in hexadecimal", with(R"("exp":0x7fffffff)"), TokenError::malformed},
       {"expires with a zero before it", with(R"("exp":01900000000)"), TokenError::malformed},
       {"not yet", with(R"("nbf":1800000061)"), TokenError::not_yet_valid},
       {"not yet, as text", with(R"("nbf":"0")"), TokenError::bad_claims},
       {"issued as text", with(R"("iat":"0")"), TokenError::bad_claims},
       {"issued as a float", with(R"("iat":1.5)"), TokenError::bad_claims},
       {"for somebody", with(R"("aud":"hunter2")"), TokenError::audience},
       {"for some", with(R"("aud":["hunter2"])"), TokenError::audience},
       {"expires twice", with(R"("exp":1,"exp":1900000000)"), TokenError::malformed},
       {"two roots", forged(R"({"root":"a","root":"hunter2","put":""})"), TokenError::malformed},
       {"two grants, spelt differently", forged(R"({"put":"a","\u0070ut":"hunter2"})"),
        TokenError::malformed},
       {"a name twice where nobody looks", with(R"("x":[{"hunter2":1,"hunter2":2}])"),
        TokenError::malformed},
       {"a root that is null", forged(R"({"root":null,"put":""})"), TokenError::bad_claims},
       {"a root that is a list", forged(R"({"root":["hunter2"],"put":""})"),
        TokenError::bad_claims},
       {"a grant that is null", forged(R"({"put":null,"get":""})"), TokenError::bad_claims},
       {"a grant that is true", forged(R"({"put":true})"), TokenError::bad_claims},
       {"a grant that is an object", forged(R"({"put":{"hunter2":1}})"), TokenError::bad_claims},
       {"a grant of numbers", forged(R"({"get":["hunter2",1]})"), TokenError::bad_claims},
       {"grants in grants", forged(R"({"get":[["hunter2"]]})"), TokenError::bad_claims},
       {"no grant", forged(R"({"root":"hunter2"})"), TokenError::useless},
       {"empty grants", forged(R"({"root":"hunter2","put":[],"get":[]})"), TokenError::useless},
       {"grants by other names", forged(R"({"root":"hunter2","publish":[""],"subscribe":[""]})"),
        TokenError::useless},
       {"no claims", forged("{}"), TokenError::useless},
       {"no object", forged("[]"), TokenError::malformed},
       {"null", forged("null"), TokenError::malformed},
       {"nothing", forged(""), TokenError::malformed},
       {"text", forged("hunter2"), TokenError::malformed},
       {"another token", forged(forged(kPayload)), TokenError::malformed},
       {"cut off", forged(R"({"put":"hunter2)"), TokenError::malformed},
       {"something behind it", forged(R"({"put":""}hunter2)"), TokenError::malformed},
       {"a zero behind it", forged(std::string(R"({"put":""})") + '\0' + "hunter2"),
        TokenError::malformed},
       {"not UTF-8", forged("{\"put\":\"hunter2\xff\"}"), TokenError::malformed},
       {"half of a surrogate", forged(R"({"put":"\udc00hunter2"})"), TokenError::malformed},
       {"a control character", forged("{\"put\":\"hunter2\n\"}"), TokenError::malformed},
       {"too many prefixes",
        with("\"get\":[" +
             fmt::format("{}", fmt::join(std::vector<std::string>(257, R"("a")"), ",")) + "]"),
        TokenError::too_large},
       {"too deep", with(R"("x":)" + deep), TokenError::malformed}}};
}

inline HostileTokens hostile_sizes() {
  const std::string text = secret_jwk();
  const Key key = key_of(text);
  const std::string long_root(kMaxTokenSize, 'x');
  return {text,
          {{"a long payload",
            forge(key, kHeader, fmt::format(R"({{"root":"{}","put":""}})", long_root)),
            TokenError::too_large},
           {"a long header",
            forge(key, fmt::format(R"({{"alg":"HS256","kid":"{}"}})", long_root), kPayload),
            TokenError::too_large},
           {"a long signature", forge(key, kHeader, kPayload) + std::string(kMaxTokenSize, 'A'),
            TokenError::too_large},
           {"dots", std::string(kMaxTokenSize + 1, '.'), TokenError::too_large},
           {"dots up to the limit", std::string(kMaxTokenSize, '.'), TokenError::malformed}}};
}

/// The secret of HMAC is what an attacker knows: the key in a form that is public.
inline HostileTokens hostile_secrets() {
  std::vector<HostileToken> rows;
  const Octets n = *decode_base64url(kRsaN);
  const std::string jwk = rsa_public_jwk();
  for (const Octets& known :
       {n, Octets(jwk.begin(), jwk.end()), Octets(kRsaN.begin(), kRsaN.end())}) {
    Jwk taken{.algorithm = Algorithm::hs256};
    taken.members["k"] = known;
    const Key attacker = Key::import(taken).value();
    rows.push_back(
        {"HMAC by a public key", forge(attacker, kHeader, kPayload), TokenError::wrong_algorithm});
    rows.push_back({"HMAC that claims to be RSA",
                    forge(attacker, R"({"alg":"RS256","kid":"hunter2"})", kPayload),
                    TokenError::bad_signature});
  }
  return {jwk, std::move(rows)};
}

/// Of every other algorithm.
inline HostileTokens hostile_algorithms(const AlgorithmInfo& mine) {
  HostileTokens all{.key = jwk_for(mine.algorithm), .tokens = {}};
  for (const AlgorithmInfo& theirs : algorithms()) {
    if (theirs.algorithm == mine.algorithm) continue;
    const Key other = key_of(jwk_for(theirs.algorithm));
    const std::string name = fmt::format("{} for {}", theirs.name, mine.name);
    all.tokens.push_back({name, forge_named(other, kPayload), TokenError::wrong_algorithm});
    const std::string header = fmt::format(R"({{"alg":"{}","kid":"{}"}})", mine.name, kMark);
    all.tokens.push_back(
        {name + ", with its name", forge(other, header, kPayload), TokenError::bad_signature});
  }
  return all;
}

/// With a key in the header.
inline HostileTokens hostile_keys() {
  const Key attacker = Key::generate(Algorithm::eddsa).value();
  const std::string jwk = *attacker.to_public()->jwk().to_json();
  return {
      std::string(kEdJwk),
      {{"jwk",
        forge(attacker, fmt::format(R"({{"alg":"EdDSA","kid":"hunter2","jwk":{}}})", jwk),
              kPayload),
        TokenError::bad_signature},
       {"jku",
        forge(attacker, R"({"alg":"EdDSA","kid":"hunter2","jku":"https://hunter2/"})", kPayload),
        TokenError::bad_signature},
       {"x5u",
        forge(attacker, R"({"alg":"EdDSA","kid":"hunter2","x5u":"https://hunter2/"})", kPayload),
        TokenError::bad_signature}}};
}

/// An ECDSA signature is two numbers between 0 and the order of the curve, at a fixed size.
inline HostileTokens hostile_ecdsa() {
  const std::string text = ec_jwk();
  const Key key = key_of(text);
  const TokenParts parts(forge_named(key, kPayload));
  const Octets good = *decode_base64url(parts.signature);
  const ByteSpan r = ByteSpan(good).first(32);
  const ByteSpan s = ByteSpan(good).last(32);
  const Octets order = *decode_base64url("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE");
  const auto of = [&parts](std::initializer_list<ByteSpan> pieces) {
    TokenParts changed = parts;
    Octets all;
    for (ByteSpan piece : pieces) all.insert(all.end(), piece.begin(), piece.end());
    changed.signature = encode_base64url(all);
    return changed.text();
  };
  const Octets zero(32);
  const Octets one = [] {
    Octets bytes(32);
    bytes.back() = 1;
    return bytes;
  }();
  const Octets high(32, 0xff);
  const Octets pad(1);
  const Octets der_head{0x30, 0x44, 0x02, 0x20};
  const Octets der_next{0x02, 0x20};
  const TokenError bad = TokenError::bad_signature;
  return {text,
          {{"zeros", of({zero, zero}), bad},
           {"r is 0", of({zero, s}), bad},
           {"s is 0", of({r, zero}), bad},
           {"ones", of({one, one}), bad},
           {"r is the order", of({order, s}), bad},
           {"s is the order", of({r, order}), bad},
           {"r and s are the order", of({order, order}), bad},
           {"r beyond the order", of({high, s}), bad},
           {"s beyond the order", of({r, high}), bad},
           {"changed places", of({s, r}), bad},
           {"r alone", of({r}), bad},
           {"zeros before them", of({pad, r, pad, s}), bad},
           {"a zero behind them", of({r, s, pad}), bad},
           {"twice", of({r, s, r, s}), bad},
           {"as DER", of({der_head, r, der_next, s}), bad},
           {"P-384's size", of({zero, zero, zero}), bad}}};
}

inline HostileTokens hostile_ed25519() {
  // The order of Ed25519's group, little-endian: s + order is refused (RFC 8032 §5.1.7).
  constexpr std::array<std::uint8_t, 32> kOrder{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                                0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                                0,    0,    0,    0,    0,    0,    0,    0,
                                                0,    0,    0,    0,    0,    0,    0,    0x10};
  const Key ed = key_of(kEdJwk);
  TokenParts parts(forge_named(ed, kPayload));
  Octets signature = *decode_base64url(parts.signature);
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    const unsigned sum = signature[32 + i] + kOrder[i] + carry;
    signature[32 + i] = static_cast<std::uint8_t>(sum);
    carry = sum >> 8U;
  }
  parts.signature = encode_base64url(signature);
  HostileTokens all{.key = std::string(kEdJwk), .tokens = {}};
  all.tokens.push_back({"s beyond the order", parts.text(), TokenError::bad_signature});
  parts.signature = encode_base64url(Octets(64));
  all.tokens.push_back({"zeros", parts.text(), TokenError::bad_signature});
  return all;
}

inline HostileTokens hostile_rsa(const std::string& algorithm) {
  HostileTokens all{.key = rsa_jwk(algorithm), .tokens = {}};
  TokenParts parts(forge_named(key_of(all.key), kPayload));
  const Octets right = *decode_base64url(parts.signature);
  Octets longer(1);
  longer.insert(longer.end(), right.begin(), right.end());
  for (const Octets& wrong :
       {Octets(256), Octets(256, 0xff), Octets(1), longer, *decode_base64url(kRsaN)}) {
    parts.signature = encode_base64url(wrong);
    all.tokens.push_back({algorithm, parts.text(), TokenError::bad_signature});
  }
  return all;
}

/// All of them.
inline std::vector<HostileTokens> hostile_tokens() {
  std::vector<HostileTokens> all{hostile_parts(),      hostile_encoding(),  hostile_headers(),
                                 hostile_secrets(),    hostile_keys(),      hostile_claims(),
                                 hostile_sizes(),      hostile_ecdsa(),     hostile_ed25519(),
                                 hostile_rsa("RS256"), hostile_rsa("PS256")};
  for (const AlgorithmInfo& each : algorithms()) all.push_back(hostile_algorithms(each));
  return all;
}

}  // namespace moq::token::testing
