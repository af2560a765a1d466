#!/usr/bin/env bash
# measure.sh GATEWAYS SCENARIO [swarm options]: one measured run against fresh servers on this machine.
#
# Where everything runs is said in bench/servers.sh. Needs `cargo build --release -p hubbub -p swarm`. Variables:
# HUBBUB_… settings are passed on to the servers; SERVERS=socketio measures the peer in peers/socketio instead (after
# `npm ci` there), over the same kind of Redis, without a database.
set -euo pipefail

gateways=${1:?how many gateways}
scenario=${2:?a scenario file}
shift 2
# shellcheck source=SCRIPTDIR/bench/servers.sh
. "$(dirname "${BASH_SOURCE[0]}")/bench/servers.sh"

start_servers "${SERVERS:-hubbub}" "$gateways"
generate "$scenario" "${judged[@]}" "$@"
