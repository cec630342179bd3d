#include "conformance/client.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "native/client/url.h"

namespace moq::conformance {

namespace {
constexpr std::uint64_t kRequestsGranted = 1000;
}  // namespace

const ErrorDomain& error_domain(CaseError) {
  static constexpr ErrorDomain kDomain{"conformance",
                                       [](std::uint64_t) -> std::string_view { return "UNMET"; }};
  return kDomain;
}

tl::unexpected<Error> unmet(std::string what) { return fail(CaseError::unmet, std::move(what)); }

std::string hex(std::uint64_t number) { return fmt::format("{:#x}", number); }

Result<std::unique_ptr<Client>> Client::connect(native::EventLoop& events, const std::string& url,
                                                const Draft& draft, Duration patience) {
  MOQ_TRY(auto connection, Connection::dial(events, url, draft.alpn(), patience));
  return std::unique_ptr<Client>(new Client(draft, std::move(connection)));
}

Fields Client::setup_options() const {
  Fields options{draft_.text_field(id::kPath, "/"), draft_.text_field(id::kAuthority, "localhost")};
  if (!draft_.request_streams()) {
    options.push_back(draft_.number_field(id::kSetupMaxRequestId, kRequestsGranted));
  }
  return options;
}

Stream& Client::control() {
  if (control_ == nullptr) {
    control_ = draft_.request_streams() ? &connection_->open_uni() : &connection_->open_bidi();
  }
  return *control_;
}

void Client::send_control(const Buffer& bytes) { control().write(bytes); }

Result<void> Client::set_up(const Fields& more_options) {
  Fields options = setup_options();
  options.insert(options.end(), more_options.begin(), more_options.end());
  send_control(draft_.setup(options));
  return await_setup();
}

Result<void> Client::await_setup() {
  const bool came = connection_->wait(
      [this] { return control_in() != nullptr && !messages_of(*control_in()).empty(); });
  if (!came) return unmet("no SETUP came: " + fate());
  return {};
}

const Stream* Client::control_in() const {
  if (!draft_.request_streams()) return control_;
  for (const Stream* stream : connection_->incoming_uni()) {
    if (draft_.reader(stream->received()).integer() == draft_.setup_type()) return stream;
  }
  return nullptr;
}

std::vector<Message> Client::messages_of(const Stream& stream) const {
  std::vector<Message> found;
  Reader in = draft_.reader(stream.received());
  while (true) {
    const auto type = in.integer();
    const auto length = in.u16();
    auto body = length ? in.bytes(*length) : std::nullopt;
    if (!type || !body) return found;
    found.push_back({*type, *std::move(body)});
  }
}

std::vector<Message> Client::control_messages() const {
  if (control_in() == nullptr) return {};
  auto all = messages_of(*control_in());
  if (!all.empty()) all.erase(all.begin());
  return all;
}

std::optional<std::uint64_t> Client::relay_option(std::uint64_t type) const {
  const auto messages = messages_of(*control_in());
  const ByteSpan body = messages.front().body;
  std::optional<Fields> options;
  if (draft_.request_streams()) {
    options = draft_.parse_setup(body);
  } else {
    // SERVER_SETUP has one version, and no count of them.
    Reader in = draft_.reader(body);
    if (in.integer() && in.integer()) options = draft_.parse_pairs(in.rest());
  }
  for (const Field& each : options.value_or(Fields{})) {
    if (each.type == type) return draft_.reader(each.value).integer();
  }
  return std::nullopt;
}

std::uint64_t Client::take_id() { return std::exchange(next_id_, next_id_ + 2); }

Request Client::request(std::uint64_t id, const Buffer& message) {
  Stream& stream = draft_.request_streams() ? connection_->open_bidi() : control();
  stream.write(message);
  return {.id = id, .stream = &stream};
}

Request Client::subscribe(Subscribe message) {
  message.id = take_id();
  return request(message.id, draft_.subscribe(message));
}

Request Client::subscribe_namespace(const Names& prefix) {
  const std::uint64_t id = take_id();
  return request(id, draft_.subscribe_namespace(id, prefix));
}

void Client::send_about(const Request& request, const Buffer& message) {
  request.stream->write(message);
}

std::vector<Message> Client::answers(const Request& request) const {
  auto all = messages_of(*request.stream);
  if (draft_.request_streams()) return all;
  std::vector<Message> found;
  for (Message& message : all) {
    Reader in = draft_.reader(message.body);
    if (!draft_.is_answer(message.type) || in.integer() != request.id) continue;
    found.push_back({message.type, in.rest()});
  }
  return found;
}

Result<Message> Client::answer(const Request& request, std::size_t index) {
  const bool came = connection_->wait(
      [&] { return answers(request).size() > index || request.stream->reset_code().has_value(); });
  if (came && answers(request).size() > index) return answers(request)[index];
  if (!connection_->ending() && request.stream->reset_code()) {
    return unmet("the request's stream was reset with " + hex(*request.stream->reset_code()));
  }
  return unmet("no answer came: " + fate());
}

Result<Message> Client::accepted(const Request& request) {
  MOQ_TRY(Message message, answer(request));
  if (draft_.is_error(message.type)) {
    const auto code = draft_.reader(message.body).integer();
    return unmet("the request was refused with " + hex(code.value_or(0)));
  }
  return message;
}

Result<Verdict> Client::refused(const Request& request, std::uint64_t code) {
  MOQ_TRY(const Message message, answer(request));
  if (!draft_.is_error(message.type)) {
    return unmet("the request was accepted, by message " + hex(message.type));
  }
  const auto got = draft_.reader(message.body).integer();
  if (got != code) return unmet("the request was refused with " + hex(got.value_or(0)));
  return Verdict{};
}

std::vector<Request> Client::requests(std::uint64_t type) const {
  std::vector<Request> found;
  const auto add = [&](Stream* stream, const Message& message) {
    Reader in = draft_.reader(message.body);
    const auto id = in.integer();
    if (message.type == type && id) found.push_back({*id, stream, in.rest()});
  };
  if (draft_.request_streams()) {
    for (Stream* stream : connection_->incoming_bidi()) {
      const auto all = messages_of(*stream);
      if (!all.empty()) add(stream, all.front());
    }
  } else {
    for (const Message& message : control_messages()) add(control_, message);
  }
  return found;
}

bool Client::has_asked(std::uint64_t type) const {
  const auto taken = taken_.find(type);
  return requests(type).size() > (taken == taken_.end() ? 0 : taken->second);
}

Result<Request> Client::asked(std::uint64_t type) {
  if (!connection_->wait([&] { return has_asked(type); })) {
    return unmet(fmt::format("no request of type {} came: {}", hex(type), fate()));
  }
  return requests(type)[taken_[type]++];
}

Result<Request> Client::asked_for(const std::string& name) {
  while (true) {
    MOQ_TRY(Request request, asked(type::kSubscribe));
    Reader in = draft_.reader(request.body);
    if (in.names() && in.text() == name) return request;
  }
}

Result<Request> Client::publish_namespace(const Names& space) {
  const std::uint64_t id = take_id();
  const Request made = request(id, draft_.publish_namespace(id, space));
  MOQ_TRY([[maybe_unused]] const Message ok, accepted(made));
  return made;
}

Stream& Client::send(const Subgroup& subgroup, bool end) {
  Stream& stream = connection_->open_uni();
  stream.write(encode(draft_, subgroup));
  if (end) stream.end();
  return stream;
}

std::vector<Subgroup> Client::subgroups() const {
  std::vector<Subgroup> found;
  for (const Stream* stream : connection_->incoming_uni()) {
    if (auto subgroup = decode_subgroup(draft_, stream->received())) {
      found.push_back(*std::move(subgroup));
    }
  }
  return found;
}

Result<Stream*> Client::group_stream(std::uint64_t group, std::size_t objects) {
  Stream* found = nullptr;
  const bool came = connection_->wait([&] {
    for (Stream* stream : connection_->incoming_uni()) {
      const auto subgroup = decode_subgroup(draft_, stream->received());
      if (!subgroup || subgroup->group != group || subgroup->objects.size() < objects) continue;
      found = stream;
      return true;
    }
    return false;
  });
  if (!came) {
    return unmet(fmt::format("{} object(s) of group {} did not come: {}", objects, group, fate()));
  }
  return found;
}

std::string Client::fate() const {
  const auto& ending = connection_->ending();
  if (!ending) return "the session stayed open";
  if (!ending->by_peer || !ending->by_application) return "the connection was lost";
  return "the session was closed with " + hex(ending->code);
}

Result<Verdict> Client::closes(std::optional<std::uint64_t> code) {
  connection_->wait_closed();
  const auto& ending = connection_->ending();
  if (!ending || !ending->by_peer || !ending->by_application) return unmet(fate());
  if (code && ending->code != *code) return unmet(fate());
  return Verdict{};
}

Result<Verdict> Client::stays() {
  // Streams may overtake each other: what was sent before the second of these has been
  // read before its answer is.
  for (int i = 0; i < 2; ++i) {
    const Request probe = subscribe({.track = {{"conformance", "nobody", "publishes"}, "this"}});
    MOQ_TRY([[maybe_unused]] const Message any, answer(probe));
  }
  return Verdict{};
}

}  // namespace moq::conformance
