#include "moq-bench/member.h"

#include <algorithm>
#include <utility>

#include "net/base/log.h"

namespace moq::bench {

namespace {

/// A hop id that no other endpoint has: it names this publisher.
HopId random_hop(Random& random) { return 1 + random() % ((HopId{1} << 53) - 1); }

/// What a slow subscriber lets its relay send unread: little, so that it is soon
/// stuck.
constexpr std::uint64_t kSlowWindow = 256U << 10;

native::DialerConfig config_for(const Plan& plan, native::DialerConfig config) {
  if (plan.slow) {
    config.quic.stream_window = kSlowWindow;
    config.quic.connection_window = kSlowWindow;
    config.quic.max_connection_window = kSlowWindow;
  }
  return config;
}

}  // namespace

Member::Member(const MemberContext& context, Plan plan, Time start)
    : context_(context),
      plan_(std::move(plan)),
      random_(plan_.seed),
      publish_(context.events.loop(), random_hop(random_)),
      receive_(context.events.loop(), 0),
      start_timer_(context.events.loop(), [this] { dial(); }),
      choose_timer_(context.events.loop(), [this] { choose(); }) {
  const PublisherContext publishing{.loop = context_.events.loop(),
                                    .cache = context_.published,
                                    .tally = context_.tally,
                                    .pattern = context_.pattern,
                                    .clock = context_.clock,
                                    .max_latency = context_.max_latency};
  for (std::uint64_t i = 0; i < plan_.broadcasts; ++i) {
    std::string path = plan_.prefix + "/" + std::to_string(i);
    own_.insert(path);
    publishers_.push_back(
        std::make_unique<Publisher>(publishing, publish_, std::move(path), plan_.shape));
    if (context_.bulk != nullptr) context_.bulk->set_publisher(publishers_.back().get());
  }
  start_timer_.arm(later(start, plan_.delay));
}

Member::~Member() {
  if (context_.bulk != nullptr && !publishers_.empty()) context_.bulk->set_publisher(nullptr);
  watch_.reset();
  subscribers_.clear();
  client_.reset();
  stalling_.reset();
}

void Member::dial() {
  auto dialer = native::Dialer::create(context_.events, config_for(plan_, context_.client.client));
  if (!dialer) return lost(dialer.error().message());
  dialer_ = *std::move(dialer);
  client_.emplace(context_.events.loop(), static_cast<native::Connector&>(*this),
                  context_.client.url,
                  native::ClientOptions{.publish = &publish_,
                                        .subscribe = &receive_,
                                        .cache = &context_.received,
                                        .versions = context_.client.versions,
                                        .limits = {},
                                        .backoff = context_.client.backoff,
                                        .goaway = context_.client.goaway,
                                        .reconnect = context_.client.reconnect,
                                        .random = {}},
                  static_cast<native::ClientHandler&>(*this));
}

native::Connector::Dial Member::connect(const native::Url& url, const native::DialOptions& options,
                                        Connected connected) {
  if (!plan_.slow) return dialer_->connect(url, options, std::move(connected));
  return dialer_->connect(url, options, [this, connected = std::move(connected)](auto transport) {
    if (!transport) return connected(std::move(transport));
    stalling_ = std::make_shared<StallingTransport>(*std::move(transport));
    connected(std::shared_ptr<transport::Session>(stalling_));
  });
}

void Member::on_connected(Session& /*session*/) {
  if (!std::exchange(open_, true)) ++context_.tally.connections;
  if (std::exchange(begun_, true)) return;
  Loop& loop = context_.events.loop();
  for (const auto& publisher : publishers_) {
    // Broadcasts of one rate are not all due at once.
    const std::uint64_t period = 1'000'000'000 / std::max<std::uint64_t>(plan_.shape.fps, 1);
    publisher->start(later(loop.now(), Duration(static_cast<Duration::rep>(random_() % period))));
  }
  if (plan_.subscribe == 0) return;
  choose_timer_.arm(later(loop.now(), plan_.gather));
  watch_ = receive_.watch(Path(plan_.watch), *this);
}

void Member::on_disconnected(const Error& error) { lost(error.message()); }

void Member::on_closed(const Error& error) {
  // A dial's detail begins with the URL.
  const bool dialled = !begun_ && !error.detail().empty();
  lost(dialled ? error.detail() : error.message());
}

void Member::lost(const std::string& why) {
  if (closing_) return;
  const bool was_open = std::exchange(open_, false);
  if (was_open) {
    --context_.tally.connections;
    ++context_.tally.connections_lost;
  }
  context_.failed(plan_.index, why, begun_);
}

void Member::on_announcements(const std::vector<Announcement>& changes) {
  for (const Announcement& change : changes) {
    const std::string path(change.path.text());
    if (own_.contains(path)) continue;
    const auto known = std::ranges::find(subscribers_, path, &Subscriber::path);
    if (known != subscribers_.end()) {
      if (change.broadcast != nullptr) (*known)->attach(change.broadcast);
    } else if (change.broadcast == nullptr) {
      candidates_.erase(path);
    } else if (subscribers_.size() < plan_.subscribe) {
      candidates_[path] = change.broadcast;
    }
  }
  // Late ones are taken as they come.
  if (chosen_) choose();
}

void Member::choose() {
  chosen_ = true;
  while (!candidates_.empty() && subscribers_.size() < plan_.subscribe) {
    const auto number = static_cast<std::ptrdiff_t>(random_() % candidates_.size());
    const auto it = std::next(candidates_.begin(), number);
    subscribe(it->first, it->second);
    candidates_.erase(it);
  }
  candidates_.clear();
}

void Member::subscribe(const std::string& path, const std::shared_ptr<Broadcast>& broadcast) {
  const SubscriberContext context{.loop = context_.events.loop(),
                                  .tally = context_.tally,
                                  .pattern = context_.pattern,
                                  .clock = context_.clock,
                                  .max_latency = context_.max_latency,
                                  .ordered = context_.bulk != nullptr};
  subscribers_.push_back(std::make_unique<Subscriber>(context, path, plan_.slow));
  Subscriber& subscriber = *subscribers_.back();
  if (context_.bulk != nullptr && !plan_.slow) {
    subscriber.on_group_over(
        [gate = context_.bulk](std::uint64_t sequence) { gate->over(sequence); });
  }
  if (measuring_) subscriber.begin_measuring(native::monotonic_now());
  subscriber.attach(broadcast);
}

void Member::begin_measuring(Time now) {
  measuring_ = true;
  if (stalling_ != nullptr) stalling_->stall();
  for (const auto& subscriber : subscribers_) subscriber->begin_measuring(now);
}

void Member::end_measuring(Time now) {
  for (const auto& subscriber : subscribers_) subscriber->end_measuring(now);
}

void Member::offer(Time now) {
  for (const auto& publisher : publishers_) publisher->offer(now);
}

void Member::stop_publishing(Time now) {
  offer(now);
  for (const auto& publisher : publishers_) publisher->stop();
}

void Member::close() {
  if (std::exchange(closing_, true)) return;
  start_timer_.cancel();
  choose_timer_.cancel();
  watch_.reset();
  for (const auto& subscriber : subscribers_) subscriber->detach();
  client_.reset();
}

bool Member::quiet() const { return dialer_ == nullptr || dialer_->connections() == 0; }

}  // namespace moq::bench
