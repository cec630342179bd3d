#include "relay/token_keys.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "native/io/file_descriptor.h"
#include "native/io/file_stamp.h"
#include "net/base/log.h"
#include "net/protocol/error.h"
#include "relay/pace.h"
#include "token/error.h"
#include "token/jwt.h"
#include "token/limits.h"

namespace moq::relay {

namespace {

constexpr unsigned kOk = 200;

using token::Key;
using token::TokenError;

tl::unexpected<Error> cannot_read(const std::string& file, std::string_view why) {
  return fail(TokenError::bad_key, fmt::format("cannot read the key {}: {}", file, why));
}

Result<Key> load_key(const std::string& file) {
  // A pipe would make the worker wait for its other end.
  const native::FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about {};
  if (opened.get() < 0 || ::fstat(opened.get(), &about) != 0) {
    return cannot_read(file, std::strerror(errno));
  }
  if (!S_ISREG(about.st_mode)) return cannot_read(file, "it is no file");
  std::string text(token::kMaxKeySize + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t more = ::read(opened.get(), text.data() + size, text.size() - size);
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return cannot_read(file, std::strerror(errno));
    if (more == 0) break;
    size += static_cast<std::size_t>(more);
  }
  text.resize(size);
  auto key = Key::parse(text);
  if (!key) return cannot_read(file, key.error().detail());
  if (!key->jwk().operations.verify) return cannot_read(file, "it may not verify tokens");
  return key;
}

/// A key that is in a file, read again when that has changed.
class WatchedKey {
 public:
  /// Not looked at yet.
  explicit WatchedKey(std::string file) : file_(std::move(file)) {}
  static Result<WatchedKey> open(std::string file) {
    WatchedKey watched(std::move(file));
    watched.stamp_ = native::stamp_of(watched.file_);
    MOQ_TRY(auto key, load_key(watched.file_));
    watched.key_ = std::make_shared<const Key>(std::move(key));
    return watched;
  }

  /// The key, or null. `keep`: one that was good stays when the file is bad or gone. What
  /// is wrong is logged once.
  const std::shared_ptr<const Key>& look(bool keep) {
    const native::FileStamp now = native::stamp_of(file_);
    if (now == stamp_) return key_;
    stamp_ = now;
    auto loaded = load_key(file_);
    if (loaded) {
      log::info("the key {} is {}", file_, key_ == nullptr ? "there" : "another now");
      key_ = std::make_shared<const Key>(*std::move(loaded));
      return key_;
    }
    const bool stays = keep && key_ != nullptr;
    if (!stays) key_.reset();
    log::warn("{}{}", loaded.error().detail(), stays ? "; the last good one stays" : "");
    return key_;
  }
  [[nodiscard]] bool exists() const { return stamp_.there; }

 private:
  std::string file_;
  native::FileStamp stamp_;
  std::shared_ptr<const Key> key_;
};

tl::unexpected<Error> missing_key_id() {
  return fail(TokenError::missing_key_id, "the token has to name its key by `kid`");
}
tl::unexpected<Error> unknown_key() {
  return fail(TokenError::unknown_key, "no key has the `kid` of the token");
}

class KeyFile final : public TokenKeys {
 public:
  explicit KeyFile(WatchedKey key) : key_(std::move(key)) {}

  void find(std::string_view /*token*/, const Post& /*post*/, Found found) const override {
    std::shared_ptr<const Key> key;
    {
      const std::scoped_lock lock(mutex_);
      key = key_.look(true);
    }
    found(std::move(key));
  }

 private:
  mutable std::mutex mutex_;
  mutable WatchedKey key_;  // guarded by mutex_
};

class KeyDirectory final : public TokenKeys {
 public:
  explicit KeyDirectory(std::string directory) : directory_(std::move(directory)) {}

  void find(std::string_view token, const Post& /*post*/, Found found) const override {
    found(look(token));
  }

 private:
  [[nodiscard]] Result<std::shared_ptr<const Key>> look(std::string_view token) const {
    MOQ_TRY(const auto id, token::key_id_of(token));
    if (!id) return missing_key_id();
    const std::string file = fmt::format("{}/{}.jwk", directory_, id->text());
    const std::scoped_lock lock(mutex_);
    auto known = keys_.find(id->text());
    if (known == keys_.end()) {
      // Only what is there is remembered: tokens can name anything.
      if (::access(file.c_str(), F_OK) != 0) return unknown_key();
      known = keys_.emplace(id->text(), WatchedKey(file)).first;
    }
    auto key = known->second.look(false);
    if (!known->second.exists()) keys_.erase(known);
    if (key == nullptr) return unknown_key();
    return key;
  }

  const std::string directory_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, WatchedKey> keys_;  // guarded by mutex_
};

/// Keys that somebody else has.
class FetchedKeys final : public TokenKeys {
 public:
  /// `by_id`: `url` is a directory's.
  FetchedKeys(std::string url, bool by_id, AskPage ask_page)
      : url_(std::move(url)), by_id_(by_id), ask_page_(std::move(ask_page)) {}

  void find(std::string_view token, const Post& post, Found found) const override {
    std::string url = url_;
    if (by_id_) {
      const auto id = token::key_id_of(token);
      if (!id) return found(tl::unexpected<Error>(id.error()));
      if (!*id) return found(missing_key_id());
      url += fmt::format("{}{}.jwk", url.ends_with('/') ? "" : "/", (*id)->text());
    }
    ask_page_(url,
              [post, failures = failures_, found = std::move(found)](const Result<Page>& page) {
                post([found, page, failures] { found(read(page, *failures)); });
              });
  }

 private:
  static Result<std::shared_ptr<const Key>> read(const Result<Page>& page, Pace& failures) {
    if (!page) {
      warn(failures, fmt::format("a key cannot be fetched: {}", page.error().detail()));
      return fail(SessionError::internal, "the key of the token cannot be had");
    }
    if (page->status != kOk) return unknown_key();
    auto key = Key::parse(*page->body);
    if (key && key->jwk().operations.verify) return std::make_shared<const Key>(*std::move(key));
    warn(failures, fmt::format("a key that was fetched is of no use: {}",
                               key ? "it may not verify tokens" : key.error().detail()));
    return unknown_key();
  }

  const std::string url_;
  const bool by_id_;
  const AskPage ask_page_;
  /// Answers may come when this object has gone.
  const std::shared_ptr<Pace> failures_ = std::make_shared<Pace>();
};

}  // namespace

std::unique_ptr<TokenKeys> fetch_key(std::string url, AskPage ask_page) {
  return std::make_unique<FetchedKeys>(std::move(url), false, std::move(ask_page));
}

std::unique_ptr<TokenKeys> fetch_keys(std::string url, AskPage ask_page) {
  return std::make_unique<FetchedKeys>(std::move(url), true, std::move(ask_page));
}

Result<std::unique_ptr<TokenKeys>> open_key_file(std::string file) {
  MOQ_TRY(auto key, WatchedKey::open(std::move(file)));
  return std::make_unique<KeyFile>(std::move(key));
}

Result<std::unique_ptr<TokenKeys>> open_key_directory(std::string directory) {
  struct stat about {};
  if (::stat(directory.c_str(), &about) != 0) {
    return fail(TokenError::bad_key,
                fmt::format("cannot read the keys in {}: {}", directory, std::strerror(errno)));
  }
  if (!S_ISDIR(about.st_mode)) {
    return fail(TokenError::bad_key, fmt::format("{} is no directory of keys", directory));
  }
  return std::make_unique<KeyDirectory>(std::move(directory));
}

}  // namespace moq::relay
