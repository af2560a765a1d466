#!/usr/bin/env bash
# compare-socketio.sh [-r REPETITIONS] [-n "1 2"] [-c "idle room plain rooms"] [FOLDER]: the gateway beside stock socket.io.
#
# Each case is measured in turn, ours and the peer's, again and again in one sitting, with fresh servers each time; at the
# end a table of medians (least to most) and ratios. Reports stay in FOLDER (a scratch one unless named). Needs
# `cargo build --release -p hubbub -p swarm`, and `npm ci` in peers/socketio.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repetitions=3
nodes="1 2"
cases="idle room plain rooms"
while getopts r:n:c: option; do
  case $option in
    r) repetitions=$OPTARG ;;
    n) nodes=$OPTARG ;;
    c) cases=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"

# run CASE NODES SERVERS NUMBER: one measured run. A broken promise is in its report, and no reason to stop.
run() {
  local name=$1-$2-$3-$4 status=0
  SERVERS=$3 "$here/measure.sh" "$2" "$here/scenarios/socketio-$1.toml" --json "$folder/$name.json" \
    >"$folder/$name.txt" 2>"$folder/$name.err" || status=$?
  case $status in
    0 | 99) echo "$name: $(head -n 1 "$folder/$name.txt")" >&2 ;;
    *)
      tail -n 20 "$folder/$name.err" >&2
      exit 1
      ;;
  esac
}

for ((number = 1; number <= repetitions; number++)); do
  for case in $cases; do
    for count in $nodes; do
      run "$case" "$count" hubbub "$number"
      run "$case" "$count" socketio "$number"
    done
  done
done
echo "reports: $folder" >&2
node "$here/peers/socketio/table.mjs" "$folder"
