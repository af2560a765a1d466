# postgres.sh: the local cluster's Postgres, for cluster.sh, which sources it.
#
# Owns where its programs are, as whom it runs (it refuses root) and where its data lies. Knows no schema. Invariant: the
# only folder outside $state that is ever removed is the one that this script made for want of access to $state.

# The folder of the newest installed server (looked for in the same places as by ensure.sh).
postgres_programs() {
  local folder
  for folder in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* \
    /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin 2>/dev/null | sort -rV); do
    if [ -x "$folder/initdb" ]; then
      printf '%s' "$folder"
      return
    fi
  done
  dirname "$(command -v initdb)"
}

# Fills $as_postgres: what to put before a command so that it runs as the user postgres. It becomes the command.
choose_postgres_user() {
  as_postgres=(env LC_ALL=C)
  if [ "$(id -u)" -ne 0 ]; then
    return
  fi
  if setpriv --version >/dev/null 2>&1; then
    as_postgres+=(setpriv --reuid "$(id -u postgres)" --regid "$(id -g postgres)" --clear-groups)
  else
    as_postgres+=(su -s /bin/sh postgres -c 'exec "$0" "$@"')
  fi
}

# Fills $postgres_data with an empty folder of that user, elsewhere where it has no access to $state (a checkout in /root).
choose_postgres_data() {
  postgres_data=$state/postgres
  mkdir "$postgres_data"
  if ! "${as_postgres[@]}" test -x "$postgres_data" 2>/dev/null; then
    postgres_data=$(mktemp -d "${TMPDIR:-/tmp}/hubbub-cluster-XXXXXX")
    printf '%s' "$postgres_data" >"$state/postgres-data"
  fi
  if [ "$(id -u)" -eq 0 ]; then
    chown "$(id -u postgres):$(id -g postgres)" "$postgres_data"
  fi
  chmod 700 "$postgres_data"
}

remove_postgres_data() {
  local folder
  if [ -f "$state/postgres-data" ]; then
    folder=$(cat "$state/postgres-data")
    case $folder in
      */hubbub-cluster-??????) rm -rf "$folder" ;;
    esac
  fi
}

start_postgres() {
  local programs
  programs=$(postgres_programs)
  take_port postgres_port
  choose_postgres_user
  choose_postgres_data
  cd "$postgres_data"
  check initdb "${as_postgres[@]}" "$programs/initdb" -D "$postgres_data/data" -U postgres -A trust -E UTF8 --locale=C
  launch postgres "${as_postgres[@]}" "$programs/postgres" -D "$postgres_data/data" -p "$postgres_port" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories="$postgres_data" -c max_connections=200
  cd "$root"
  await postgres "$READY_SECONDS" postgres_answers "$programs" || failed postgres
  # Where `su` stood in between, the recorded process was not the server itself.
  record postgres "$(head -n 1 "$postgres_data/data/postmaster.pid")"
  check createdb "$programs/createdb" -h 127.0.0.1 -p "$postgres_port" -U postgres hubbub
  located postgres "$(database_url)"
}

postgres_answers() {
  "$1/pg_isready" -q -h 127.0.0.1 -p "$postgres_port"
}

database_url() {
  printf 'postgres://postgres@127.0.0.1:%s/hubbub' "$postgres_port"
}
