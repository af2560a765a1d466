#!/usr/bin/env bash
# case.sh CASE VARIANT REPORT: one measured run of one case against fresh servers; its figures as JSON into REPORT.
#
# Cases: a b bmax c d e (scenarios/bench-*.toml). Variants: raw and socketio are this gateway with clients of that
# dialect, peer is stock socket.io. Variables: NODES (2), STEP_SECONDS and FOUND_SECONDS for those cases whose highest
# rate is searched. A breach that the swarm finds is in REPORT, and no reason to fail here.
set -euo pipefail

case=${1:?a case}
variant=${2:?a variant}
report=$(realpath -m "${3:?a file for the report}")
nodes=${NODES:-2}
# shellcheck source=SCRIPTDIR/servers.sh
. "$(dirname "${BASH_SOURCE[0]}")/servers.sh"
# shellcheck source=SCRIPTDIR/search.sh
. "$bench/search.sh"

# start VARIANT: fresh servers, and how the swarm speaks to them.
start() {
  case $1 in
    raw) start_servers hubbub "$nodes" && spoken=() ;;
    socketio) start_servers hubbub "$nodes" && spoken=(--set dialect=socketio) ;;
    peer) start_servers socketio "$nodes" && spoken=(--set dialect=socketio) ;;
    *)
      echo "variants are raw, socketio and peer, not $1" >&2
      exit 2
      ;;
  esac
}

# once SCENARIO [swarm options]: one run into $report.
once() {
  local scenario=$1 status=0
  shift
  generate "$loadtest/scenarios/$scenario.toml" "${spoken[@]}" "$@" --json "$report" >"$report.txt" || status=$?
  case $status in
    0 | 99) ;;
    *) exit 1 ;;
  esac
}

# At full speed one client says more per second than the default limit lets it.
export HUBBUB_LIMITS__COMMANDS_PER_SECOND=0
case $case in
  a | b | c | e) start "$variant" && once "bench-$case" "${judged[@]}" ;;
  bmax) search bench-b 2000 ;;
  d) search bench-d 4000 ;;
  *)
    echo "no such case: $case" >&2
    exit 2
    ;;
esac
