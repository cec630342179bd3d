#include "moq-interop-client/received.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "net/coding/error.h"
#include "net/ietf/fetch_object.h"
#include "net/ietf/subgroup.h"
#include "net/protocol/error.h"

namespace moq::interop {

/// One unidirectional stream.
class Received::Stream final : private ietf::SubgroupSink, private ietf::FetchSink {
 public:
  Stream(Received& owner, transport::Session& session,
         std::shared_ptr<transport::RecvStream> stream)
      : owner_(owner), start_reader_(owner.version_) {
    pipe_ = Pipe::adopt(
        session, {.send = nullptr, .recv = std::move(stream)},
        {.data = [this](Bytes data, bool fin) { feed(std::move(data), fin); }, .gone = nullptr});
  }

 private:
  void feed(Bytes data, bool fin) {
    if (over_) return;
    if (const auto done = read(std::move(data), fin); !done) {
      over_ = true;
      owner_.events_.violation(done.error());
    }
  }

  Result<void> read(Bytes data, bool fin) {
    if (!start_) {
      MOQ_TRY(start_, start_reader_.feed(data, fin));
      if (!start_) return {};
      data = start_reader_.take_rest();
      if (start_->kind == ietf::StreamKind::setup) {
        over_ = true;
        // The pipe's next owner sets its own handlers: this is inside of one of them.
        owner_.events_.control(std::move(pipe_), start_->type, std::move(data), fin);
        return {};
      }
      begin();
    }
    if (subgroup_reader_) {
      MOQ_CHECK_OK(subgroup_reader_->feed(data));
      if (fin) MOQ_CHECK_OK(subgroup_reader_->finish());
    }
    if (fetch_reader_) {
      MOQ_CHECK_OK(fetch_reader_->feed(data));
      if (fin) MOQ_CHECK_OK(fetch_reader_->finish());
    }
    if (fin) end();
    return {};
  }

  void begin() {
    if (start_->kind == ietf::StreamKind::subgroup) {
      subgroup_reader_.emplace(owner_.version_, start_->subgroup.has_properties,
                               static_cast<ietf::SubgroupSink&>(*this), kMost);
    }
    if (start_->kind == ietf::StreamKind::fetch) {
      fetch_reader_.emplace(owner_.version_, ietf::GroupOrder::ascending,
                            static_cast<ietf::FetchSink&>(*this), kMost);
    }
  }

  void end() {
    if (subgroup_reader_) into().ended_groups.insert(start_->subgroup.group);
    if (fetch_reader_) into().ended = true;
  }

  [[nodiscard]] ReceivedObjects& into() {
    return start_->kind == ietf::StreamKind::fetch
               ? owner_.fetched(start_->fetch.request_id)
               : owner_.subscribed(start_->subgroup.track_alias);
  }

  Result<void> on_object(const ietf::StreamObject& object) override {
    return begin_object({start_->subgroup.group, object.id}, object.size, object.status);
  }
  Result<void> on_object(const ietf::FetchObject& object) override {
    return begin_object(object.location, object.size, object.status);
  }
  Result<void> begin_object(const Location& where, std::uint64_t size, ietf::Status status) {
    where_ = where;
    missing_ = size;
    payload_.clear();
    MOQ_CHECK_OK(owner_.claim(size));
    // One that only has a status is none that anybody has published here.
    if (size != 0 || status != ietf::Status::normal) return {};
    return keep(into(), where_, {});
  }
  Result<void> on_payload(Bytes chunk) override {
    payload_ += chunk.text();
    missing_ -= chunk.size();
    if (missing_ != 0) return {};
    return keep(into(), where_, std::exchange(payload_, {}));
  }
  Result<void> on_end_of_range(const ietf::EndOfRange& /*range*/) override { return {}; }

  Received& owner_;
  std::unique_ptr<Pipe> pipe_;
  ietf::StreamStartReader start_reader_;
  std::optional<ietf::StreamStart> start_;
  std::optional<ietf::SubgroupReader> subgroup_reader_;
  std::optional<ietf::FetchReader> fetch_reader_;
  Location where_;
  std::uint64_t missing_ = 0;
  std::string payload_;
  bool over_ = false;
};

Received::Received(Events events) : events_(std::move(events)) {}
Received::~Received() = default;

void Received::take(transport::Session& session, std::shared_ptr<transport::RecvStream> stream) {
  streams_.push_back(std::make_unique<Stream>(*this, session, std::move(stream)));
}

Result<void> Received::claim(std::uint64_t size) {
  size_ += size;
  if (size <= kMost && size_ <= kMost) return {};
  return fail(SessionError::protocol_violation, "more objects than were asked for");
}

Result<void> Received::keep(ReceivedObjects& into, const Location& where,
                            const std::string& payload) {
  const auto [at, anew] = into.objects.try_emplace(where, payload);
  if (anew || at->second == payload) return {};
  return fail(
      SessionError::protocol_violation,
      fmt::format("object {}/{} came twice, with different payloads", where.group, where.object));
}

}  // namespace moq::interop
