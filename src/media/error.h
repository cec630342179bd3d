#pragma once

#include "net/base/error.h"

namespace moq::media {

/// Failures of reading, describing and writing media. Local: never on the wire.
enum class MediaError : std::uint8_t {
  io,           ///< reading or writing failed
  not_media,    ///< the input is no container that libavformat knows
  unsupported,  ///< no stream, codec or container that can be carried
  truncated,    ///< the input ended inside something
  bad_catalog,  ///< the catalog is malformed or beyond a limit
  bad_frame,    ///< an object is not what the catalog says its container is
  no_track,     ///< no rendition matches what was asked for
  mux,          ///< the output container refused something
  cancelled,    ///< given up by the owner
  too_large,    ///< a named limit would be passed
};
const ErrorDomain& error_domain(MediaError);

}  // namespace moq::media
