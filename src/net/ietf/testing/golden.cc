#include "net/ietf/testing/golden.h"

#include <utility>

namespace moq::ietf::testing {

Image num(std::uint8_t value) { return {{.bytes = {value}, .number = value}}; }
Image num(const Buffer& bytes, std::uint64_t value) { return {{.bytes = bytes, .number = value}}; }
Image raw(const Buffer& bytes) { return {{.bytes = bytes}}; }
Image u8(std::uint8_t value) { return raw({value}); }

Image text(std::string_view value) {
  return wire(num(static_cast<std::uint8_t>(value.size())),
              raw(Buffer(value.begin(), value.end())));
}

Image names(const std::vector<std::string>& fields) {
  Image image = num(static_cast<std::uint8_t>(fields.size()));
  for (const std::string& field : fields) image = wire(image, text(field));
  return image;
}

Image bounded(const Image& content) { return {{.bounded = true, .inner = content}}; }

namespace {

void append(Buffer& out, const Image& image) {
  for (const Piece& piece : image) {
    if (piece.bounded) {
      const Buffer content = flatten(piece.inner);
      out.push_back(static_cast<std::uint8_t>(content.size()));
      out.insert(out.end(), content.begin(), content.end());
    } else {
      out.insert(out.end(), piece.bytes.begin(), piece.bytes.end());
    }
  }
}

void write_long(coding::IntegerForm form, std::uint64_t value, Buffer& out) {
  if (form == coding::IntegerForm::quic) {
    coding::write_varint(value, out.size(), out.data());
  } else {
    coding::write_vi64(value, out.size(), out.data());
  }
}

std::vector<std::size_t> lengths(coding::IntegerForm form) {
  if (form == coding::IntegerForm::quic) return {2, 4, 8};
  return {2, 3, 4, 5, 6, 7, 8, 9};
}

// `whole` has `image` somewhere in it.
void lengthen(coding::IntegerForm form, const Image& whole, Image& image,
              std::vector<Buffer>& out) {
  for (Piece& piece : image) {
    if (piece.bounded) lengthen(form, whole, piece.inner, out);
    if (!piece.number) continue;
    const Buffer bytes = piece.bytes;
    for (const std::size_t size : lengths(form)) {
      if (size <= bytes.size()) continue;
      piece.bytes.assign(size, 0);
      write_long(form, *piece.number, piece.bytes);
      out.push_back(flatten(whole));
    }
    piece.bytes = bytes;
  }
}

}  // namespace

Buffer flatten(const Image& image) {
  Buffer out;
  append(out, image);
  return out;
}

Buffer framed(const Buffer& type, const Image& image) {
  const Buffer body = flatten(image);
  Buffer out = type;
  out.push_back(static_cast<std::uint8_t>(body.size() >> 8));
  out.push_back(static_cast<std::uint8_t>(body.size() & 0xff));
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

std::vector<Buffer> lengthened(coding::IntegerForm form, const Image& image) {
  Image copy = image;
  std::vector<Buffer> out;
  lengthen(form, copy, copy, out);
  return out;
}

}  // namespace moq::ietf::testing
