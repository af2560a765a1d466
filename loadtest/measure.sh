#!/usr/bin/env bash
# measure.sh GATEWAYS SCENARIO [swarm options]: one measured run against fresh servers on this machine.
#
# Redis and the gateways share core 0, the swarm has core 1 (with taskset), the persister and Postgres run where there
# is room and are reported beside the total. Everything is scratch and ends with the script. Needs
# `cargo build --release -p hubbub -p swarm`. Variables: HUBBUB_… settings are passed on to the servers; SERVERS=socketio
# measures the peer in peers/socketio instead (after `npm ci` there), over the same kind of Redis, without a database.
set -euo pipefail

gateways=${1:?how many gateways}
scenario=${2:?a scenario file}
servers=${SERVERS:-hubbub}
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
programs=${CARGO_TARGET_DIR:-$root/target}/release
state=$(mktemp -d)
chmod 755 "$state"
run=$state/run
log=$state/log
next_port=18500
mkdir -p "$run" "$log" "$state/redis"
# shellcheck source-path=SCRIPTDIR/../deploy/local
. "$root/deploy/local/processes.sh"
. "$root/deploy/local/postgres.sh"

names=()
for ((number = 1; number <= gateways; number++)); do names+=("gateway-$number"); done

end() {
  stop TERM "${names[@]}" persister redis >/dev/null 2>&1 || true
  stop INT postgres >/dev/null 2>&1 || true
  remove_postgres_data
  rm -rf "$state"
}
trap end EXIT
trap 'exit 130' INT TERM

failed() {
  echo "measure.sh: $1 failed" >&2
  tail -n 20 "$log/$1.log" >&2 || true
  exit 1
}

# The local cluster's scripts report addresses with this; a measurement has nobody to tell.
located() { :; }
READY_SECONDS=30

answers() {
  [ "$(redis-cli -h 127.0.0.1 -p "$redis_port" PING 2>/dev/null)" = PONG ]
}

ulimit -Sn "$(ulimit -Hn)"
take_port redis_port
launch redis taskset -c 0 redis-server --bind 127.0.0.1 --port "$redis_port" --dir "$state/redis" --save "" \
  --appendonly yes --appendfsync everysec --client-output-buffer-limit pubsub 256mb 64mb 60
await redis 30 answers || failed redis
redis_url=redis://127.0.0.1:$redis_port
secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
targets=()
pids=(--pid "redis=$(pid_of redis)")

# add_gateway NAME PORT: one more that clients are sent to and that is measured.
add_gateway() {
  targets+=(--target "127.0.0.1:$2")
  pids+=(--pid "gateway=$(pid_of "$1")")
}

# shellcheck disable=SC2154 # `public` and `admin` are assigned by take_port
start_hubbub() {
  local name
  start_postgres
  export HUBBUB_REDIS__URL=$redis_url HUBBUB_AUTH__JWT_SECRET=$secret
  HUBBUB_DATABASE__URL=$(database_url)
  export HUBBUB_DATABASE__URL
  check migrate "$programs/hubbub" migrate
  for name in "${names[@]}"; do
    take_port public
    take_port admin
    launch "$name" env HUBBUB_SERVER__LISTEN="127.0.0.1:$public" HUBBUB_SERVER__ADMIN_LISTEN="127.0.0.1:$admin" \
      HUBBUB_SERVER__NODE_NAME="$name" taskset -c 0 "$programs/hubbub" gateway
    await "$name" 30 is_ready "$admin" || failed "$name"
    add_gateway "$name" "$public"
  done
  take_port admin
  launch persister env HUBBUB_SERVER__ADMIN_LISTEN="127.0.0.1:$admin" "$programs/hubbub" persister
  await persister 30 is_ready "$admin" || failed persister
  pids+=(--pid "persister=$(pid_of persister)" --pid "postgres=$(pid_of postgres)")
  judged=(--database "$HUBBUB_DATABASE__URL")
}

start_socketio() {
  local name
  for name in "${names[@]}"; do
    take_port public
    launch "$name" env PORT="$public" REDIS_URL="$redis_url" JWT_SECRET="$secret" \
      taskset -c 0 node "$here/peers/socketio/server.mjs"
    await "$name" 30 listens "$public" || failed "$name"
    add_gateway "$name" "$public"
  done
  judged=(--set peer=true)
}

case $servers in
  hubbub) start_hubbub ;;
  socketio) start_socketio ;;
  *)
    echo "measure.sh: SERVERS is hubbub or socketio" >&2
    exit 2
    ;;
esac

taskset -c 1 "$programs/swarm" run "$scenario" "${targets[@]}" "${pids[@]}" --secret "$secret" "${judged[@]}" "$@"
