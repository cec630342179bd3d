#include "native/io/udp_socket.h"

#include <netinet/udp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "net/base/log.h"

namespace moq::native {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kBufferSize = 65535;  // the largest GRO batch
constexpr std::size_t kControlSize = 256;
constexpr std::uint8_t kEcnMask = 3;

template <typename T>
void add_control(msghdr& message, int level, int type, const T& value) {
  auto* header = reinterpret_cast<cmsghdr*>(static_cast<std::uint8_t*>(message.msg_control) +
                                            message.msg_controllen);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof(T));
  std::memcpy(CMSG_DATA(header), &value, sizeof(T));
  message.msg_controllen += CMSG_SPACE(sizeof(T));
}

template <typename T>
T read_control(const cmsghdr& header) {
  T value{};
  std::memcpy(&value, CMSG_DATA(&header), sizeof(T));
  return value;
}

SocketAddress address_of(const in_addr& address, std::uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr = address;
  return {reinterpret_cast<const sockaddr*>(&v4), sizeof(v4)};
}

SocketAddress address_of(const in6_pktinfo& info, std::uint16_t port) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = info.ipi6_addr;
  if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) v6.sin6_scope_id = info.ipi6_ifindex;
  return {reinterpret_cast<const sockaddr*>(&v6), sizeof(v6)};
}

void add_source(msghdr& message, const SocketAddress& local) {
  if (const SocketAddress plain = local.unmapped(); plain.family() == AF_INET) {
    in_pktinfo info{};
    info.ipi_spec_dst = reinterpret_cast<const sockaddr_in*>(plain.get())->sin_addr;
    add_control(message, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(plain.get());
    in6_pktinfo info{};
    info.ipi6_addr = v6->sin6_addr;
    info.ipi6_ifindex = v6->sin6_scope_id;
    add_control(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

}  // namespace

// One for each thread: a socket reads and delivers in one go, so that a client
// with a thousand sockets needs no more of these, and no more of the caches, than
// one with a single socket.
struct UdpSocket::Receiver {
  static Receiver& of_thread() {
    thread_local Receiver receiver;
    return receiver;
  }

  std::vector<std::uint8_t> buffers = std::vector<std::uint8_t>(kReceiveBatch * kBufferSize);
  std::array<mmsghdr, kReceiveBatch> messages{};
  std::array<iovec, kReceiveBatch> parts{};
  std::array<sockaddr_storage, kReceiveBatch> names{};
  struct Control {
    alignas(cmsghdr) std::array<std::uint8_t, kControlSize> bytes;
  };
  std::array<Control, kReceiveBatch> controls{};

  void prepare() {
    for (std::size_t i = 0; i < kReceiveBatch; ++i) {
      parts[i] = {buffers.data() + i * kBufferSize, kBufferSize};
      msghdr& header = messages[i].msg_hdr;
      header.msg_name = &names[i];
      header.msg_namelen = sizeof(names[i]);
      header.msg_iov = &parts[i];
      header.msg_iovlen = 1;
      header.msg_control = controls[i].bytes.data();
      header.msg_controllen = kControlSize;
    }
  }
};

UdpSocket::UdpSocket(EventLoop& events, FileDescriptor socket, const UdpOptions& options)
    : events_(events),
      socket_(events.context()),
      writable_(events.context()),
      local_(bound_address(socket)),
      gso_(options.gso) {
  socket_.assign(socket.release());
}

UdpSocket::~UdpSocket() {
  if (writable_.is_open()) ::close(writable_.release());
}

void UdpSocket::set_handler(PacketHandler* handler) {
  handler_ = handler;
  if (handler_ == nullptr) return;
  wait_readable();
}

void UdpSocket::flush() { wait_readable(); }

void UdpSocket::wait_readable() {
  if (reading_ || handler_ == nullptr) return;
  reading_ = true;
  socket_.async_wait(asio::posix::descriptor_base::wait_read,
                     [this, alive = std::weak_ptr<int>(alive_)](const auto& error) {
                       if (alive.expired()) return;
                       reading_ = false;
                       if (!error) on_readable();
                     });
}

void UdpSocket::on_readable() {
  if (handler_ == nullptr) return;
  Loop& loop = events_.loop();
  for (std::size_t round = 0; round < kReceiveRounds; ++round) {
    if (receive_batch() < kReceiveBatch) break;
  }
  handler_->on_packets_done();
  // Waits again at the end of the tick: a turn reads one bounded batch.
  loop.mark(*this);
}

std::size_t UdpSocket::receive_batch() {
  Receiver& receiver = Receiver::of_thread();
  receiver.prepare();
  const int count = recvmmsg(socket_.native_handle(), receiver.messages.data(),
                             static_cast<unsigned>(kReceiveBatch), MSG_DONTWAIT, nullptr);
  if (count < 0) {
    // An ICMP answer to something sent says nothing about what waits behind it;
    // the next turn goes on.
    if (errno != EAGAIN && errno != EINTR) log::debug("recvmmsg: {}", strerrordesc_np(errno));
    return 0;
  }
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    deliver(receiver, i, receiver.messages[i].msg_len);
  }
  return static_cast<std::size_t>(count);
}

void UdpSocket::deliver(Receiver& receiver, std::size_t index, std::size_t size) {
  msghdr& message = receiver.messages[index].msg_hdr;
  ReceivedPacket packet;
  packet.remote =
      SocketAddress(static_cast<const sockaddr*>(message.msg_name), message.msg_namelen);
  packet.local = local_;
  std::size_t segment = size;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_UDP && header->cmsg_type == UDP_GRO) {
      segment = static_cast<std::size_t>(read_control<int>(*header));
    } else if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TOS) {
      packet.ecn = read_control<std::uint8_t>(*header) & kEcnMask;
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_TCLASS) {
      packet.ecn = static_cast<std::uint8_t>(read_control<int>(*header) & kEcnMask);
    } else if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      packet.local = address_of(read_control<in_pktinfo>(*header).ipi_addr, local_.port());
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      packet.local = address_of(read_control<in6_pktinfo>(*header), local_.port());
    }
  }
  if (segment == 0) segment = size;
  const ByteSpan all{receiver.buffers.data() + index * kBufferSize, size};
  stats_.bytes_received += size;
  for (std::size_t offset = 0; offset < size; offset += segment) {
    packet.data = all.subspan(offset, std::min(segment, size - offset));
    ++stats_.packets_received;
    handler_->on_packet(packet);
  }
}

bool UdpSocket::send(const SocketAddress& local, const SocketAddress& remote, std::uint8_t ecn,
                     ByteSpan data, std::size_t segment_size) {
  if (waiting_writable_) return false;
  if (data.empty()) return true;
  if (segment_size == 0 || segment_size > data.size()) segment_size = data.size();
  const SocketAddress to = local_.family() == AF_INET6 ? remote.mapped() : remote;
  if (!gso_ && data.size() > segment_size) {
    return send_one_by_one(local, to, ecn, data, segment_size);
  }
  const int error = send_message(local, to, ecn, data, segment_size);
  if (error == 0) {
    count_sent(data.size(), segment_size);
  } else if (error == EAGAIN) {
    wait_writable();
    return false;
  } else if (data.size() > segment_size && (error == EIO || error == EINVAL)) {
    // The device cannot checksum segments (EIO), or the kernel knows no GSO. Only
    // where single packets do pass is it to blame.
    const std::uint64_t errors = stats_.send_errors;
    const bool taken = send_one_by_one(local, to, ecn, data, segment_size);
    if (taken && stats_.send_errors == errors) {
      gso_ = false;
      log::info("UDP segmentation offload does not work on {} ({}): turned off", local_.to_string(),
                strerrordesc_np(error));
    }
    return taken;
  } else {
    count_error(error);
  }
  return true;
}

bool UdpSocket::send_one_by_one(const SocketAddress& local, const SocketAddress& remote,
                                std::uint8_t ecn, ByteSpan data, std::size_t segment_size) {
  for (std::size_t offset = 0; offset < data.size(); offset += segment_size) {
    const ByteSpan segment = data.subspan(offset, std::min(segment_size, data.size() - offset));
    const int error = send_message(local, remote, ecn, segment, segment.size());
    if (error == 0) {
      count_sent(segment.size(), segment.size());
    } else if (error == EAGAIN) {
      wait_writable();
      // Some were taken: the rest is lost, or they would be sent twice.
      return offset != 0;
    } else {
      count_error(error);
    }
  }
  return true;
}

int UdpSocket::send_message(const SocketAddress& local, const SocketAddress& remote,
                            std::uint8_t ecn, ByteSpan data, std::size_t segment_size) {
  alignas(cmsghdr) std::array<std::uint8_t, kControlSize> control{};
  iovec part{const_cast<std::uint8_t*>(data.data()), data.size()};
  msghdr message{};
  message.msg_name = const_cast<sockaddr*>(remote.get());
  message.msg_namelen = remote.size();
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  if (!local.is_any() && local_.is_any()) add_source(message, local);
  if ((ecn & kEcnMask) != 0) {
    const int bits = ecn & kEcnMask;
    if (remote.is_v4()) {
      add_control(message, IPPROTO_IP, IP_TOS, bits);
    } else {
      add_control(message, IPPROTO_IPV6, IPV6_TCLASS, bits);
    }
  }
  if (segment_size < data.size()) {
    add_control(message, IPPROTO_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(segment_size));
  }
  if (message.msg_controllen == 0) message.msg_control = nullptr;
  while (sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

void UdpSocket::wait_writable() {
  if (waiting_writable_) return;
  waiting_writable_ = true;
  // On a descriptor of its own, which lives as long as the wait: a socket that
  // Asio once watched for writing would wake the loop with every packet that
  // leaves its queue from then on.
  writable_.assign(dup(socket_.native_handle()));
  writable_.async_wait(asio::posix::descriptor_base::wait_write,
                       [this, alive = std::weak_ptr<int>(alive_)](const auto& error) {
                         if (alive.expired()) return;
                         ::close(writable_.release());
                         waiting_writable_ = false;
                         if (error || handler_ == nullptr) return;
                         static_cast<void>(events_.now());
                         handler_->on_writable();
                       });
}

void UdpSocket::count_sent(std::size_t size, std::size_t segment_size) {
  ++stats_.send_calls;
  stats_.packets_sent += (size + segment_size - 1) / segment_size;
  stats_.bytes_sent += size;
}

void UdpSocket::count_error(int error) {
  ++stats_.send_errors;
  // EMSGSIZE is what a probe for a larger MTU looks like when it fails.
  if (error == EMSGSIZE || error == last_error_) return;
  last_error_ = error;
  log::warn("sending from UDP {}: {}", local_.to_string(), strerrordesc_np(error));
}

}  // namespace moq::native
