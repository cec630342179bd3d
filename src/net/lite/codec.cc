#include "net/lite/codec.h"

namespace moq::lite {

using coding::CodingError;

std::vector<std::uint8_t> group_prefix(Version version, const GroupHeader& header) {
  std::vector<std::uint8_t> out;
  append_varint(out, static_cast<std::uint64_t>(UniType::group));
  encode(out, version, header);
  return out;
}

Result<DecodedDatagram> decode_datagram(Version version, const Bytes& body) {
  if (body.size() > kMaxDatagram) return fail(CodingError::too_large, "datagram");
  coding::Reader in(body);
  MOQ_TRY(const DatagramHeader header, coding::read_body<DatagramHeader>(in, ordinal(version)));
  return DecodedDatagram{header, body.slice(body.size() - in.remaining())};
}

Result<std::vector<std::uint8_t>> encode_datagram(Version version, const DatagramHeader& header,
                                                  ByteSpan payload) {
  if (!coding::exists_in<DatagramHeader>(ordinal(version))) {
    return fail(CodingError::unsupported, std::string(DatagramHeader::kName));
  }
  const std::size_t size = coding::body_size(ordinal(version), header);
  if (payload.size() > kMaxDatagram - size) return fail(CodingError::too_large, "datagram");
  std::vector<std::uint8_t> out;
  coding::Writer writer(out);
  writer.reserve(size + payload.size());
  coding::write_body(writer, ordinal(version), header);
  writer.bytes(payload);
  return out;
}

}  // namespace moq::lite
