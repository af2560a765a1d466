#!/usr/bin/env bash
# growth.sh [-r REPETITIONS] [-k "rooms members nodes idle"] [FOLDER]: does a delivery, or a silent connection, cost more
# where there are more of them?
#
# rooms: 25, 100 and 400 rooms of ten members. members: 25 rooms of 10, 40 and 160. Both at 5,000 deliveries per second,
# so that what is compared is size and not how many frames share a write. nodes: case B on one, two and three nodes.
# idle: 1,000, 4,000 and 16,000 connections. Fresh servers each time; reports stay in FOLDER, and one that is there
# already is not measured again.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repetitions=3
kinds="rooms members nodes idle"
while getopts r:k: option; do
  case $option in
    r) repetitions=$OPTARG ;;
    k) kinds=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"

# measure NAME NODES SCENARIO [swarm options]: one report, unless it is there.
measure() {
  local name=$1 nodes=$2 scenario=$3 status=0
  shift 3
  [ ! -s "$folder/$name.json" ] || return 0
  "$here/../measure.sh" "$nodes" "$here/../scenarios/$scenario.toml" --json "$folder/$name.json" "$@" \
    >"$folder/$name.txt" 2>"$folder/$name.err" || status=$?
  case $status in
    0 | 99) echo "$name: $(head -n 1 "$folder/$name.txt")" >&2 ;;
    *)
      tail -n 20 "$folder/$name.err" >&2
      exit 1
      ;;
  esac
}

# one KIND FACTOR NUMBER
one() {
  local name=growth-$1-$2-$3 factor=$2
  case $1 in
    rooms) measure "$name" 2 bench-b --duration 10s --set "users=$((250 * factor))" --set "rooms=$((25 * factor))" ;;
    members)
      measure "$name" 2 bench-b --duration 10s --set rooms=25 --set "users=$((250 * factor))" \
        --set "rate=$(awk "BEGIN { print 500 / $factor }")"
      ;;
    nodes) measure "$name" "$factor" bench-b --duration 10s ;;
    idle) measure "$name" 2 bench-a --duration 10s --set "users=$((1000 * factor))" --set "rooms=$((100 * factor))" ;;
    *)
      echo "no such kind: $1" >&2
      exit 2
      ;;
  esac
}

# factors KIND
factors() {
  case $1 in
    nodes) echo 1 2 3 ;;
    *) echo 1 4 16 ;;
  esac
}

for ((number = 1; number <= repetitions; number++)); do
  for kind in $kinds; do
    for factor in $(factors "$kind"); do one "$kind" "$factor" "$number"; done
  done
done
echo "reports: $folder" >&2
node "$here/figures.mjs" growth "$folder"
