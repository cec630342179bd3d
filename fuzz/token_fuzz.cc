// Any bytes as a token or a key: nothing crashes; only what a key has signed
// is accepted, and signed again it says the same; what is read as a key is written and read
// as the same key; and no error has anything of the input in it.

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz.h"
#include "token/error.h"
#include "token/jwt.h"
#include "token/testing/keys.h"

namespace {

using moq::Error;
using moq::fuzz::require;
using moq::token::Claims;
using moq::token::Jwk;
using moq::token::Key;
using moq::token::UnixTime;

constexpr std::size_t kMaxTexts = 300;

/// The keys that tokens are tried with: one of each kind that is fast.
const std::vector<Key>& keys() {
  namespace testing = moq::token::testing;
  static const std::vector<Key> all = {
      testing::key_of(testing::secret_jwk("HS256", R"(,"kid":"a")")),
      testing::key_of(testing::ec_jwk(R"(,"kid":"b")")), testing::key_of(testing::kEdJwk)};
  return all;
}

/// What is said is one of so many texts: if anything of an input got into one, they would be
/// without number. (Looking for it would teach the fuzzer to write what we say.)
void require_silence(const Error& error) {
  static std::set<std::string, std::less<>> known;
  require(!error.detail().empty(), "an error says what is wrong");
  known.insert(error.message());
  require(known.size() <= kMaxTexts, "an error has nothing of the input");
}

void require_same(const Claims& claims) {
  const auto json = claims.to_json();
  require(json.has_value(), "claims that were read can be written");
  require(Claims::parse(*json) == claims, "claims that were written read the same");
}

void as_token(std::string_view text) {
  const UnixTime now(std::chrono::seconds(0));
  for (const Key& key : keys()) {
    const auto claims = key.verify(text, now);
    if (!claims) {
      require_silence(claims.error());
      continue;
    }
    require_same(*claims);
    const auto again = key.sign(*claims);
    require(again && key.verify(*again, now) == *claims, "what is accepted can be signed again");
  }
  if (const auto id = moq::token::key_id_of(text); !id) require_silence(id.error());
}

/// As what is signed: most bytes would never get past a signature.
void as_signed(std::string_view text) {
  const Key& key = keys()[0];
  const auto claims = key.verify(moq::token::testing::forge(key, text), UnixTime());
  if (!claims) {
    require_silence(claims.error());
    return;
  }
  require_same(*claims);
  static_cast<void>(claims->authorize(moq::Path("a/b")));
}

void as_key(std::string_view text) {
  const auto jwk = Jwk::parse(text);
  if (!jwk) {
    require_silence(jwk.error());
    return;
  }
  const auto json = jwk->to_json();
  require(json.has_value(), "a key that was read can be written");
  require(Jwk::parse(*json) == *jwk, "a key that was written reads the same");
  const auto key = Key::import(*jwk);
  if (!key) {
    require_silence(key.error());
    return;
  }
  if (!key->is_private() || !jwk->operations.sign || !jwk->operations.verify || jwk->scope) return;
  const Claims claims{.put = {""}};
  require(key->verify(*key->sign(claims), UnixTime()) == claims, "a key verifies what it signed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  moq::fuzz::Input input(data, size);
  const std::size_t choice = input.choose(3);
  const std::string_view text = moq::as_text(input.rest());
  switch (choice) {
    case 0:
      as_token(text);
      break;
    case 1:
      as_signed(text);
      break;
    default:
      as_key(text);
      break;
  }
  return 0;
}
