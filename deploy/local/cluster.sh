#!/usr/bin/env bash
# cluster.sh up|restart [NAME]...|down|status|logs [NAME]...|clean: a whole Hubbub cluster on this machine's loopback.
#
#   up      Redis, Postgres, migrate, 3 gateways, 2 persisters and HAProxy as real processes. Prints the one public
#           address last; a second one, without the rule for Socket.IO sessions, is there to try plain round robin. It is
#           a scratch cluster: every `up` begins with empty data.
#   restart sends gateways or persisters away one after the other, as a deployment does, and starts each again as it was
#           (Linux). A gateway drains first.
#   down    ends exactly those processes; data and logs stay until the next `up` or `clean`. Safe to repeat.
#   status  who runs and where; exit 1 unless everybody does.
#   logs    the end of every log, or of those named.
#   clean   down, and removes everything.
#
# Variables: CLUSTER_STATE (the folder in which everything is kept, default target/cluster; a second cluster needs another
# one); PUBLIC_PORT (default 8080, or another where that is taken); HUBBUB_BIN (a built program; default: a release
# build); CLUSTER_SEAL_KEYS (default: one fresh key); HUBBUB_… settings are passed on to the parts.
# Invariant: either every part is ready when `up` ends with 0, or none runs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
state=${CLUSTER_STATE:-$root/target/cluster}
run=$state/run
log=$state/log
PATH="$PATH:/usr/sbin:/usr/local/sbin"

GATEWAYS=(gateway-1 gateway-2 gateway-3)
PERSISTERS=(persister-1 persister-2)
PARTS=(redis postgres "${GATEWAYS[@]}" "${PERSISTERS[@]}" haproxy)
READY_SECONDS=60
# First of the internal ports; each part takes the next free one. Below the range of outgoing connections.
next_port=18100

# shellcheck source-path=SCRIPTDIR
. "$here/processes.sh"
. "$here/postgres.sh"

# --- up ---------------------------------------------------------------------------------------------------------------

up() {
  local name
  for name in "${PARTS[@]}"; do
    if is_alive "$name"; then
      echo "cluster.sh: $name runs already; end the cluster first (make cluster-down)" >&2
      exit 1
    fi
  done
  "$here/ensure.sh" redis postgres haproxy
  choose_public_port
  build
  trap 'undo' EXIT
  trap 'exit 130' INT TERM HUP
  scratch
  raise_file_limit
  start_redis
  start_postgres
  settings
  check migrate "$hubbub" migrate
  start_gateways
  start_persisters
  start_haproxy
  trap - EXIT INT TERM HUP
  summary
}

build() {
  if [ -n "${HUBBUB_BIN:-}" ]; then
    hubbub=$(cd "$(dirname "$HUBBUB_BIN")" && pwd)/$(basename "$HUBBUB_BIN")
  else
    (cd "$root" && cargo build --release -p hubbub)
    hubbub=${CARGO_TARGET_DIR:-$root/target}/release/hubbub
  fi
  if [ ! -x "$hubbub" ]; then
    echo "cluster.sh: no program at $hubbub" >&2
    exit 1
  fi
}

# Runs at every exit of an `up` that is not complete.
undo() {
  trap - EXIT
  echo "cluster.sh: the cluster did not come up; ending what was started" >&2
  down
  exit 1
}

# failed NAME: shows why, then ends everything (by the exit trap).
failed() {
  echo "cluster.sh: $1 failed; the end of $log/$1.log:" >&2
  tail -n 40 "$log/$1.log" >&2 || true
  exit 1
}

# Empty data, a fresh secret and a fresh key for message bodies.
scratch() {
  remove_postgres_data
  rm -rf "$state"
  mkdir -p "$run" "$log" "$state/redis"
  (
    umask 077
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$state/secret"
    if [ -n "${CLUSTER_SEAL_KEYS:-}" ]; then
      printf '%s' "$CLUSTER_SEAL_KEYS" >"$state/seal-keys"
    else
      printf 'local:%s' "$(head -c 32 /dev/urandom | base64 | tr -d '\n')" >"$state/seal-keys"
    fi
  )
}

# Two descriptors per client in HAProxy. Capped: some systems allow a billion and programs reserve memory for each.
raise_file_limit() {
  files=$(ulimit -Hn)
  if [ "$files" = unlimited ] || [ "$files" -gt 65536 ]; then
    files=65536
  fi
  ulimit -Sn "$files" 2>/dev/null || files=$(ulimit -Sn)
}

# What every part is told. Only gateways get the key for message bodies: nobody else has a use for it.
settings() {
  # A twin that names a file would contradict what is set here; and every HUBBUB_ variable must be a setting.
  unset HUBBUB_BIN HUBBUB_REDIS__URL_FILE HUBBUB_DATABASE__URL_FILE HUBBUB_AUTH__JWT_SECRET_FILE
  unset HUBBUB_SEAL__KEYS HUBBUB_SEAL__KEYS_FILE
  # shellcheck disable=SC2154 # the ports are assigned by take_port, through their names
  HUBBUB_REDIS__URL=redis://127.0.0.1:$redis_port
  HUBBUB_DATABASE__URL=$(database_url)
  HUBBUB_AUTH__JWT_SECRET=$(cat "$state/secret")
  export HUBBUB_REDIS__URL HUBBUB_DATABASE__URL HUBBUB_AUTH__JWT_SECRET
}

start_redis() {
  take_port redis_port
  cat >"$state/redis.conf" <<EOF
bind 127.0.0.1
port $redis_port
dir "$state/redis"
save ""
appendonly yes
appendfsync everysec
client-output-buffer-limit pubsub 256mb 64mb 60
EOF
  launch redis redis-server "$state/redis.conf"
  await redis "$READY_SECONDS" redis_answers || failed redis
  located redis "redis://127.0.0.1:$redis_port"
}

redis_answers() {
  [ "$(redis-cli -h 127.0.0.1 -p "$redis_port" PING 2>/dev/null)" = PONG ]
}

start_gateways() {
  local name port index=0
  for name in "${GATEWAYS[@]}"; do
    take_port port && gateway_ports[index]=$port
    take_port port && gateway_admin_ports[index]=$port
    launch "$name" env HUBBUB_SERVER__NODE_NAME="$name" \
      HUBBUB_SEAL__KEYS_FILE="$state/seal-keys" \
      HUBBUB_SERVER__TRUSTED_PROXIES="${HUBBUB_SERVER__TRUSTED_PROXIES:-127.0.0.1/32}" \
      HUBBUB_SERVER__LISTEN="127.0.0.1:${gateway_ports[index]}" \
      HUBBUB_SERVER__ADMIN_LISTEN="127.0.0.1:${gateway_admin_ports[index]}" "$hubbub" gateway
    located "$name" "http://127.0.0.1:${gateway_ports[index]} admin http://127.0.0.1:${gateway_admin_ports[index]}"
    index=$((index + 1))
  done
  for index in "${!GATEWAYS[@]}"; do
    name=${GATEWAYS[index]}
    await "$name" "$READY_SECONDS" is_ready "${gateway_admin_ports[index]}" || failed "$name"
  done
}

start_persisters() {
  local name port index=0
  for name in "${PERSISTERS[@]}"; do
    take_port port && persister_ports[index]=$port
    launch "$name" env HUBBUB_SERVER__NODE_NAME="$name" \
      HUBBUB_SERVER__ADMIN_LISTEN="127.0.0.1:${persister_ports[index]}" "$hubbub" persister
    located "$name" "admin http://127.0.0.1:${persister_ports[index]}"
    index=$((index + 1))
  done
  for index in "${!PERSISTERS[@]}"; do
    name=${PERSISTERS[index]}
    await "$name" "$READY_SECONDS" is_ready "${persister_ports[index]}" || failed "$name"
  done
}

start_haproxy() {
  local index edits
  take_port plain_port
  edits=(-e "s/@PUBLIC_PORT@/$public_port/" -e "s/@PLAIN_PORT@/$plain_port/" -e "s/@MAXCONN@/$(((files - 200) / 2))/")
  for index in "${!GATEWAYS[@]}"; do
    edits+=(-e "s/@GATEWAY_$((index + 1))_PORT@/${gateway_ports[index]}/")
    edits+=(-e "s/@GATEWAY_$((index + 1))_ADMIN_PORT@/${gateway_admin_ports[index]}/")
  done
  sed "${edits[@]}" "$here/haproxy.cfg.in" >"$state/haproxy.cfg"
  launch haproxy haproxy -db -f "$state/haproxy.cfg"
  await haproxy "$READY_SECONDS" is_ready "$public_port" || failed haproxy
  located haproxy "http://127.0.0.1:$public_port"
}

choose_public_port() {
  public_port=${PUBLIC_PORT:-8080}
  if ! listens "$public_port"; then
    return
  fi
  if [ -n "${PUBLIC_PORT:-}" ]; then
    echo "cluster.sh: PUBLIC_PORT $public_port is in use" >&2
    exit 1
  fi
  take_port public_port
}

# located NAME ADDRESS: remembered for `status` and the summary.
located() {
  printf '%-12s %s\n' "$1" "$2" >>"$state/addresses"
}

summary() {
  cat "$state/addresses"
  echo
  echo "a token:     HUBBUB_AUTH__JWT_SECRET_FILE=$state/secret $hubbub token mint --user alice -q"
  echo "database:    $HUBBUB_DATABASE__URL"
  echo "round robin: http://127.0.0.1:$plain_port (no session rule; gateways pass Socket.IO sessions on to each other)"
  echo "logs, end:   make cluster-logs, make cluster-down"
  echo "ws://127.0.0.1:$public_port/?token=TOKEN"
  echo "http://127.0.0.1:$public_port"
}

# --- down, status, logs, clean ------------------------------------------------------------------------------------------

down() {
  stop TERM haproxy
  stop TERM "${GATEWAYS[@]}"
  stop TERM "${PERSISTERS[@]}"
  stop TERM redis
  # To Postgres, SIGTERM means "when the last client has left" and SIGINT "now, in an orderly way".
  stop INT postgres
}

status() {
  local name pid address result=0
  for name in "${PARTS[@]}"; do
    address=$(grep "^$name " "$state/addresses" 2>/dev/null || printf '%-12s -' "$name")
    if pid=$(pid_of "$name"); then
      printf '%s pid %s\n' "$address" "$pid"
    else
      printf '%s NOT RUNNING\n' "$address"
      result=1
    fi
  done
  return $result
}

logs() {
  local name
  [ $# -gt 0 ] || set -- migrate "${PARTS[@]}"
  for name in "$@"; do
    echo "==> $log/$name.log"
    tail -n 50 "$log/$name.log" 2>/dev/null || echo "(none)"
  done
}

restart() {
  local name
  [ $# -gt 0 ] || set -- "${GATEWAYS[@]}"
  for name in "$@"; do
    case $name in
      gateway-* | persister-*) replace "$name" ;;
      *)
        echo "cluster.sh: $name is not one that can be restarted" >&2
        exit 64
        ;;
    esac
  done
}

# replace NAME: the same program with the same settings, which are read off the running one.
replace() {
  local name=$1 pid program admin environment
  if ! pid=$(pid_of "$name"); then
    echo "cluster.sh: $name does not run" >&2
    exit 1
  fi
  mapfile -d '' -t environment <"/proc/$pid/environ"
  program=$(readlink "/proc/$pid/exe")
  admin=$(printf '%s\n' "${environment[@]}" | sed -n 's/^HUBBUB_SERVER__ADMIN_LISTEN=.*://p')
  stop TERM "$name"
  launch "$name" env -i "${environment[@]}" "$program" "${name%-*}"
  await "$name" "$READY_SECONDS" is_ready "$admin" || exit 1
}

clean() {
  down
  remove_postgres_data
  rm -rf "$state"
}

case ${1:-} in
  up | restart | down | status | logs | clean) "$@" ;;
  *)
    echo "usage: cluster.sh up|restart [NAME]...|down|status|logs [NAME]...|clean" >&2
    exit 64
    ;;
esac
