#include "net/ietf/message.h"

#include "net/coding/print.h"

namespace moq::ietf {

void print_value(std::string& out, const Failure& value) {
  out += std::to_string(value.code) + ' ';
  coding::print_value(out, value.reason);
  if (value.retry) {
    out += " retry=";
    coding::print_value(out, *value.retry);
  }
  if (value.redirect) {
    out += " redirect=";
    print_value(out, *value.redirect);
  }
}

void FailureCodec::write(Writer& out, const Failure& value) const {
  out.varint(value.code);
  if (has_retry) RetryInterval{}.write(out, value.retry);
  kReason.write(out, value.reason);
  if (!redirect_code) return;
  if (value.redirect.has_value() != (value.code == *redirect_code)) {
    return out.refuse(CodingError::invalid_value);
  }
  if (!value.redirect) return;
  kUri.write(out, value.redirect->uri);
  FullNameCodec{}.write(out, value.redirect->track);
}

Result<void> FailureCodec::read(Reader& in, Failure& value) const {
  value = {};
  MOQ_TRY(value.code, in.varint());
  if (has_retry) MOQ_CHECK_OK(RetryInterval{}.read(in, value.retry));
  MOQ_CHECK_OK(kReason.read(in, value.reason));
  if (!redirect_code || value.code != *redirect_code) return {};
  Redirect& redirect = value.redirect.emplace();
  MOQ_CHECK_OK(kUri.read(in, redirect.uri));
  return FullNameCodec{}.read(in, redirect.track);
}

}  // namespace moq::ietf
