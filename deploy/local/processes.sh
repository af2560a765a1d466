# processes.sh: real processes by name, for cluster.sh and loadtest/measure.sh, which source it.
#
# Owns the pid files ($run/NAME: process id and start time) and logs ($log/NAME.log). Knows nothing of what runs.
# Invariant: a signal goes only to a process that this script started: a process id alone can be somebody else's after a
# reboot or a long time, so the start time must be the recorded one as well.

# How long an orderly end may take: a gateway drains for 25 s. Then SIGKILL, said aloud.
STOP_SECONDS=40

# started_at PID: something that no later process of the same number shares; nothing where it has ended.
started_at() {
  local line
  if [ -d /proc/self ]; then
    # After the closing bracket of the name: state first, start time twentieth.
    line=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 0
    set -- $line
    # A zombie has ended, even where nobody collects it.
    [ "$1" = Z ] || printf '%s' "${20}"
  else
    ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '-' || true
  fi
}

# record NAME PID
record() {
  printf '%s %s\n' "$2" "$(started_at "$2")" >"$run/$1"
}

# pid_of NAME: the process id while that very process lives; fails otherwise.
pid_of() {
  local pid start
  [ -f "$run/$1" ] && read -r pid start <"$run/$1" || return 1
  [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ] || return 1
  printf '%s' "$pid"
}

is_alive() {
  pid_of "$1" >/dev/null
}

# launch NAME PROGRAM ARGUMENT...: starts it apart from this terminal, with its output in its log.
launch() {
  local name=$1 apart
  shift
  # Both of these become the program, so the process id is the program's own.
  apart=$(command -v setsid || true)
  $apart nohup "$@" </dev/null >"$log/$name.log" 2>&1 &
  record "$name" $!
}

# await NAME SECONDS TEST...: until the test succeeds. Fails where the process ends or the time is over first.
await() {
  local name=$1 deadline=$((SECONDS + $2))
  shift 2
  until "$@"; do
    if ! is_alive "$name"; then
      echo "$name ended while it was starting" >&2
      return 1
    fi
    if [ $SECONDS -ge $deadline ]; then
      echo "$name was not ready in time" >&2
      return 1
    fi
    sleep 0.1
  done
}

# stop SIGNAL NAME...: signals all of them, then waits for all. Those that do not run are passed over.
stop() {
  local signal=$1 name pid deadline=$((SECONDS + STOP_SECONDS))
  shift
  for name in "$@"; do
    if pid=$(pid_of "$name"); then
      kill -s "$signal" "$pid" 2>/dev/null || true
    fi
  done
  for name in "$@"; do
    while is_alive "$name" && [ $SECONDS -lt $deadline ]; do
      sleep 0.1
    done
    if pid=$(pid_of "$name"); then
      echo "$name did not end within $STOP_SECONDS s: killed" >&2
      kill -s KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$run/$name"
  done
}

# check NAME PROGRAM...: something that must run to its end; calls the script's `failed` where it does not.
check() {
  local name=$1
  shift
  "$@" </dev/null >"$log/$name.log" 2>&1 || failed "$name"
}

# listens PORT: somebody accepts connections on it.
listens() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# is_ready PORT: GET /readyz answers 200.
is_ready() {
  local status
  status=$(
    exec 2>/dev/null
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf 'GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$1" >&3
    read -r -t 3 line <&3 && printf '%s' "$line"
    # Read to the end, or the server finds its connection reset and complains.
    while read -r -t 1 line <&3; do :; done
  ) || return 1
  case $status in
    HTTP/1.?' 200'*) return 0 ;;
    *) return 1 ;;
  esac
}

# take_port VARIABLE: puts the next port on which nobody listens into the variable.
take_port() {
  while listens "$next_port"; do
    next_port=$((next_port + 1))
  done
  printf -v "$1" '%s' "$next_port"
  next_port=$((next_port + 1))
}
