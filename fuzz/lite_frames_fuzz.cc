// Any bytes as the frames of a stream of any version: however they are cut, the
// same frames come out, or the same error; payload is never more than declared; and
// headers that were read can be encoded and read again.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "net/lite/frame.h"

namespace {

using moq::Bytes;
using moq::ByteSpan;
using moq::Error;
using moq::Object;
using moq::Result;
using moq::fuzz::require;
using moq::lite::FrameHeader;
using moq::lite::FrameReader;
using moq::lite::FrameSink;
using moq::lite::Version;
using moq::lite::VersionInfo;

constexpr std::uint64_t kMaxFrame = 5000;

struct Collector final : FrameSink {
  std::vector<FrameHeader> headers;
  std::string payload;
  std::uint64_t left = 0;

  Result<void> on_frame(const FrameHeader& header) override {
    require(left == 0, "a frame is whole before the next begins");
    require(header.size <= kMaxFrame, "no frame is beyond the limit");
    left = header.size;
    headers.push_back(header);
    return {};
  }
  Result<void> on_payload(Bytes chunk) override {
    require(!chunk.empty() && chunk.size() <= left, "no payload is beyond its frame");
    left -= chunk.size();
    payload += chunk.text();
    return {};
  }
};

struct Outcome {
  Collector sink;
  std::optional<Error> error;
  bool at_boundary = false;
};

Outcome read(Version version, ByteSpan bytes, std::size_t step) {
  Outcome out;
  FrameReader reader(version, out.sink, kMaxFrame);
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto fed =
        reader.feed(Bytes::copy_of(bytes.subspan(at, std::min(step, bytes.size() - at))));
    if (fed) continue;
    out.error = fed.error();
    return out;
  }
  out.at_boundary = reader.finish().has_value();
  require(!out.at_boundary || out.sink.left == 0, "a stream ends behind a whole frame");
  return out;
}

// The headers as we would send them, each with its declared payload, read again.
void encode_again(const VersionInfo& version, const std::vector<FrameHeader>& headers) {
  std::vector<std::uint8_t> bytes;
  Object previous;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    Object object;
    object.timestamp = headers[i].timestamp.value_or(0);
    object.size = headers[i].size;
    std::array<std::uint8_t, moq::EncodedHeaders::kMaxHeader> header{};
    moq::EncodedHeaders::Place place{.previous = i == 0 ? nullptr : &previous};
    const std::size_t size = version.encode_frame_header(object, place, header);
    bytes.insert(bytes.end(), header.begin(), header.begin() + static_cast<std::ptrdiff_t>(size));
    bytes.resize(bytes.size() + static_cast<std::size_t>(object.size));
    previous = object;
  }
  const Outcome again = read(version.version, bytes, bytes.size() + 1);
  require(again.at_boundary && again.sink.headers == headers, "encoded headers read the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  moq::fuzz::Input input(data, size);
  const VersionInfo& version = moq::lite::versions()[input.choose(moq::lite::versions().size())];
  const std::size_t step = 1 + input.choose(64);
  const Outcome whole = read(version.version, input.rest(), input.rest().size() + 1);
  const Outcome cut = read(version.version, input.rest(), step);
  require(whole.sink.headers == cut.sink.headers, "cutting changes no header");
  require(whole.sink.payload == cut.sink.payload, "cutting changes no payload");
  require(whole.error == cut.error, "cutting changes no error");
  require(whole.at_boundary == cut.at_boundary, "cutting changes no end");
  if (whole.sink.headers.size() <= 64) encode_again(version, whole.sink.headers);
  return 0;
}
