#include "net/lite/message.h"

namespace moq::lite {

namespace {
// The explicit restart of some drafts of moq-lite-05.
constexpr std::uint64_t kRestart = 2;
}  // namespace

std::string_view to_string(AnnounceStatus status) {
  return status == AnnounceStatus::active ? "active" : "ended";
}

std::string_view to_string(ProbeLevel level) {
  switch (level) {
    case ProbeLevel::none:
      return "none";
    case ProbeLevel::report:
      return "report";
    case ProbeLevel::increase:
      return "increase";
  }
  return "unknown";
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::both:
      return "both";
    case Role::publisher:
      return "publisher";
    case Role::subscriber:
      return "subscriber";
  }
  return "unknown";
}

void AnnounceStatusCodec::write(coding::Writer& out, AnnounceStatus value) const {
  out.varint(static_cast<std::uint64_t>(value));
}

Result<void> AnnounceStatusCodec::read(coding::Reader& in, AnnounceStatus& value) const {
  MOQ_TRY(const std::uint64_t number, in.varint());
  if (number > (restart ? kRestart : 1)) return fail(coding::CodingError::invalid_value);
  value = number == 0 ? AnnounceStatus::ended : AnnounceStatus::active;
  return {};
}

std::size_t HopCountCodec::size(const std::vector<std::uint64_t>& hops) const {
  return coding::Writer::size_of(hops.size());
}

void HopCountCodec::write(coding::Writer& out, const std::vector<std::uint64_t>& hops) const {
  out.varint(hops.size());
}

Result<void> HopCountCodec::read(coding::Reader& in, std::vector<std::uint64_t>& hops) const {
  MOQ_TRY(const std::uint64_t count, in.varint());
  if (count > kMaxHops) return fail(coding::CodingError::too_many);
  hops.assign(static_cast<std::size_t>(count), 0);
  return {};
}

}  // namespace moq::lite
