# servers.sh: fresh servers for one measured run; measure.sh and the scripts in this folder source it.
#
# Owns where things run: Redis and the gateways share core 0, the swarm has core 1 (with taskset), the persister and
# Postgres run where there is room and are reported beside the total. Owns their end too: everything is scratch, in one
# folder, and ends with the script that sourced this. Knows nothing of what is measured.
#
# After `start_servers KIND COUNT`: $targets and $pids (swarm's options), $judged (options by which the swarm may judge
# this kind of server), $secret, $names (the gateways'), $admins (their internal ports), $redis_port, $persister_admin.
#
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the scripts that source this use its variables; take_port assigns some

bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
loadtest=$(cd "$bench/.." && pwd)
root=$(cd "$loadtest/.." && pwd)
programs=${CARGO_TARGET_DIR:-$root/target}/release
swarm=${SWARM:-$programs/swarm}
hubbub=${HUBBUB:-$programs/hubbub}
state=$(mktemp -d)
chmod 755 "$state"
run=$state/run
log=$state/log
next_port=18500
READY_SECONDS=30
names=()
admins=()
mkdir -p "$run" "$log" "$state/redis"
# shellcheck source=SCRIPTDIR/../../deploy/local/processes.sh
. "$root/deploy/local/processes.sh"
# shellcheck source=SCRIPTDIR/../../deploy/local/postgres.sh
. "$root/deploy/local/postgres.sh"

end_servers() {
  stop TERM ${names[@]+"${names[@]}"} persister redis >/dev/null 2>&1 || true
  stop INT postgres >/dev/null 2>&1 || true
  remove_postgres_data
  rm -rf "$state"
}
trap end_servers EXIT
trap 'exit 130' INT TERM

failed() {
  echo "$1 failed" >&2
  tail -n 20 "$log/$1.log" >&2 || true
  exit 1
}

# The local cluster's scripts report addresses with this; a measurement has nobody to tell.
located() { :; }

answers() {
  [ "$(redis-cli -h 127.0.0.1 -p "$redis_port" PING 2>/dev/null)" = PONG ]
}

# start_redis: with the settings that both kinds of server are measured over.
start_redis() {
  take_port redis_port
  launch redis taskset -c 0 redis-server --bind 127.0.0.1 --port "$redis_port" --dir "$state/redis" --save "" \
    --appendonly yes --appendfsync everysec --client-output-buffer-limit pubsub 256mb 64mb 60
  await redis 30 answers || failed redis
  redis_url=redis://127.0.0.1:$redis_port
  pids=(--pid "redis=$(pid_of redis)")
}

# add_gateway NAME PORT: one more that clients are sent to and that is measured.
add_gateway() {
  names+=("$1")
  targets+=(--target "127.0.0.1:$2")
  pids+=(--pid "gateway=$(pid_of "$1")")
}

# launch_gateway NAME PORT ADMIN-PORT: one node of ours, ready.
launch_gateway() {
  launch "$1" env HUBBUB_SERVER__LISTEN="127.0.0.1:$2" HUBBUB_SERVER__ADMIN_LISTEN="127.0.0.1:$3" \
    HUBBUB_SERVER__NODE_NAME="$1" taskset -c 0 "$hubbub" gateway
  await "$1" 30 is_ready "$3" || failed "$1"
}

# start_gateway NAME: one node of ours, that clients are sent to.
start_gateway() {
  take_port public
  take_port admin
  launch_gateway "$1" "$public" "$admin"
  admins+=("$admin")
  add_gateway "$1" "$public"
}

start_persister() {
  take_port persister_admin
  launch persister env HUBBUB_SERVER__ADMIN_LISTEN="127.0.0.1:$persister_admin" "$hubbub" persister
  await persister 30 is_ready "$persister_admin" || failed persister
  pids+=(--pid "persister=$(pid_of persister)")
}

# start_hubbub COUNT
start_hubbub() {
  local number
  start_postgres
  export HUBBUB_REDIS__URL=$redis_url HUBBUB_AUTH__JWT_SECRET=$secret
  HUBBUB_DATABASE__URL=$(database_url)
  export HUBBUB_DATABASE__URL
  check migrate "$hubbub" migrate
  for ((number = 1; number <= $1; number++)); do start_gateway "gateway-$number"; done
  start_persister
  pids+=(--pid "postgres=$(pid_of postgres)")
  judged=(--database "$HUBBUB_DATABASE__URL")
}

# start_socketio COUNT: the peer in peers/socketio, which knows no database and numbers nothing.
start_socketio() {
  local number
  [ -d "$loadtest/peers/socketio/node_modules" ] || {
    echo "the peer is not installed: npm ci --prefix loadtest/peers/socketio" >&2
    exit 1
  }
  for ((number = 1; number <= $1; number++)); do
    take_port public
    launch "gateway-$number" env PORT="$public" REDIS_URL="$redis_url" JWT_SECRET="$secret" \
      taskset -c 0 node "$loadtest/peers/socketio/server.mjs"
    await "gateway-$number" 30 listens "$public" || failed "gateway-$number"
    add_gateway "gateway-$number" "$public"
  done
  judged=(--set peer=true)
}

# start_servers KIND COUNT: Redis, and COUNT gateways of that kind.
start_servers() {
  ulimit -Sn "$(ulimit -Hn)"
  secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
  targets=()
  start_redis
  case $1 in
    hubbub) start_hubbub "$2" ;;
    socketio) start_socketio "$2" ;;
    *)
      echo "servers are hubbub or socketio, not $1" >&2
      exit 2
      ;;
  esac
}

# generate SCENARIO [swarm options]: one run of the swarm on its core. The secret is not on the command line.
generate() {
  local scenario=$1
  shift
  taskset -c 1 "$swarm" run "$scenario" "${targets[@]}" "${pids[@]}" --secret-file <(printf '%s' "$secret") "$@"
}
