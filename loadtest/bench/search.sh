# search.sh: the highest rate at which p99 stays below the scenario's threshold; case.sh sources it.
#
# Owns the search: raise by 1.6 until a step breaks, then bisect until good and broken are within a tenth, all in short
# steps on one set of fresh servers; then, on those, the found rate for longer and with the whole audit, and a twentieth
# less each time it does not hold. What broke (the servers or the generator) is in REPORT.steps, one line per step.
#
# shellcheck shell=bash disable=SC2154 # assigned by the script that sources this

STEP_SECONDS=${STEP_SECONDS:-3}
FOUND_SECONDS=${FOUND_SECONDS:-10}

calculate() { awk "BEGIN { print $1 }"; }
holds() { awk "BEGIN { exit !($1) }"; }

# step SCENARIO RATE [swarm options]: one short run; succeeds where everything held. A step without a report broke.
step() {
  local scenario=$1 rate=$2 step=$report.step.json
  shift 2
  rm -f "$step"
  generate "$loadtest/scenarios/$scenario.toml" "${spoken[@]}" --set "rate=$rate" --set warmup=1s --set settle=10s "$@" \
    --json "$step" >"$report.txt" 2>>"$report.err" || true
  node "$bench/figures.mjs" step "$step" "$rate" | tee -a "$report.steps" >&2
  grep -q '^held' <(tail -n 1 "$report.steps")
}

# search SCENARIO FIRST-RATE: leaves the found point's report in $report.
search() {
  local scenario=$1 rate=$2 good=0 bad=0
  : >"$report.steps"
  start "$variant"
  local told=()
  [ "$variant" = peer ] && told=("${judged[@]}")
  while [ "$bad" = 0 ] || holds "$bad / $good > 1.1"; do
    if step "$scenario" "$rate" --duration "${STEP_SECONDS}s" ${told[@]+"${told[@]}"}; then
      good=$rate
    else
      bad=$rate
    fi
    if [ "$good" = 0 ]; then
      rate=$(calculate "int($bad / 1.6)")
    elif [ "$bad" = 0 ]; then
      rate=$(calculate "int($good * 1.6)")
    else
      rate=$(calculate "int(sqrt($good * $bad))")
    fi
    # Below this nothing is worth finding: the servers do not work at all.
    holds "$rate >= 50" || exit 1
    [ "$good" = 0 ] && bad=0
  done
  confirm "$scenario" "$good"
}

# confirm SCENARIO RATE: the found rate for longer.
confirm() {
  local scenario=$1 rate=$2 attempt
  for attempt in 1 2 3 4; do
    if step "$scenario" "$rate" --duration "${FOUND_SECONDS}s" "${judged[@]}"; then
      break
    fi
    echo "that was attempt $attempt to confirm" >>"$report.steps"
    rate=$(calculate "int($rate * 0.95)")
  done
  mv "$report.step.json" "$report"
}
