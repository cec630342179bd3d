#pragma once

#include <memory>

#include "media/container.h"

namespace moq::media {

/// Takes frames out of CMAF fragments (moof and mdat) of the one track that
/// `init` (ftyp and moov) describes. Fails with `bad_frame`.
[[nodiscard]] Result<std::unique_ptr<FrameDecoder>> make_cmaf_decoder(const Bytes& init);

}  // namespace moq::media
