// Any bytes as UDP payloads to a server that also dials out: what it keeps of them is
// bounded and goes away with time, and it never answers with more than three times what
// it got (RFC 9000 §8.1). The payload of a 1-RTT packet is read to its end at most.

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "fuzz/fuzz.h"
#include "native/quic/frame_scan.h"
#include "native/quic/testing/peers.h"

namespace {

using moq::ByteSpan;
using moq::fuzz::Input;
using moq::fuzz::require;
using moq::native::quic::Endpoint;
using moq::native::quic::EndpointOptions;
using moq::native::quic::testing::address;
using moq::native::quic::testing::seeded_options;
using moq::native::quic::testing::SimulatedNetwork;
using moq::native::quic::testing::SimulatedSocket;
using moq::native::quic::testing::test_client_tls;
using moq::native::quic::testing::test_server_tls;

constexpr std::size_t kMaxHandshakes = 4;
constexpr std::size_t kInitialSize = 1200;

std::vector<std::uint8_t> first_packet() {
  SimulatedNetwork network(1);
  SimulatedSocket socket(network, address(2, 1));
  Endpoint endpoint(network.loop(), socket, seeded_options(network));
  socket.handler = &endpoint;
  std::vector<std::uint8_t> captured;
  socket.filter = [&captured](ByteSpan packet) {
    if (captured.empty()) captured.assign(packet.begin(), packet.end());
    return false;
  };
  const auto attempt = endpoint.connect({.remote = address(1, 4443),
                                         .server_name = "localhost",
                                         .tls = test_client_tls(),
                                         .config = {}},
                                        [](auto) {});
  network.run_for(std::chrono::milliseconds(1));
  return captured;
}

const std::vector<std::uint8_t>& real_packet() {
  static const std::vector<std::uint8_t> kPacket = first_packet();
  return kPacket;
}

/// What arrives: the bytes as they are, as long as a first packet has to be, behind the
/// head of a real one, or laid over a whole real one.
std::vector<std::uint8_t> packet_of(Input& input) {
  const std::vector<std::uint8_t>& whole = real_packet();
  const std::size_t form = input.choose(4);
  const std::size_t at = input.choose(256);
  std::vector<std::uint8_t> packet(input.rest().begin(), input.rest().end());
  if (form == 1) packet.resize(std::max(packet.size(), kInitialSize));
  if (form == 2) {
    packet.insert(packet.begin(), whole.begin(), whole.begin() + 8);
    packet.resize(std::max(packet.size(), kInitialSize));
  }
  if (form == 3) {
    std::vector<std::uint8_t> real = whole;
    for (std::size_t i = 0; i < packet.size() && at + i < real.size(); ++i)
      real[at + i] ^= packet[i];
    packet = std::move(real);
  }
  return packet;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::pair<std::int64_t, std::uint64_t>> stops;
  moq::native::quic::find_stop_sending({data, size}, stops);
  require(stops.size() * 3 <= size, "a STOP_SENDING frame has three bytes");

  Input input(data, size);
  const std::vector<std::uint8_t> packet = packet_of(input);
  SimulatedNetwork network(1);
  SimulatedSocket socket(network, address(1, 4443));
  EndpointOptions options = seeded_options(network);
  options.limits.max_unproven_handshakes = 2;
  options.limits.max_handshakes = kMaxHandshakes;
  Endpoint endpoint(network.loop(), socket, std::move(options));
  socket.handler = &endpoint;
  endpoint.listen(test_server_tls(), [](auto) {});

  std::size_t received = 0;
  for (int i = 0; i < 3; ++i) {
    network.inject(address(3, 1000), address(1, 4443), packet);
    received += packet.size();
    network.run_for(std::chrono::milliseconds(1));
    require(endpoint.handshakes() <= kMaxHandshakes, "handshakes are bounded");
    if (packet == real_packet()) require(endpoint.handshakes() == 1, "a real client is heard");
    require(socket.bytes <= 3 * received, "no amplification");
  }
  network.run_for(std::chrono::seconds(30));
  require(socket.bytes <= 3 * received, "no amplification");
  require(endpoint.connections() == 0, "nothing is left");
  require(endpoint.closing() == 0, "nothing lingers");
  return 0;
}
