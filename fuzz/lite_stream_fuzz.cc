// Any bytes as a stream of types and messages: however they are cut, the same
// messages come out, in the same order, and then the same rest or the same error.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "net/lite/message_reader.h"

namespace {

using moq::Bytes;
using moq::ByteSpan;
using moq::Error;
using moq::fuzz::require;
using moq::lite::MessageReader;

constexpr std::size_t kMaxMessage = 300;

struct Outcome {
  std::vector<std::string> messages;
  std::optional<Error> error;
  std::string rest;
};

// Messages, each behind a varint if `typed`, until `count` have come; then the rest.
Outcome read(ByteSpan bytes, std::size_t step, bool typed, std::size_t count) {
  Outcome out;
  MessageReader reader(kMaxMessage);
  bool in_type = typed;
  std::size_t at = 0;
  do {
    const std::size_t size = std::min(step, bytes.size() - at);
    at += size;
    reader.feed(Bytes::copy_of(bytes.subspan(at - size, size)), at == bytes.size());
    while (out.messages.size() < count) {
      if (in_type) {
        const auto type = reader.next_varint();
        if (!type) out.error = type.error();
        if (!type || !*type) break;
        in_type = false;
      }
      const auto message = reader.next_message();
      if (!message) out.error = message.error();
      if (!message || !*message) break;
      require((*message)->size() <= kMaxMessage, "no message is beyond the limit");
      out.messages.emplace_back((*message)->text());
      in_type = typed;
    }
  } while (!out.error && at < bytes.size());
  if (out.messages.size() == count && !out.error) out.rest = reader.take_rest().text();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  moq::fuzz::Input input(data, size);
  const bool typed = input.choose(2) == 1;
  const std::size_t count = input.choose(256);
  const std::size_t step = 1 + input.choose(64);
  const ByteSpan bytes = input.rest();
  const Outcome whole = read(bytes, bytes.size() + 1, typed, count);
  const Outcome cut = read(bytes, step, typed, count);
  require(whole.messages == cut.messages, "cutting changes no message");
  require(whole.error == cut.error, "cutting changes no error");
  require(whole.rest == cut.rest, "cutting changes no rest");
  return 0;
}
