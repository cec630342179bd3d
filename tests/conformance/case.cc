#include "conformance/case.h"

namespace moq::conformance {

Result<std::unique_ptr<Client>> Stage::connect(const Draft* draft) {
  return Client::connect(events_, options_.url, draft != nullptr ? *draft : draft_,
                         options_.patience);
}

Result<std::unique_ptr<Client>> Stage::join(const Fields& more_options, const Draft* draft) {
  MOQ_TRY(auto client, connect(draft));
  MOQ_CHECK_OK(client->set_up(more_options));
  return client;
}

Result<Relayed> begin_relay(Stage& stage, RelayedOptions options) {
  static constexpr const char* kTrack = "video";
  constexpr std::uint64_t kAlias = 77;
  Relayed made;
  made.alias = kAlias;
  MOQ_TRY(made.publisher, stage.join({}, options.publisher));
  MOQ_CHECK_OK(made.publisher->publish_namespace(stage.space()));
  MOQ_TRY(made.subscriber, stage.join({}, options.subscriber));
  options.subscribe.track = {stage.space(), kTrack};
  made.downstream = made.subscriber->subscribe(std::move(options.subscribe));
  MOQ_TRY(made.upstream, made.publisher->asked_for(kTrack));
  return made;
}

Result<Relayed> relay(Stage& stage, RelayedOptions options) {
  const Fields properties = options.track_properties;
  MOQ_TRY(Relayed made, begin_relay(stage, std::move(options)));
  made.publisher->send_about(made.upstream, made.publisher->draft().subscribe_ok(
                                                made.upstream.id, made.alias, properties));
  MOQ_TRY(const Message ok, made.subscriber->accepted(made.downstream));
  Reader in = made.subscriber->draft().reader(ok.body);
  const auto alias = in.integer();
  if (ok.type != type::kSubscribeOk || !alias) {
    return unmet("SUBSCRIBE was answered by message " + hex(ok.type));
  }
  made.alias_below = *alias;
  made.ok = in.rest();
  return made;
}

}  // namespace moq::conformance
