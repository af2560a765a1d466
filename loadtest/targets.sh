#!/usr/bin/env bash
# targets.sh [-r REPETITIONS] [-c "a b bmax c d e"] [-v "raw socketio peer"] [-n NODES] [FOLDER]: this gateway beside
# stock socket.io, case by case.
#
# Each case is measured in turn, ours and the peer's, again and again in one sitting, with fresh servers each time; at
# the end one table of medians (least to most) and ratios. Reports stay in FOLDER (a scratch one unless named); a report
# that is there already is not measured again, so an interrupted sitting can go on. `-t` prints FOLDER's table alone.
# Needs `cargo build --release -p hubbub -p swarm`, and `npm ci` in peers/socketio.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repetitions=3
cases="a b bmax c d e"
variants="raw socketio peer"
NODES=2
table_only=
while getopts r:c:v:n:t option; do
  case $option in
    r) repetitions=$OPTARG ;;
    c) cases=$OPTARG ;;
    v) variants=$OPTARG ;;
    n) NODES=$OPTARG ;;
    t) table_only=yes ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
folder=${1:-$(mktemp -d)}
export NODES
mkdir -p "$folder"

# measure CASE VARIANT NUMBER: one report, unless it is there.
measure() {
  local name=$1-$2-$3
  [ ! -s "$folder/$name.json" ] || return 0
  echo "== $name" >&2
  rm -f "$folder/$name.json".*
  if ! "$here/bench/case.sh" "$1" "$2" "$folder/$name.json" 2>"$folder/$name.json.err"; then
    tail -n 20 "$folder/$name.json.err" >&2
    exit 1
  fi
  node "$here/bench/figures.mjs" line "$1" "$folder/$name.json" >&2
}

if [ -z "$table_only" ]; then
  for ((number = 1; number <= repetitions; number++)); do
    for case in $cases; do
      for variant in $variants; do measure "$case" "$variant" "$number"; done
    done
  done
  echo "reports: $folder" >&2
fi
node "$here/bench/figures.mjs" table "$folder"
