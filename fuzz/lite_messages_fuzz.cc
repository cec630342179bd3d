// Any bytes as the body of any message of any version: what decodes can be printed
// and encoded, and what was encoded decodes to the same.

#include <tuple>
#include <utility>
#include <vector>

#include "fuzz/fuzz.h"
#include "net/lite/codec.h"
#include "net/lite/message_reader.h"

namespace {

using moq::Bytes;
using moq::ByteSpan;
using moq::fuzz::require;
using moq::lite::AllMessages;
using moq::lite::MessageReader;
using moq::lite::Version;

template <typename M>
void check(Version version, ByteSpan body) {
  const auto message = moq::lite::decode_body<M>(version, body);
  if (!message) {
    require(!message.error().message().empty(), "an error says what it is");
    return;
  }
  require(!moq::lite::print(version, *message).empty(), "what decodes can be printed");
  MessageReader reader;
  reader.feed(Bytes::copy_of(moq::lite::encode(version, *message)), true);
  const auto encoded = reader.next_message();
  require(encoded && encoded->has_value(), "what is encoded is one whole message");
  require(reader.at_end(), "and nothing more");
  const auto again = moq::lite::decode_body<M>(version, **encoded);
  require(again && *again == *message, "what was encoded decodes to the same");
}

void check_datagram(Version version, ByteSpan body) {
  const auto datagram = moq::lite::decode_datagram(version, Bytes::copy_of(body));
  if (!datagram) return;
  const auto encoded = moq::lite::encode_datagram(version, datagram->header, datagram->payload);
  // Encoding takes the shortest form, so it fits where the longer one did.
  require(encoded.has_value(), "what decodes can be encoded");
  const auto again = moq::lite::decode_datagram(version, Bytes::copy_of(*encoded));
  require(again && again->header == datagram->header && again->payload == datagram->payload,
          "what was encoded decodes to the same");
}

template <std::size_t... Index>
void check_any(std::size_t chosen, Version version, ByteSpan body, std::index_sequence<Index...>) {
  ((chosen == Index ? check<std::tuple_element_t<Index, AllMessages>>(version, body) : void()),
   ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  moq::fuzz::Input input(data, size);
  const Version version = moq::lite::versions()[input.choose(moq::lite::versions().size())].version;
  constexpr std::size_t kMessages = std::tuple_size_v<AllMessages>;
  const std::size_t chosen = input.choose(kMessages + 1);
  if (chosen == kMessages) {
    check_datagram(version, input.rest());
  } else {
    check_any(chosen, version, input.rest(), std::make_index_sequence<kMessages>());
  }
  return 0;
}
