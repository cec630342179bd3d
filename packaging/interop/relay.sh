#!/bin/sh
# moq-relay as the public interop runner starts it: everything by environment variables.
#
#   MOQT_ROLE    relay (the default); any other ends with 127
#   MOQT_PORT    UDP port, of raw QUIC and WebTransport both (4443)
#   MOQT_CERT    PEM file of the certificate (/certs/cert.pem)
#   MOQT_KEY     PEM file of its key (/certs/priv.key)
#   MOQT_DRAFT   speak only this draft, "draft-18"; one that is not spoken ends with 127
#
# Anyone may publish and subscribe, at any path. Arguments are flags of moq-relay's.
set -eu

role=${MOQT_ROLE:-relay}
if [ "$role" != relay ]; then
  echo "no role \"$role\" here: relay is the only one" >&2
  exit 127
fi

case ${MOQT_DRAFT:-} in
  '') ;;
  draft-14 | draft-18) set -- --server-version "moq-transport-${MOQT_DRAFT#draft-}" "$@" ;;
  *)
    echo "\"$MOQT_DRAFT\" is not spoken here" >&2
    exit 127
    ;;
esac

# Without IPv6 there is no socket for [::].
host='[::]'
[ -e /proc/net/if_inet6 ] || host=0.0.0.0

# One worker: the runner gives a relay one CPU, whatever the machine has.
exec moq-relay --server-bind "$host:${MOQT_PORT:-4443}" --server-workers 1 \
  --tls-cert "${MOQT_CERT:-/certs/cert.pem}" --tls-key "${MOQT_KEY:-/certs/priv.key}" \
  --auth-public '' "$@"
