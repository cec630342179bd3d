#include "native/http3/qpack.h"

#include <nghttp3/nghttp3.h>

#include <new>

#include "native/http3/codes.h"

namespace moq::native::http3 {
namespace {

// RFC 9114 §4.2.2: what a field counts for besides its name and value.
constexpr std::size_t kFieldOverhead = 32;

std::string take(nghttp3_rcbuf* buffer) {
  const nghttp3_vec bytes = nghttp3_rcbuf_get_buf(buffer);
  std::string text(as_text({bytes.base, bytes.len}));
  nghttp3_rcbuf_decref(buffer);
  return text;
}

/// The state of one field section.
class Section {
 public:
  explicit Section(std::int64_t stream) {
    if (nghttp3_qpack_stream_context_new(&context_, stream, nghttp3_mem_default()) != 0) {
      throw std::bad_alloc();
    }
  }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;
  ~Section() { nghttp3_qpack_stream_context_del(context_); }
  nghttp3_qpack_stream_context* get() { return context_; }

 private:
  nghttp3_qpack_stream_context* context_ = nullptr;
};

/// A buffer that nghttp3 allocates.
class Buffer {
 public:
  Buffer() { nghttp3_buf_init(&buffer_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { nghttp3_buf_free(&buffer_, nghttp3_mem_default()); }
  nghttp3_buf* get() { return &buffer_; }
  [[nodiscard]] ByteSpan bytes() const { return {buffer_.pos, nghttp3_buf_len(&buffer_)}; }

 private:
  nghttp3_buf buffer_{};
};

}  // namespace

Qpack::Qpack() {
  if (nghttp3_qpack_decoder_new(&decoder_, 0, 0, nghttp3_mem_default()) != 0) {
    throw std::bad_alloc();
  }
  if (nghttp3_qpack_encoder_new(&encoder_, 0, nghttp3_mem_default()) != 0) {
    nghttp3_qpack_decoder_del(decoder_);
    throw std::bad_alloc();
  }
}

Qpack::~Qpack() {
  nghttp3_qpack_decoder_del(decoder_);
  nghttp3_qpack_encoder_del(encoder_);
}

Result<std::vector<Field>> Qpack::decode(std::int64_t stream, ByteSpan section,
                                         const Limits& limits) {
  std::vector<Field> fields;
  std::size_t size = 0;
  Section state(stream);
  while (true) {
    nghttp3_qpack_nv field{};
    std::uint8_t flags = 0;
    const nghttp3_ssize read = nghttp3_qpack_decoder_read_request(
        decoder_, state.get(), &field, &flags, section.data(), section.size(), 1);
    if (read < 0 || (flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) != 0) {
      return fail(Http3Error::qpack_decompression_failed, "a field section that cannot be decoded");
    }
    section = section.subspan(static_cast<std::size_t>(read));
    if ((flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) != 0) {
      fields.push_back({.name = take(field.name), .value = take(field.value)});
      size += fields.back().name.size() + fields.back().value.size() + kFieldOverhead;
      if (size > limits.max_field_section || fields.size() > limits.max_fields) {
        return fail(Http3Error::excessive_load, "the header is too large");
      }
      continue;
    }
    if ((flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL) != 0) return fields;
    if (read == 0) {
      return fail(Http3Error::qpack_decompression_failed, "a field section that is cut short");
    }
  }
}

std::vector<std::uint8_t> Qpack::encode(std::int64_t stream, std::span<const Field> fields) {
  std::vector<nghttp3_nv> list;
  list.reserve(fields.size());
  for (const Field& field : fields) {
    list.push_back({.name = const_cast<std::uint8_t*>(as_bytes(field.name).data()),
                    .value = const_cast<std::uint8_t*>(as_bytes(field.value).data()),
                    .namelen = field.name.size(),
                    .valuelen = field.value.size(),
                    .flags = NGHTTP3_NV_FLAG_NONE});
  }
  Buffer prefix;
  Buffer section;
  Buffer instructions;
  if (nghttp3_qpack_encoder_encode(encoder_, prefix.get(), section.get(), instructions.get(),
                                   stream, list.data(), list.size()) != 0) {
    throw std::bad_alloc();
  }
  std::vector<std::uint8_t> out(prefix.bytes().begin(), prefix.bytes().end());
  out.insert(out.end(), section.bytes().begin(), section.bytes().end());
  return out;
}

Result<void> Qpack::on_encoder_stream(ByteSpan bytes) {
  if (nghttp3_qpack_decoder_read_encoder(decoder_, bytes.data(), bytes.size()) < 0) {
    return fail(Http3Error::qpack_encoder_stream_error, "there is no dynamic table");
  }
  return {};
}

Result<void> Qpack::on_decoder_stream(ByteSpan bytes) {
  if (nghttp3_qpack_encoder_read_decoder(encoder_, bytes.data(), bytes.size()) < 0) {
    return fail(Http3Error::qpack_decoder_stream_error, "there is no dynamic table");
  }
  return {};
}

}  // namespace moq::native::http3
