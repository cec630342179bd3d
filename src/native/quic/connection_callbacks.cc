#include "native/quic/connection_callbacks.h"

#include <ngtcp2/ngtcp2_crypto.h>

#include <algorithm>
#include <span>

#include "native/quic/connection_impl.h"
#include "native/quic/frame_scan.h"

namespace moq::native::quic {
namespace {

thread_local ReadingScope* reading = nullptr;

}  // namespace

ReadingScope::ReadingScope(bool& was_heard, Stops& stops_found)
    : heard(was_heard), stops(stops_found) {
  reading = this;
}

ReadingScope::~ReadingScope() { reading = nullptr; }

/// They record, and call nobody: ngtcp2 is not to be re-entered.
struct ConnectionImpl::Callbacks {
  using Event = ConnectionImpl::Event;

  static ConnectionImpl& of(void* user_data) { return *static_cast<ConnectionImpl*>(user_data); }

  static int handshake_completed(ngtcp2_conn* conn, void* user_data) {
    ConnectionImpl& self = of(user_data);
    self.established_ = true;
    self.update_probe();
    self.alpn_ = self.tls_->alpn();
    self.server_name_ = self.tls_->server_name();
    self.client_certificate_end_ = self.tls_->client_certificate_end();
    if (self.setup_.server) {
      const auto token = self.host_->make_token(self.remote_);
      if (!token.empty()) ngtcp2_conn_submit_new_token(conn, token.data(), token.size());
    }
    self.push({.kind = Event::Kind::established});
    return 0;
  }

  static int decrypt(std::uint8_t* dest, const ngtcp2_crypto_aead* aead,
                     const ngtcp2_crypto_aead_ctx* context, const std::uint8_t* ciphertext,
                     std::size_t size, const std::uint8_t* nonce, std::size_t nonce_size,
                     const std::uint8_t* aad, std::size_t aad_size) {
    const int rv = ngtcp2_crypto_decrypt_cb(dest, aead, context, ciphertext, size, nonce,
                                            nonce_size, aad, aad_size);
    if (rv != 0 || reading == nullptr) return rv;
    reading->heard = true;
    // The header is the associated data; its first bit tells a 1-RTT packet.
    if (aad_size > 0 && (aad[0] & 0x80) == 0 && size >= aead->max_overhead) {
      find_stop_sending({dest, size - aead->max_overhead}, reading->stops);
    }
    return 0;
  }

  static void rand(std::uint8_t* dest, std::size_t size, const ngtcp2_rand_ctx* context) {
    (*static_cast<const Random*>(context->native_handle))({dest, size});
  }

  static int get_new_connection_id(ngtcp2_conn* /*conn*/, ngtcp2_cid* id, std::uint8_t* token,
                                   std::size_t /*size*/, void* user_data) {
    ConnectionImpl& self = of(user_data);
    const ConnectionId issued = self.host_->issue(self);
    ngtcp2_cid_init(id, issued.data(), issued.size());
    std::ranges::copy(self.host_->reset_token(issued), token);
    return 0;
  }

  static int remove_connection_id(ngtcp2_conn* /*conn*/, const ngtcp2_cid* id, void* user_data) {
    ConnectionImpl& self = of(user_data);
    const ConnectionId retired(ByteSpan(id->data, id->datalen));
    self.drop_id(retired);
    self.host_->forget(retired);
    return 0;
  }

  static int dcid_status(ngtcp2_conn* /*conn*/, ngtcp2_connection_id_status_type type,
                         std::uint64_t /*sequence*/, const ngtcp2_cid* /*id*/,
                         const std::uint8_t* token, void* user_data) {
    if (token == nullptr) return 0;
    ConnectionImpl& self = of(user_data);
    const ConnectionId reset(ByteSpan(token, NGTCP2_STATELESS_RESET_TOKENLEN));
    std::erase(self.reset_tokens_, reset);
    if (type == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE) {
      self.reset_tokens_.push_back(reset);
      self.host_->expect_reset(reset, self);
    } else {
      self.host_->forget_reset(reset, self);
    }
    return 0;
  }

  static int recv_new_token(ngtcp2_conn* /*conn*/, const std::uint8_t* token, std::size_t size,
                            void* user_data) {
    ConnectionImpl& self = of(user_data);
    self.host_->keep_token(self.remote_, self.server_name_, {token, size});
    return 0;
  }

  static int recv_stateless_reset(ngtcp2_conn* /*conn*/, const ngtcp2_pkt_stateless_reset*,
                                  void* user_data) {
    of(user_data).stateless_reset_ = true;
    return 0;
  }

  static int stream_open(ngtcp2_conn* conn, std::int64_t id, void* user_data) {
    ngtcp2_conn_set_stream_user_data(conn, id, &of(user_data).add_remote(id));
    return 0;
  }

  static int recv_stream_data(ngtcp2_conn* conn, std::uint32_t flags, std::int64_t /*id*/,
                              std::uint64_t /*offset*/, const std::uint8_t* data, std::size_t size,
                              void* user_data, void* record) {
    if (record != nullptr) {
      of(user_data).on_stream_data(*static_cast<StreamRecord*>(record), flags, {data, size});
    } else {
      ngtcp2_conn_extend_max_offset(conn, size);
    }
    return 0;
  }

  static int acked_stream_data_offset(ngtcp2_conn* /*conn*/, std::int64_t /*id*/,
                                      std::uint64_t offset, std::uint64_t size, void* user_data,
                                      void* record) {
    if (record != nullptr) {
      of(user_data).on_acked(*static_cast<StreamRecord*>(record), offset, size);
    }
    return 0;
  }

  static int stream_reset(ngtcp2_conn* /*conn*/, std::int64_t id, std::uint64_t /*final_size*/,
                          std::uint64_t code, void* user_data, void* /*record*/) {
    of(user_data).push({.kind = Event::Kind::reset, .key = id, .code = code});
    return 0;
  }

  static int stream_close(ngtcp2_conn* conn, std::uint32_t flags, std::int64_t id,
                          std::uint64_t code, void* user_data, void* /*record*/) {
    ConnectionImpl& self = of(user_data);
    if (const auto lost = ngtcp2_conn_get_stream_loss_count(conn, id); lost > 0) {
      self.bytes_lost_ += lost * ngtcp2_conn_get_path_max_tx_udp_payload_size(conn);
    }
    const bool has_code = (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0;
    self.push({.kind = Event::Kind::closed, .key = id, .code = has_code ? code : 0});
    return 0;
  }

  static int extend_max_stream_data(ngtcp2_conn* /*conn*/, std::int64_t /*id*/,
                                    std::uint64_t /*max_data*/, void* user_data, void* record) {
    if (record == nullptr) return 0;
    SendPart* part = static_cast<StreamRecord*>(record)->send.get();
    if (part == nullptr || !part->blocked) return 0;
    part->blocked = false;
    of(user_data).stream_ready(*part);
    return 0;
  }

  static int recv_datagram(ngtcp2_conn* /*conn*/, std::uint32_t /*flags*/, const std::uint8_t* data,
                           std::size_t size, void* user_data) {
    of(user_data).push(
        {.kind = Event::Kind::datagram, .data = Bytes::copy_of(ByteSpan(data, size))});
    return 0;
  }

  static ngtcp2_callbacks table(bool server) {
    ngtcp2_callbacks table{};
    if (server) {
      table.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
    } else {
      table.client_initial = ngtcp2_crypto_client_initial_cb;
      table.recv_retry = ngtcp2_crypto_recv_retry_cb;
      table.recv_new_token = recv_new_token;
    }
    table.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
    table.handshake_completed = handshake_completed;
    table.encrypt = ngtcp2_crypto_encrypt_cb;
    table.decrypt = decrypt;
    table.hp_mask = ngtcp2_crypto_hp_mask_cb;
    table.recv_stream_data = recv_stream_data;
    table.acked_stream_data_offset = acked_stream_data_offset;
    table.stream_open = stream_open;
    table.stream_close = stream_close;
    table.stream_reset = stream_reset;
    table.recv_stateless_reset = recv_stateless_reset;
    table.rand = rand;
    table.get_new_connection_id = get_new_connection_id;
    table.remove_connection_id = remove_connection_id;
    table.update_key = ngtcp2_crypto_update_key_cb;
    table.extend_max_stream_data = extend_max_stream_data;
    table.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
    table.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
    table.dcid_status = dcid_status;
    table.recv_datagram = recv_datagram;
    table.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
    table.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
    return table;
  }
};

ngtcp2_callbacks ConnectionImpl::callbacks(bool server) { return Callbacks::table(server); }

}  // namespace moq::native::quic
