#include "native/tls/name_selector.h"

#include <gnutls/abstract.h>

#include <array>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "native/tls/handles.h"

namespace moq::native::tls {

namespace {

constexpr std::size_t kMaxName = 256;

// One certificate chain, in the forms that GnuTLS wants it back in.
class Choice {
 public:
  static Result<std::unique_ptr<Choice>> create(const Identity& identity) {
    auto choice = std::make_unique<Choice>();
    const gnutls_datum_t chain = datum(as_bytes(identity.chain));
    const gnutls_datum_t key = datum(as_bytes(identity.key));
    unsigned int count = static_cast<unsigned int>(choice->chain_.size());
    int code = gnutls_pcert_list_import_x509_raw(choice->chain_.data(), &count, &chain,
                                                 GNUTLS_X509_FMT_PEM, 0);
    if (code >= 0) choice->count_ = count;
    if (code >= 0) code = gnutls_privkey_init(&choice->key_);
    if (code >= 0) {
      code = gnutls_privkey_import_x509_raw(choice->key_, &key, GNUTLS_X509_FMT_PEM, nullptr, 0);
    }
    if (code >= 0) {
      code = gnutls_x509_crt_import(choice->leaf_.get(), &chain, GNUTLS_X509_FMT_PEM);
    }
    if (code < 0) return fail(TlsError::library, gnutls_strerror(code));
    return choice;
  }

  Choice() = default;
  Choice(const Choice&) = delete;
  Choice& operator=(const Choice&) = delete;
  ~Choice() {
    for (unsigned int i = 0; i < count_; ++i) gnutls_pcert_deinit(&chain_.at(i));
    if (key_ != nullptr) gnutls_privkey_deinit(key_);
  }

  [[nodiscard]] bool names(const char* name) const {
    return gnutls_x509_crt_check_hostname(leaf_.get(), name) != 0;
  }
  void give(gnutls_pcert_st** chain, unsigned int* count, gnutls_privkey_t* key) {
    *chain = chain_.data();
    *count = count_;
    *key = key_;
  }

 private:
  std::array<gnutls_pcert_st, 16> chain_{};
  unsigned int count_ = 0;
  gnutls_privkey_t key_ = nullptr;
  CertificateHandle leaf_ = make_certificate();
};

using Choices = std::vector<std::unique_ptr<Choice>>;

// GnuTLS has no room for a pointer of ours in credentials: they are looked up,
// once a handshake, by their address.
class Registry {
 public:
  static Registry& instance() {
    static Registry registry;
    return registry;
  }
  void add(gnutls_certificate_credentials_t credentials, std::shared_ptr<Choices> choices) {
    const std::unique_lock lock(mutex_);
    choices_[credentials] = std::move(choices);
  }
  void remove(gnutls_certificate_credentials_t credentials) {
    const std::unique_lock lock(mutex_);
    choices_.erase(credentials);
  }
  std::shared_ptr<Choices> find(gnutls_certificate_credentials_t credentials) {
    const std::shared_lock lock(mutex_);
    const auto found = choices_.find(credentials);
    return found == choices_.end() ? nullptr : found->second;
  }

 private:
  std::shared_mutex mutex_;
  std::unordered_map<gnutls_certificate_credentials_t, std::shared_ptr<Choices>> choices_;
};

int retrieve(gnutls_session_t session, const gnutls_cert_retr_st* info, gnutls_pcert_st** chain,
             unsigned int* count, gnutls_ocsp_data_st** ocsp, unsigned int* ocsp_count,
             gnutls_privkey_t* key, unsigned int* flags) {
  // The session holds its credentials, and they the choices, until it is over.
  const auto choices = Registry::instance().find(info->cred);
  if (!choices || choices->empty()) return -1;
  *ocsp = nullptr;
  *ocsp_count = 0;
  *flags = 0;
  std::array<char, kMaxName> name{};
  std::size_t size = name.size() - 1;
  unsigned int type = 0;
  Choice* chosen = choices->front().get();
  if (gnutls_server_name_get(session, name.data(), &size, &type, 0) == GNUTLS_E_SUCCESS &&
      type == GNUTLS_NAME_DNS) {
    for (const auto& choice : *choices) {
      if (!choice->names(name.data())) continue;
      chosen = choice.get();
      break;
    }
  }
  chosen->give(chain, count, key);
  return 0;
}

}  // namespace

Result<Credentials> select_by_name(Credentials credentials,
                                   const std::vector<Identity>& identities) {
  auto choices = std::make_shared<Choices>();
  for (const Identity& identity : identities) {
    MOQ_TRY(auto choice, Choice::create(identity));
    choices->push_back(std::move(choice));
  }
  gnutls_certificate_credentials_t raw = credentials.get();
  Registry::instance().add(raw, std::move(choices));
  gnutls_certificate_set_retrieve_function3(raw, retrieve);
  return Credentials(raw,
                     [credentials = std::move(credentials)](gnutls_certificate_credentials_t gone) {
                       Registry::instance().remove(gone);
                     });
}

}  // namespace moq::native::tls
