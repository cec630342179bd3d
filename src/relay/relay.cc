#include "relay/relay.h"

#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "native/tls/certificate.h"
#include "net/base/log.h"
#include "net/protocol/error.h"
#include "net/session/version.h"
#include "relay/internal.h"
#include "relay/media_routes.h"
#include "relay/memory.h"
#include "relay/notify.h"
#include "relay/web.h"

namespace moq::relay {

namespace {

// Below 2^53, so that browsers can compute with it; never 0, which is nobody's.
HopId random_hop_id() {
  std::random_device device;
  return std::uniform_int_distribution<HopId>(1, (HopId{1} << 53) - 1)(device);
}

// The first address of a name, as the reference does; most are no name.
Result<native::SocketAddress> resolve(const HostPort& where) {
  if (auto address = native::SocketAddress::parse(where.to_string())) return address;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found);
  if (error != 0 || found == nullptr) {
    return fail(static_cast<native::IoError>(EADDRNOTAVAIL),
                fmt::format("cannot resolve {}: {}", where.host, ::gai_strerror(error)));
  }
  const native::SocketAddress address(found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return address;
}

std::size_t worker_count(const Config& config) {
  return config.server.workers != 0 ? config.server.workers : native::Workers::default_count();
}

native::quic::Config quic_config(const Config::Server::Quic& quic) {
  native::quic::Config config;
  config.congestion_control = quic.congestion_control == CongestionControl::loss
                                  ? native::quic::CongestionControl::loss
                                  : native::quic::CongestionControl::delay;
  config.gso = quic.gso;
  config.idle_timeout = quic.idle_timeout;
  config.keep_alive = quic.keep_alive;
  config.max_streams = quic.max_streams;
  config.mtu_discovery = quic.mtu_discovery;
  return config;
}

/// How services are asked who may connect: auth.tls is the older name.
const Config::Tls& trust_of(const Config& config) {
  return config.auth.tls == Config::Tls{} ? config.client.tls : config.auth.tls;
}

SessionLimits session_limits(const Config::Limits& limits) {
  SessionLimits session;
  session.max_requests = limits.subscriptions;
  session.max_announced = limits.announcements;
  return session;
}

Limit limit_of(native::quic::Refusal refusal) {
  switch (refusal) {
    case native::quic::Refusal::connections:
      return Limit::connections;
    case native::quic::Refusal::handshakes:
      return Limit::handshakes;
    case native::quic::Refusal::handshakes_per_address:
      return Limit::handshakes_per_address;
  }
  return Limit::connections;
}

CacheGovernor::Bounds cache_bounds(const Config::Cache& config) {
  const std::uint64_t memory = read_memory().total;
  CacheGovernor::Bounds bounds;
  if (config.headroom) bounds.headroom = config.headroom->resolve(memory);
  if (config.capacity) {
    bounds.capacity = config.capacity->resolve(memory);
  } else if (!config.headroom) {
    bounds.capacity = Config::Cache::kDefaultCapacity.resolve(memory);
  }
  return bounds;
}

}  // namespace

struct Relay::Pages {
  static Result<std::unique_ptr<Pages>> create(native::EventLoop& events,
                                               const Config::Tls& trust) {
    MOQ_TRY(auto client, HttpClient::create(events, trust));
    return std::make_unique<Pages>(events.loop(), trust, std::move(client));
  }
  Pages(Loop& loop, Config::Tls trusted, std::unique_ptr<HttpClient> with)
      : trust(std::move(trusted)),
        client(std::move(with)),
        fetcher(loop,
                [this](const std::string& url, HttpConditions conditions, HttpClient::Done done) {
                  client->get(url, std::move(conditions), std::move(done));
                }) {}

  Config::Tls trust;
  std::unique_ptr<HttpClient> client;
  Fetcher fetcher;
};

Result<void> Relay::check(const Config& config) {
  MOQ_CHECK_OK(load_certificates(config));
  MOQ_CHECK_OK(Access::open(config.auth));
  if (!Access::asks_pages(config.auth)) return {};
  native::EventLoop unused;
  MOQ_CHECK_OK(HttpClient::create(unused, trust_of(config)));
  return {};
}

Result<std::unique_ptr<Relay>> Relay::start(native::EventLoop& events, const Config& config,
                                            Ended ended) {
  std::unique_ptr<Relay> relay(new Relay(events, config, std::move(ended)));
  MOQ_CHECK_OK(relay->open(config));
  return relay;
}

Relay::Relay(native::EventLoop& events, const Config& config, Ended ended)
    : events_(events),
      config_(config),
      certificate_files_(events.loop(), [this] { reload_certificates(); }),
      shared_{.access = {},
              .versions = {},
              .hop_id = random_hop_id(),
              .census = std::make_shared<Census>(worker_count(config)),
              .limits = session_limits(config.limits),
              .refusals = std::make_shared<Refusals>(),
              .roots = std::make_shared<RootPlaces>(config.limits.sessions_per_root),
              .on_empty = {}},
      shutdown_(events.loop(), config.drain, *this),
      report_(events.loop(), *shared_.census, ::isatty(STDERR_FILENO) == 1),
      governor_(events.loop(), shared_.budget, [] { return read_memory(); }),
      ended_(std::move(ended)),
      cache_(shared_.budget),
      origin_(events.loop(), shared_.hop_id),
      bridge_(events.loop(), origin_, cache_),
      broadcasts_(origin_),
      workers_(worker_count(config)) {
  set_cache(config.cache);
  shared_.on_empty = [this, alive = std::weak_ptr(alive_)](std::size_t worker, unsigned drain) {
    events_.post([this, worker, drain, alive] {
      if (!alive.expired()) on_empty(worker, drain);
    });
  };
}

Relay::~Relay() {
  internal_.reset();
  web_.reset();
  secure_web_.reset();
  server_.reset();
}

Result<void> Relay::open(const Config& config) {
  MOQ_TRY(const auto versions, parse_versions(config.server.versions));
  MOQ_TRY(access_, open_access(config));
  shared_.access = access_;
  // Before they are read, so that no change after that is missed.
  certificate_files_.watch(FileWatch::look_at(certificate_files(config)));
  MOQ_TRY(certificates_, load_certificates(config));
  native::ServerConfig server;
  MOQ_TRY(server.listen, resolve(config.server.bind));
  server.workers = worker_count(config);
  server.alpns = alpns(versions);
  shared_.versions = versions;
  server.quic = quic_config(config.server.quic);
  server.limits.max_connections = config.limits.connections;
  server.limits.max_handshakes_per_address = config.limits.handshakes_per_address;
  server.refused = [refusals = shared_.refusals](native::quic::Refusal refusal,
                                                 const native::SocketAddress& client) {
    refusals->add(limit_of(refusal), {.text = client.to_string()}, native::monotonic_now());
  };
  if (!config.server.quic.qlog.empty()) {
    MOQ_TRY(server.qlog, native::quic::QlogDirectory::open(config.server.quic.qlog));
  }
  server.with_ctrl_c_handler(false);
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
    bridge_.connect(worker, [this, worker](Bridge::Messages messages) {
      server_->at(worker).events().post([this, worker, sent = std::move(messages)]() mutable {
        if (RelayWorker* reader = workers_[worker].get()) {
          reader->bridge().receive(workers_.size(), std::move(sent));
        }
      });
    });
  }

  MOQ_TRY(server_,
          native::Server::start(
              std::move(server), certificates_.quic,
              {.on_start = [this](native::Worker& worker) { start_worker(worker); },
               .on_request =
                   [this](native::Worker& worker, const auto& request, const auto& connection,
                          const native::http3::Answer& answer) {
                     workers_[worker.index()]->decide(request, connection, answer);
                   },
               .on_session =
                   [this](native::Worker& worker, auto session, const native::Arrival& arrival) {
                     workers_[worker.index()]->accept(std::move(session), arrival);
                   },
               .on_stop = [this](native::Worker& worker) { workers_[worker.index()].reset(); }}));

  MOQ_CHECK_OK(open_web(config));
  notify::ready(serving());
  return {};
}

Result<std::shared_ptr<const Access>> Relay::open_access(const Config& config) {
  if (!Access::asks_pages(config.auth)) return Access::open(config.auth);
  const Config::Tls& trust = trust_of(config);
  Pages* pages = pages_.empty() ? nullptr : pages_.back().get();
  std::unique_ptr<Pages> made;
  if (pages == nullptr || pages->trust != trust) {
    MOQ_TRY(made, Pages::create(events_, trust));
    pages = made.get();
  }
  MOQ_TRY(auto access, Access::open(config.auth, [this, pages, alive = std::weak_ptr(alive_)](
                                                     const std::string& url, auto done) {
            events_.post([pages, alive, url, done = std::move(done)]() mutable {
              if (!alive.expired()) pages->fetcher.fetch(url, std::move(done));
            });
          }));
  // Those who wait for an answer of the one before go on waiting for it.
  if (made != nullptr) pages_.push_back(std::move(made));
  return access;
}

Result<void> Relay::open_web(const Config& config) {
  if (config.web.http_listen) {
    MOQ_TRY(const auto address, resolve(*config.web.http_listen));
    MOQ_TRY(web_, HttpServer::listen(events_, address, public_routes(), HttpAudience::everyone));
    log::info("listening for HTTP on TCP {}", web_->address().to_string());
  }
  if (config.web.https_listen) {
    MOQ_TRY(const auto address, resolve(*config.web.https_listen));
    MOQ_TRY(secure_web_, HttpServer::listen(events_, address, public_routes(),
                                            HttpAudience::everyone, {}, certificates_.https));
    log::info("listening for HTTPS on TCP {}", secure_web_->address().to_string());
  }
  if (config.internal.listen) {
    MOQ_TRY(const auto address, resolve(*config.internal.listen));
    MOQ_TRY(internal_,
            HttpServer::listen(
                events_, address,
                internal_routes(
                    {.status = [this] { return status(); },
                     .measure = [this](bool one_by_one,
                                       auto done) { measure(one_by_one, std::move(done)); },
                     .drain = [this](const DrainOrder& order) { return shutdown_.request(order); },
                     .cancel = [this] { return shutdown_.cancel(); },
                     .usual = [this] { return shutdown_.order(); }}),
                HttpAudience::programs));
    log::info("listening for operators on TCP {}", internal_->address().to_string());
  }
  return {};
}

std::vector<HttpRoute> Relay::public_routes() {
  const auto fingerprint = [this] {
    const auto all = server_->fingerprints();
    return all.empty() ? "" : native::tls::to_hex(all.front());
  };
  auto routes =
      web_routes({.fingerprint = fingerprint, .ready = [this] { return shutdown_.running(); }});
  auto more = media_routes(
      {.origin = origin_,
       .authorize = [this](const Visitor& visitor, std::function<void(Result<Scope>)> done) {
         access_->authorize(
             visitor, unix_now(),
             [this](std::function<void()> task) { events_.post(std::move(task)); },
             [done = std::move(done)](Result<Grant> grant) {
               if (!grant) return done(fail(std::move(grant).error()));
               done(std::move(grant->scope));
             });
       }});
  std::ranges::move(more, std::back_inserter(routes));
  return routes;
}

void Relay::start_worker(native::Worker& worker) {
  const std::size_t index = worker.index();
  workers_[index] = std::make_unique<RelayWorker>(worker, shared_);
  // This thread's comes last.
  workers_[index]->bridge().connect(
      workers_.size(), [this, index, alive = std::weak_ptr(alive_)](Bridge::Messages messages) {
        events_.post([this, index, alive, sent = std::move(messages)]() mutable {
          if (!alive.expired()) bridge_.receive(index, std::move(sent));
        });
      });
  for (std::size_t other = 0; other < workers_.size(); ++other) {
    if (other == index) continue;
    workers_[index]->bridge().connect(
        other,
        [this, index, other, &to = worker.server().at(other).events()](Bridge::Messages messages) {
          to.post([this, index, other, sent = std::move(messages)]() mutable {
            // It may have stopped before the message came.
            if (RelayWorker* reader = workers_[other].get()) {
              reader->bridge().receive(index, std::move(sent));
            }
          });
        });
  }
}

void Relay::on_workers(const std::function<void(RelayWorker&)>& task, std::function<void()> done) {
  // Of all workers; the last one that lets go of it has `done` called here.
  const std::shared_ptr<void> all(
      nullptr, [this, done = std::move(done), alive = std::weak_ptr(alive_)](void*) {
        if (!done) return;
        events_.post([done, alive] {
          if (!alive.expired()) done();
        });
      });
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    server_->at(i).events().post([this, i, task, all] {
      if (workers_[i] != nullptr) task(*workers_[i]);
    });
  }
}

Result<void> Relay::apply(const Config& config) {
  // Before they are read, so that no change after that is missed.
  auto files = FileWatch::look_at(certificate_files(config));
  MOQ_TRY(auto certificates, load_certificates(config, &certificates_));
  MOQ_TRY(auto access, open_access(config));
  certificate_files_.watch(std::move(files));
  config_ = config;
  show(std::move(certificates));
  access_ = std::move(access);
  set_cache(config.cache);
  shutdown_.set_order(config.drain);
  on_workers([access = access_](RelayWorker& worker) { worker.set_access(access); },
             [] { log::info("the configuration holds for all new sessions"); });
  return {};
}

void Relay::reload_certificates() {
  auto certificates = load_certificates(config_, &certificates_);
  if (!certificates) {
    return log::warn("the certificates that are in use stay, since new ones cannot be: {}",
                     certificates.error().detail());
  }
  show(*std::move(certificates));
  on_workers([](RelayWorker&) {}, [] { log::info("new certificates are in use"); });
}

void Relay::show(Certificates certificates) {
  certificates_ = std::move(certificates);
  server_->set_certificates(certificates_.quic);
  if (secure_web_ == nullptr) return;
  if (const auto set = secure_web_->set_identity(certificates_.https); !set) {
    log::warn("HTTPS keeps its certificates: {}", set.error().detail());
  }
}

void Relay::set_cache(const Config::Cache& cache) {
  governor_.set(cache_bounds(cache));
  shared_.budget->duration = cache.duration.count();
}

DrainStatus Relay::status() {
  DrainStatus status{.phase = shutdown_.phase(),
                     .ending = shutdown_.ending(),
                     .age = report_.age(),
                     .time_left = {},
                     .took = report_.took(),
                     .counts = shared_.census->counts()};
  if (const Time end = shutdown_.deadline(); end != kNever) {
    status.time_left = end - events_.loop().now();
  }
  return status;
}

void Relay::measure(bool one_by_one, std::function<void(Measured)> done) {
  // Each worker writes its own, before it lets go of `task`.
  const auto reports = std::make_shared<std::vector<Report>>(workers_.size());
  on_workers([reports, one_by_one](
                 RelayWorker& worker) { (*reports)[worker.index()] = worker.report(one_by_one); },
             [this, reports, one_by_one, done = std::move(done)] {
               Measured measured = {.drain = status(),
                                    .uptime = events_.loop().now() - started_,
                                    .cache_used = shared_.budget->used,
                                    .cache_evicted = shared_.budget->evicted,
                                    .cache_capacity = shared_.budget->capacity,
                                    .refused = shared_.refusals->counts()};
               for (Report& report : *reports) measured.report.add(std::move(report));
               // HTTP and HTTPS are one to operators, as in the reference.
               if (web_ != nullptr || secure_web_ != nullptr) {
                 AcceptCounts both;
                 for (const auto* server : {web_.get(), secure_web_.get()}) {
                   if (server != nullptr) both += server->accepts();
                 }
                 measured.listeners.emplace_back("web", both);
               }
               if (internal_ != nullptr)
                 measured.listeners.emplace_back("internal", internal_->accepts());
               if (one_by_one) measured.broadcasts = broadcasts_.all();
               done(std::move(measured));
             });
}

std::string Relay::serving() const {
  return fmt::format("serving on UDP {}", server_->local_address().to_string());
}

void Relay::drain(const DrainOrder& order) {
  empty_.clear();
  shared_.census->drain_begins();
  report_.begin(shutdown_.ending());
  const auto run = std::make_shared<DrainRun>(++drains_, order, events_.loop().now());
  on_workers([run](RelayWorker& worker) { worker.drain(run); });
}

void Relay::on_empty(std::size_t worker, unsigned drain) {
  if (drain != drains_) return;
  empty_.insert(worker);
  if (empty_.size() == workers_.size()) shutdown_.drained();
}

void Relay::adopt() { report_.adopt(); }

void Relay::resume() {
  shared_.census->drain_is_off();
  on_workers([](RelayWorker& worker) { worker.resume(); });
  report_.cancel(serving());
}

void Relay::close_sessions() {
  on_workers([](RelayWorker& worker) { worker.close_sessions(); });
}

void Relay::emptied() { report_.end(); }

void Relay::exit(int code) {
  report_.end();
  // In order, no session is left, and what closes has nobody to wait for. Otherwise
  // sessions are cut off, and are told so.
  const auto reason = code == 0 ? SessionError::no_error : SessionError::goaway_timeout;
  server_->close(static_cast<std::uint64_t>(reason), "the relay has ended");
  if (code == 0 && !server_->wait_closed(kCloseTime)) log::debug("some peers were not told");
  ended_(code);
}

}  // namespace moq::relay
