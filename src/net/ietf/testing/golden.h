#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "net/coding/integer.h"
#include "net/ietf/codec.h"

/// Wire images of messages, written field by field from the drafts' text.
namespace moq::ietf::testing {

using Buffer = std::vector<std::uint8_t>;

/// A part of an image: bytes, or a number, which may be encoded longer, or a length and
/// what it bounds.
struct Piece {
  Buffer bytes = {};
  std::optional<std::uint64_t> number = {};
  bool bounded = false;
  std::vector<Piece> inner = {};
};
using Image = std::vector<Piece>;

/// A number below 64, which is one byte in either form.
[[nodiscard]] Image num(std::uint8_t value);
/// A number and its bytes.
[[nodiscard]] Image num(const Buffer& bytes, std::uint64_t value);
[[nodiscard]] Image raw(const Buffer& bytes);
[[nodiscard]] Image u8(std::uint8_t value);
/// A length, below 64, and characters.
[[nodiscard]] Image text(std::string_view value);
/// A count, and a text for each.
[[nodiscard]] Image names(const std::vector<std::string>& fields);
/// A length, below 64, and what it bounds.
[[nodiscard]] Image bounded(const Image& content);

template <typename... Parts>
[[nodiscard]] Image wire(const Parts&... parts) {
  Image image;
  (image.insert(image.end(), parts.begin(), parts.end()), ...);
  return image;
}

[[nodiscard]] Buffer flatten(const Image& image);
/// The image with its type and 16 bits of length in front, as it goes on a stream.
[[nodiscard]] Buffer framed(const Buffer& type, const Image& image);
/// The image once for each number in it and each longer encoding of that.
[[nodiscard]] std::vector<Buffer> lengthened(coding::IntegerForm form, const Image& image);

struct Golden {
  std::string name;
  Version version;
  Buffer type;
  Image image;
  /// Whether what goes on to the end of the message may end earlier.
  bool open_ended;
  std::function<Result<Buffer>()> encoded;
  std::function<std::string()> printed;
  /// Whether the body decodes, and to the message.
  std::function<Result<bool>(ByteSpan)> decodes;
};

template <typename M>
[[nodiscard]] Golden golden(Version version, const M& message, const Buffer& type, Image image,
                            std::optional<MessageKind> request = {}) {
  return {std::string(M::kName),
          version,
          type,
          std::move(image),
          detail::HasTrailingFields<M> || std::is_same_v<M, Setup>,
          [=] { return encode(version, message, request); },
          [=] { return print(version, message); },
          [=](ByteSpan body) -> Result<bool> {
            MOQ_TRY(const M decoded, decode<M>(version, body));
            return decoded == message;
          }};
}

/// Every message of the draft, in golden14_test.cc and golden18_test.cc.
[[nodiscard]] std::vector<Golden> goldens14();
[[nodiscard]] std::vector<Golden> goldens18();

}  // namespace moq::ietf::testing
