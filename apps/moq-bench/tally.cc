#include "moq-bench/tally.h"

namespace moq::bench {

void Tally::merge(const Tally& other) {
  connections += other.connections;
  broadcasts += other.broadcasts;
  subscriptions += other.subscriptions;
  connections_lost += other.connections_lost;
  frames_offered += other.frames_offered;
  bytes_offered += other.bytes_offered;
  frames_sent += other.frames_sent;
  bytes_sent += other.bytes_sent;
  groups_sent += other.groups_sent;
  frames_recv += other.frames_recv;
  bytes_recv += other.bytes_recv;
  frames_corrupt += other.frames_corrupt;
  slow_bytes_recv += other.slow_bytes_recv;
  latency.merge(other.latency);
  late.merge(other.late);
}

void Deliveries::merge(const Deliveries& other) {
  groups.begun += other.groups.begun;
  groups.expected += other.groups.expected;
  groups.present += other.groups.present;
  groups.complete += other.groups.complete;
  groups.incomplete += other.groups.incomplete;
  groups.duplicated += other.groups.duplicated;
  groups.out_of_order += other.groups.out_of_order;
  readers += other.readers;
  begun += other.begun;
  slow += other.slow;
  pauses.insert(pauses.end(), other.pauses.begin(), other.pauses.end());
}

}  // namespace moq::bench
