#include "media/publisher.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "media/container.h"
#include "media/error.h"
#include "net/model/error.h"

namespace moq::media {
namespace {

constexpr std::uint64_t kMicrosPerSecond = 1000000;

/// The codec string up to its first dot: "avc1", "opus"; and "aac", as this
/// codec's string says no more than MPEG-4.
std::string track_suffix(const StreamInfo& info) {
  if (info.codec == Codec::aac) return "aac";
  return info.codec_string.substr(0, info.codec_string.find('.'));
}

std::vector<std::string> track_names(const std::vector<StreamInfo>& streams) {
  std::vector<std::string> names;
  for (const StreamInfo& info : streams) {
    for (std::size_t i = 0;; ++i) {
      std::string name = fmt::format("{}.{}", i, track_suffix(info));
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      names.push_back(std::move(name));
      break;
    }
  }
  return names;
}

template <typename T>
std::optional<std::uint64_t> unless_zero(T value) {
  return value == 0 ? std::nullopt : std::optional<std::uint64_t>(value);
}

void describe_common(const StreamInfo& info, RenditionConfig& config) {
  config.codec = info.codec_string;
  if (!info.description.empty()) config.description = info.description;
  config.bitrate = unless_zero(info.bitrate);
}

}  // namespace

Catalog describe(const std::vector<StreamInfo>& streams) {
  Catalog catalog;
  const auto names = track_names(streams);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const StreamInfo& info = streams[i];
    if (info.kind() == MediaKind::audio) {
      AudioConfig config;
      describe_common(info, config);
      config.sample_rate = info.sample_rate;
      config.channels = info.channels;
      catalog.audio.emplace(names[i], std::move(config));
      continue;
    }
    VideoConfig config;
    describe_common(info, config);
    config.coded_width = unless_zero(info.width);
    config.coded_height = unless_zero(info.height);
    config.display_aspect_width = unless_zero(info.aspect_width);
    config.display_aspect_height = unless_zero(info.aspect_height);
    if (info.framerate > 0) config.framerate = info.framerate;
    if (info.reorder_depth > 0) {
      // A decoder that shows each picture at once would show these out of order.
      config.optimize_for_latency = false;
      if (info.framerate > 0) {
        config.jitter = static_cast<std::uint64_t>(
            std::ceil(1000.0 * (info.reorder_depth + 1) / info.framerate));
      }
    }
    catalog.video.emplace(names[i], std::move(config));
  }
  return catalog;
}

Result<std::unique_ptr<Publisher>> Publisher::create(std::shared_ptr<Broadcast> broadcast,
                                                     const std::vector<StreamInfo>& streams,
                                                     const Options& options) {
  std::unique_ptr<Publisher> publisher(new Publisher(std::move(broadcast), options));
  publisher->catalog_ = describe(streams);
  const auto names = track_names(streams);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    MOQ_TRY(auto track, publisher->broadcast_->create(names[i]));
    const MediaKind kind = streams[i].kind();
    TrackInfo info;
    info.priority = kind == MediaKind::audio ? kAudioPriority : kVideoPriority;
    info.max_latency = options.max_latency;
    info.timescale = kMicrosPerSecond;
    track->accept(info);
    publisher->outputs_.push_back({kind, std::move(track), nullptr, 0, 0, 0});
  }
  MOQ_CHECK_OK(publisher->publish_catalog());
  return publisher;
}

Result<void> Publisher::publish_catalog() {
  MOQ_TRY(catalog_track_, broadcast_->create(std::string(kCatalogTrack)));
  TrackInfo info;
  info.priority = kCatalogPriority;
  catalog_track_->accept(info);
  MOQ_TRY(const auto group, catalog_track_->create_group(0));
  const Bytes text = Bytes::copy_of(catalog_.to_text());
  ObjectHeader header;
  header.size = text.size();
  header.arrival = catalog_track_->loop().now();
  MOQ_CHECK_OK(group->only().append(header, text));
  group->only().finish();
  group->finish();
  return {};
}

Publisher::~Publisher() { abort(Error(ModelError::cancelled, "the publisher was closed")); }

void Publisher::close_group(Output& output) {
  if (output.group == nullptr) return;
  output.group->only().finish();
  output.group->finish();
  output.group.reset();
}

Result<void> Publisher::publish(const MediaPacket& packet) {
  if (ended_ || packet.stream >= outputs_.size()) {
    return fail(MediaError::cancelled, "the publisher has ended");
  }
  Output& output = outputs_[packet.stream];
  const auto gather =
      std::chrono::duration_cast<std::chrono::microseconds>(options_.audio_group).count();
  const bool boundary = output.kind == MediaKind::video
                            ? packet.keyframe
                            : output.group == nullptr || packet.pts - output.group_pts >= gather;
  if (boundary) {
    close_group(output);
    auto group = output.track->create_group(output.next_group);
    if (!group) return fail(std::move(group).error());
    output.group = *std::move(group);
    ++output.next_group;
    output.next_object = 0;
    output.group_pts = packet.pts;
    ++stats_.groups;
  }
  if (output.group == nullptr) {
    ++stats_.skipped;
    return {};
  }
  const auto pts = static_cast<std::uint64_t>(packet.pts);
  const Bytes prefix = encode_timestamp(pts);
  ObjectHeader header;
  header.id = output.next_object++;
  header.timestamp = pts;
  header.size = prefix.size() + packet.payload.size();
  header.arrival = output.track->loop().now();
  Subgroup& objects = output.group->only();
  Result<void> appended = objects.append_object(header);
  if (appended) appended = objects.append_payload(prefix);
  if (appended) appended = objects.append_payload(packet.payload);
  if (!appended) {
    // A group of video beyond the model's limits: what follows cannot be decoded
    // until the next keyframe.
    output.group->abort(appended.error().code());
    output.group.reset();
    ++stats_.skipped;
    return {};
  }
  ++stats_.frames;
  stats_.bytes += packet.payload.size();
  stats_.pts = std::max(stats_.pts, packet.pts);
  // Readers need not wait for the next frame to know that this was all.
  if (output.kind == MediaKind::audio && gather == 0) close_group(output);
  return {};
}

void Publisher::finish() {
  if (ended_) return;
  ended_ = true;
  for (Output& output : outputs_) {
    close_group(output);
    output.track->finish(output.next_group);
  }
  if (catalog_track_ != nullptr) catalog_track_->finish(1);
}

void Publisher::abort(const Error& error) {
  if (ended_) return;
  ended_ = true;
  for (Output& output : outputs_) output.track->abort(error);
  if (catalog_track_ != nullptr) catalog_track_->abort(error);
}

}  // namespace moq::media
