#include "moq-interop-client/describe.h"

#include <optional>
#include <tuple>
#include <type_traits>

#include "net/coding/error.h"
#include "net/ietf/codec.h"
#include "net/ietf/message.h"

namespace moq::interop {

namespace {

template <typename M>
void describe_as(ietf::Version version, ietf::MessageKind kind, ByteSpan body,
                 std::optional<Result<std::string>>& out) {
  if (kind != M::kKind || !coding::exists_in<M>(ietf::ordinal(version))) return;
  out = ietf::decode<M>(version, body).map([version](const M& message) {
    return ietf::print(version, message);
  });
}

}  // namespace

Result<std::string> describe(ietf::Version version, ietf::MessageKind kind, ByteSpan body) {
  std::optional<Result<std::string>> out;
  std::apply(
      [&](const auto&... each) {
        (describe_as<std::decay_t<decltype(each)>>(version, kind, body, out), ...);
      },
      ietf::AllMessages{});
  if (out) return *std::move(out);
  return fail(coding::CodingError::unsupported, std::string(ietf::to_string(kind)));
}

}  // namespace moq::interop
