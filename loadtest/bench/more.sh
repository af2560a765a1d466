#!/usr/bin/env bash
# more.sh ROW...: the measurements that have no peer beside them, each against fresh servers; one line of figures per row.
#
# Rows: idle drain box history replay jitter avalanche leave rolling start size build. `build` builds everything anew in a
# folder of its own and takes minutes. What is promised per message and delivery (one encoding per dialect, no heap
# allocation) is not measured here but tested: crates/gateway/tests/allocations, and the instruction counts in
# crates/gateway/benches.
set -euo pipefail

rows=${*:?which rows}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Each row in a shell of its own: its servers end with it.
if [ $# -gt 1 ]; then
  for row in $rows; do "$here/more.sh" "$row"; done
  exit
fi

# shellcheck source=SCRIPTDIR/servers.sh
. "$here/servers.sh"
report=$state.json
trap 'end_servers; rm -f "$report"' EXIT
export HUBBUB_LIMITS__COMMANDS_PER_SECOND=0

clients() { node --experimental-websocket --no-warnings "$bench/clients.mjs" "$@"; }

# judged_run SCENARIO [swarm options]: one run of the swarm, judged by the database as well, into $report.
judged_run() {
  local scenario=$1 status=0
  shift
  generate "$loadtest/scenarios/$scenario.toml" "${judged[@]}" "$@" --json "$report" >"$log/swarm.txt" 2>&1 || status=$?
  case $status in
    0 | 99) ;;
    *) failed swarm ;;
  esac
}

say() { printf '%s: %s\n' "$rows" "$1"; }
# tell EXPRESSION: the row's figures, out of the report `r`.
tell() { say "$(node -e "const r = JSON.parse(require('fs').readFileSync('$report')); console.log($1)")"; }
VERDICT="r.verdict + (r.failures.length ? ' (' + r.failures.join(', ') + ')' : '')"

idle() {
  start_servers hubbub 2
  judged_run bench-a
  tell "\`\${r.idle.cpu_micros_per_connection_second.toFixed(2)} µs of CPU per connection and second, \${r.idle.connections} connections\`"
}

drain() {
  say "see below"
  (cd "$root" && cargo run --quiet --release -p persister --example drain)
}

# Everything on two cores, the generator too: what is accepted is stored, and soon.
box() {
  start_servers hubbub 2
  judged_run bench-d --set rate=10000 --duration "${BOX_SECONDS:-60}s" --set warmup=3s --set persistence=60s &
  local swarm_job=$! oldest worst=0
  while kill -0 "$swarm_job" 2>/dev/null; do
    oldest=$(fetch "$persister_admin" /metrics | awk '/^hubbub_persister_journal_oldest_seconds/ { if ($2 > m) m = $2 } END { print m + 0 }')
    worst=$(awk "BEGIN { print ($oldest > $worst) ? $oldest : $worst }")
    sleep 0.5
  done
  wait "$swarm_job"
  tell "\`\${$VERDICT}, accepted \${r.acknowledged}, stored \${r.rows_in_database}, \${r.acknowledged_per_second.toFixed(0)}/s, \
p99 \${r.latency.p99.toFixed(1)} ms, oldest unstored $worst s\`"
}

# fetch PORT PATH: the body of an answer.
fetch() { curl --silent --max-time 2 "http://127.0.0.1:$1$2" || true; }

sql() { "$(postgres_programs)/psql" -X -q -h 127.0.0.1 -p "$postgres_port" -U postgres -d hubbub -At "$@"; }

# 1,000,000 messages in 1,000 rooms; the statement is the one behind GET /api/rooms/{room}/messages.
history() {
  start_servers hubbub 1
  sql -c "INSERT INTO messages (room, seq, epoch, id, kind, user_id, body, sent_at)
    SELECT 'room:' || n % 1000, n / 1000 + 1, 1, gen_random_uuid(), 'message', 'u1', decode(repeat('41', 100), 'hex'), now()
    FROM generate_series(0, 999999) AS n" -c "VACUUM ANALYZE messages"
  local times=() time
  for ((time = 0; time < 21; time++)); do
    times+=("$(sql -c "EXPLAIN (ANALYZE, TIMING OFF) SELECT * FROM messages WHERE room = 'room:$((time * 37))' AND kind = 'message'
      AND seq < $((1000 - time * 20)) ORDER BY seq DESC LIMIT 50" | sed -n 's/^Execution Time: \([0-9.]*\) ms/\1/p')")
  done
  say "$(printf '%s\n' "${times[@]}" | sort -n | awk '{ t[NR] = $1 } END { print t[11] " ms in the database (" t[1] " to " t[NR] "), page of 50 of 1,000,000 rows" }')"
}

replay() {
  start_servers hubbub 2
  say "$(clients replay "${targets[1]}" 1000)"
}

jitter() {
  start_servers hubbub 2
  judged_run mobile
  tell "\`\${$VERDICT}, \${r.cuts} cuts, \${r.delivered} of \${r.intended * r.users} delivered, lost \${r.lost}\`"
}

# 15,000 connections drop and return at once, from three processes and several source addresses.
avalanche() {
  start_servers hubbub 2
  judged_run bench-e --set users=15000 --set rooms=1500 --processes 3
  tell "\`\${$VERDICT}, back \${r.storms[0].back} of 15000 after \${r.storms[0].longest.toFixed(1)} s, \
handshake p99 \${r.connect.p99.toFixed(0)} ms, \${(r.storms[0].reconnects_per_cpu_second ?? 0).toFixed(0)} per server CPU s\`"
}

leave() {
  start_servers hubbub 2
  # The shell would tell that its child was killed.
  disown -a
  say "$(clients leave "${targets[1]}" "${targets[3]}" 1000 "$(pid_of gateway-2)")"
}

# Three nodes under load are ended in an orderly way and started again on the same port, one after the other.
rolling() {
  local seconds=${ROLLING_SECONDS:-90} swarm_job name index=0 began
  start_servers hubbub 3
  judged_run bench-b --duration "${seconds}s" --set thresholds.p99=10s --set thresholds.errors=1000000 --set settle=60s &
  swarm_job=$!
  began=$SECONDS
  sleep 8
  for name in gateway-1 gateway-2 gateway-3; do
    stop TERM "$name"
    launch_gateway "$name" "${targets[index * 2 + 1]#127.0.0.1:}" "${admins[index]}"
    index=$((index + 1))
  done
  if [ $((SECONDS - began)) -ge "$seconds" ]; then
    echo "the restarts took longer than the load: raise ROLLING_SECONDS" >&2
    exit 1
  fi
  wait "$swarm_job"
  tell "\`\${$VERDICT}, lost \${r.lost}, repeated \${r.repeated}, disordered \${r.disordered}, \${r.reconnects} reconnections, \
\${r.acknowledged} messages\`"
}

start() { say "$(clients start "$hubbub")"; }

size() { say "$(stat -c %s "$hubbub" | awk '{ printf "%.1f MB", $1 / 1e6 }')"; }

build() {
  local folder
  folder=$(mktemp -d)
  (cd "$root" && TIMEFORMAT='build: %R s' && time CARGO_TARGET_DIR=$folder cargo build --quiet --release -p hubbub)
  rm -rf "$folder"
}

case $rows in
  idle | drain | box | history | replay | jitter | avalanche | leave | rolling | start | size | build) "$rows" ;;
  *)
    echo "no such row: $rows" >&2
    exit 2
    ;;
esac
