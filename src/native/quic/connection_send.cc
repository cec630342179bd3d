#include <ngtcp2/ngtcp2.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "native/quic/clock.h"
#include "native/quic/connection_impl.h"

namespace moq::native::quic {
namespace {

constexpr std::size_t kMaxSlices = 16;
// The kernel sends at most one IP packet's worth in a call, whatever its segments.
constexpr std::size_t kMaxBatch = 65000;
constexpr std::uint64_t kBurstTime = NGTCP2_MILLISECONDS;
constexpr std::size_t kMaxBurst = 4 * kMaxBatch;

// Bytes to send in one go. ngtcp2's answer is what the path takes in a millisecond,
// but never more than a send of the kernel's: on a path that is faster than that,
// pacing would be a timer for every send.
std::size_t burst(ngtcp2_conn* conn) {
  const std::size_t quantum = ngtcp2_conn_get_send_quantum(conn);
  if (quantum < kMaxBatch) return quantum;
  ngtcp2_conn_info info;
  ngtcp2_conn_get_conn_info(conn, &info);
  const std::uint64_t rtts = kBurstTime / std::max<std::uint64_t>(info.smoothed_rtt, 1);
  return std::clamp<std::size_t>(info.cwnd * rtts / 2, quantum, kMaxBurst);
}

bool same(const ngtcp2_addr& a, const SocketAddress& b) {
  return a.addrlen == b.size() && std::memcmp(a.addr, b.get(), a.addrlen) == 0;
}

}  // namespace

void ConnectionImpl::flush() {
  if (conn_ == nullptr || host_ == nullptr || !host_->may_send(*this)) return;
  admit_waiting();
  fill();
  if (conn_ == nullptr || !closing_) return;
  if (unsent_.empty()) write_close();
}

bool ConnectionImpl::writable() {
  if (conn_ == nullptr) return true;
  if (!unsent_.empty()) {
    const std::vector<std::uint8_t> bytes = std::exchange(unsent_, {});
    if (!send_groups(bytes)) return false;
  }
  loop_.mark(*this);
  return true;
}

// One go: as much as may be sent without a pause, in as few sends as possible.
void ConnectionImpl::fill() {
  const ngtcp2_tstamp now = to_timestamp(loop_.now());
  const std::size_t payload = ngtcp2_conn_get_max_tx_udp_payload_size(conn_);
  const std::size_t segments =
      setup_.config.gso
          ? std::clamp<std::size_t>(host_->writer().max_segments(), 1, kMaxBatch / payload)
          : 1;
  std::size_t packets = std::max<std::size_t>(burst(conn_) / payload, 1);
  // A whole number of full sends: a last one of a packet or two costs as much.
  if (packets > segments) packets -= packets % segments;
  const std::size_t batch = std::min(host_->scratch().size() / payload, packets);
  int error = 0;
  while (packets > 0 && fill_batch(std::min(batch, packets), payload, segments, error, now)) {
    packets -= std::min(batch, packets);
  }
  ngtcp2_conn_update_pkt_tx_time(conn_, now);
  if (error != 0) return fail(error);
  if (probing_) update_probe();
  rearm();
}

// Returns whether there is more to send, and room for it in the socket.
bool ConnectionImpl::fill_batch(std::size_t packets, std::size_t payload, std::size_t segments,
                                int& error, ngtcp2_tstamp now) {
  const std::span<std::uint8_t> buffer = host_->scratch();
  std::size_t used = 0;
  bool more = true;
  groups_.clear();
  groups_sent_ = 0;
  for (; packets > 0; --packets) {
    ngtcp2_path_storage to;
    ngtcp2_path_storage_zero(&to);
    ngtcp2_pkt_info info{};
    const ngtcp2_ssize written = write_packet(buffer.subspan(used, payload), &to.path, &info, now);
    if (written < 0) error = static_cast<int>(written);
    more = written > 0;
    if (!more) break;
    const auto size = static_cast<std::size_t>(written);
    add_to_group(segments, used, size, to.path, static_cast<std::uint8_t>(info.ecn));
    used += size;
  }
  bytes_sent_ += used;
  return (used == 0 || send_groups(buffer.first(used))) && more;
}

void ConnectionImpl::add_to_group(std::size_t segments, std::size_t offset, std::size_t size,
                                  const ngtcp2_path& path, std::uint8_t ecn) {
  if (!groups_.empty()) {
    Group& last = groups_.back();
    // Only the last segment of a send may be shorter than the others.
    const bool whole = last.size % last.segment == 0;
    if (whole && size <= last.segment && last.size / last.segment < segments && last.ecn == ecn &&
        same(path.local, last.local) && same(path.remote, last.remote)) {
      last.size += size;
      return;
    }
  }
  groups_.push_back({.offset = offset,
                     .size = size,
                     .segment = size,
                     .ecn = ecn,
                     .local = SocketAddress(path.local.addr, path.local.addrlen),
                     .remote = SocketAddress(path.remote.addr, path.remote.addrlen)});
}

bool ConnectionImpl::send_groups(std::span<const std::uint8_t> buffer) {
  for (; groups_sent_ < groups_.size(); ++groups_sent_) {
    const Group& group = groups_[groups_sent_];
    if (host_->writer().send(group.local, group.remote, group.ecn,
                             buffer.subspan(group.offset, group.size), group.segment)) {
      continue;
    }
    unsent_.assign(buffer.begin(), buffer.end());
    host_->blocked(*this);
    return false;
  }
  return true;
}

std::optional<ngtcp2_ssize> ConnectionImpl::write_datagrams(std::span<std::uint8_t> out,
                                                            ngtcp2_path* path,
                                                            ngtcp2_pkt_info* info,
                                                            ngtcp2_tstamp now) {
  while (!datagrams_.empty()) {
    Datagram& next = datagrams_.front();
    if (loop_.now() - next.queued > setup_.config.datagram_patience ||
        next.prefix_size + next.bytes.size() > max_datagram_size()) {
      datagrams_.pop_front();
      continue;
    }
    // ngtcp2 takes no empty slices.
    std::array<ngtcp2_vec, 2> slices{};
    std::size_t count = 0;
    if (next.prefix_size > 0) {
      slices[count++] = {.base = next.prefix.data(), .len = next.prefix_size};
    }
    if (!next.bytes.empty()) {
      slices[count++] = {.base = const_cast<std::uint8_t*>(next.bytes.data()),
                         .len = next.bytes.size()};
    }
    int accepted = 0;
    const ngtcp2_ssize written =
        ngtcp2_conn_writev_datagram(conn_, path, info, out.data(), out.size(), &accepted,
                                    NGTCP2_WRITE_DATAGRAM_FLAG_MORE, 0, slices.data(), count, now);
    if (accepted != 0) datagrams_.pop_front();
    if (written != NGTCP2_ERR_WRITE_MORE) return written;
  }
  return std::nullopt;
}

ngtcp2_ssize ConnectionImpl::write_packet(std::span<std::uint8_t> out, ngtcp2_path* path,
                                          ngtcp2_pkt_info* info, ngtcp2_tstamp now) {
  if (const auto written = write_datagrams(out, path, info, now)) return *written;
  std::array<ByteSpan, kMaxSlices> slices;
  std::array<ngtcp2_vec, kMaxSlices> vectors;
  while (ngtcp2_conn_get_max_data_left(conn_) > 0) {
    SendPart* part = next_sendable();
    if (part == nullptr) break;
    const transport::Pull pull = part->source->pull(slices);
    std::size_t total = 0;
    for (std::size_t i = 0; i < pull.count; ++i) {
      vectors[i] = {.base = const_cast<std::uint8_t*>(slices[i].data()), .len = slices[i].size()};
      total += slices[i].size();
    }
    if (total == 0 && !pull.fin) {
      scheduler_.remove(*part);
      continue;
    }
    const std::uint32_t flags =
        NGTCP2_WRITE_STREAM_FLAG_MORE | (pull.fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0U);
    ngtcp2_ssize taken = -1;
    const ngtcp2_ssize written =
        ngtcp2_conn_writev_stream(conn_, path, info, out.data(), out.size(), &taken, flags,
                                  part->id, vectors.data(), pull.count, now);
    if (taken >= 0) {
      const auto size = static_cast<std::size_t>(taken);
      part->sent += size;
      part->fin_sent = pull.fin && size == total;
      part->fin_alone = part->fin_sent && size == 0;
      part->source->sent(size, part->fin_sent);
      if (part->fin_sent) scheduler_.remove(*part);
    }
    switch (written) {
      case NGTCP2_ERR_WRITE_MORE:
        continue;
      case NGTCP2_ERR_STREAM_DATA_BLOCKED:
        part->blocked = true;
        scheduler_.remove(*part);
        continue;
      case NGTCP2_ERR_STREAM_SHUT_WR:
      case NGTCP2_ERR_STREAM_NOT_FOUND:
        scheduler_.remove(*part);
        continue;
      default:
        if (taken >= 0 && part->scheduled()) scheduler_.took_turn(*part);
        return written;
    }
  }
  return ngtcp2_conn_writev_stream(conn_, path, info, out.data(), out.size(), nullptr,
                                   NGTCP2_WRITE_STREAM_FLAG_NONE, -1, nullptr, 0, now);
}

SendPart* ConnectionImpl::next_sendable() {
  while (!scheduler_.empty()) {
    auto& part = static_cast<SendPart&>(*scheduler_.best());
    if (const auto code = part.source->expired()) {
      expire(part, *code);
      continue;
    }
    if (part.id >= 0 || open(part)) return &part;
    scheduler_.remove(part);
    waiting_[part.uni ? 1 : 0].add(part);
    part.waiting = true;
  }
  return nullptr;
}

// One credit of each kind is kept for the control band, so that GOAWAY never waits.
bool ConnectionImpl::open(SendPart& part) {
  const std::uint64_t left =
      part.uni ? ngtcp2_conn_get_streams_uni_left(conn_) : ngtcp2_conn_get_streams_bidi_left(conn_);
  const bool control = part.priority().band == transport::Priority::Band::control;
  if (left <= (control ? 0U : 1U)) return false;
  StreamRecord* record = find(part.key);
  std::int64_t id = -1;
  const int rv = part.uni ? ngtcp2_conn_open_uni_stream(conn_, &id, record)
                          : ngtcp2_conn_open_bidi_stream(conn_, &id, record);
  if (rv != 0) return false;
  // The record stays where it is in memory: ngtcp2 points to it.
  auto node = streams_.extract(part.key);
  node.key() = id;
  streams_.insert(std::move(node));
  record->id = id;
  part.key = part.id = id;
  if (record->recv) {
    record->recv->key = record->recv->id = id;
    if (record->recv->stop_on_open) {
      ngtcp2_conn_shutdown_stream_read(conn_, 0, id, *record->recv->stop_on_open);
    }
  }
  return true;
}

void ConnectionImpl::expire(SendPart& part, std::uint64_t code) {
  code = std::min<std::uint64_t>(code, NGTCP2_MAX_VARINT);
  scheduler_.remove(part);
  part.over = true;
  if (part.id >= 0) ngtcp2_conn_shutdown_stream_write(conn_, 0, part.id, code);
  push({.kind = Event::Kind::stopped, .key = part.key, .code = code});
}

void ConnectionImpl::admit_waiting() {
  for (const bool uni : {false, true}) {
    transport::Scheduler& waiting = waiting_[uni ? 1 : 0];
    if (waiting.empty()) continue;
    std::uint64_t left =
        uni ? ngtcp2_conn_get_streams_uni_left(conn_) : ngtcp2_conn_get_streams_bidi_left(conn_);
    for (; left > 0 && !waiting.empty(); --left) {
      auto& part = static_cast<SendPart&>(*waiting.best());
      if (left == 1 && part.priority().band != transport::Priority::Band::control) break;
      waiting.remove(part);
      part.waiting = false;
      scheduler_.add(part);
    }
  }
}

}  // namespace moq::native::quic
