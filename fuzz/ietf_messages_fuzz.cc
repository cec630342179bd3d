// Any bytes as the body of any message of any draft: what decodes can be printed and
// encoded, and what was encoded decodes to the same. And as a control stream: however it
// is cut, the same messages come out, and then the same error.

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "fuzz/fuzz.h"
#include "net/ietf/codec.h"
#include "net/ietf/message_reader.h"

namespace {

using moq::Bytes;
using moq::ByteSpan;
using moq::Error;
using moq::fuzz::require;
using moq::ietf::AllMessages;
using moq::ietf::MessageReader;
using moq::ietf::VersionInfo;

// A request that M may answer in this draft, for those whose type depends on it.
template <typename M>
std::optional<moq::ietf::MessageKind> some_request(const VersionInfo& version) {
  for (const auto& row : version.messages) {
    if (row.kind == M::kKind && !row.requests.empty()) return row.requests.first();
  }
  return std::nullopt;
}

template <typename M>
void check(const VersionInfo& version, ByteSpan body) {
  const auto message = moq::ietf::decode<M>(version.version, body);
  if (!message) {
    require(!moq::to_session_error(message.error()).message().empty(), "an error says what it is");
    return;
  }
  require(!moq::ietf::print(version.version, *message).empty(), "what decodes can be printed");
  const auto encoded = moq::ietf::encode(version.version, *message, some_request<M>(version));
  require(encoded.has_value(), "what decodes can be encoded");
  MessageReader reader(version.integers);
  reader.feed(Bytes::copy_of(*encoded), true);
  const auto again = reader.next();
  require(again && again->has_value(), "what is encoded is one whole message");
  require(reader.at_end(), "and nothing more");
  const auto decoded = moq::ietf::decode<M>(version.version, (*again)->body);
  require(decoded && *decoded == *message, "what was encoded decodes to the same");
}

template <std::size_t... Index>
void check_any(std::size_t chosen, const VersionInfo& version, ByteSpan body,
               std::index_sequence<Index...>) {
  ((chosen == Index ? check<std::tuple_element_t<Index, AllMessages>>(version, body) : void()),
   ...);
}

struct Outcome {
  std::vector<std::pair<std::uint64_t, std::string>> messages;
  std::optional<Error> error;
};

Outcome read(const VersionInfo& version, ByteSpan bytes, std::size_t step) {
  constexpr std::size_t kMaxBody = 300;
  Outcome out;
  MessageReader reader(version.integers, kMaxBody);
  std::size_t at = 0;
  do {
    const std::size_t size = std::min(step, bytes.size() - at);
    at += size;
    reader.feed(Bytes::copy_of(bytes.subspan(at - size, size)), at == bytes.size());
    while (true) {
      const auto message = reader.next();
      if (!message) out.error = message.error();
      if (!message || !*message) break;
      require((*message)->body.size() <= kMaxBody, "no message is beyond the limit");
      out.messages.emplace_back((*message)->type, (*message)->body.text());
    }
  } while (!out.error && at < bytes.size());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  moq::fuzz::Input input(data, size);
  const VersionInfo& version = moq::ietf::versions()[input.choose(moq::ietf::versions().size())];
  constexpr std::size_t kMessages = std::tuple_size_v<AllMessages>;
  const std::size_t chosen = input.choose(kMessages + 1);
  if (chosen < kMessages) {
    const ByteSpan body = input.rest();
    check_any(chosen, version, body.first(std::min(body.size(), moq::ietf::kMaxMessage)),
              std::make_index_sequence<kMessages>());
    return 0;
  }
  const std::size_t step = 1 + input.choose(64);
  const ByteSpan bytes = input.rest();
  const Outcome whole = read(version, bytes, bytes.size() + 1);
  const Outcome cut = read(version, bytes, step);
  require(whole.messages == cut.messages, "cutting changes no message");
  require(whole.error == cut.error, "cutting changes no error");
  return 0;
}
