#!/bin/sh
# ensure.sh NEED... : makes sure that the programs which tests and the local cluster need are installed.
#
#   NEED is any of: redis postgres haproxy node python chromium make
#
# A no-op where everything is present. Otherwise it installs with the system's package manager, as root or through a sudo
# that asks nothing, and keeps the packages' own services from being started. Where it may not, it prints the command to
# type and exits with 69. Invariant: exit 0 means that every need is met.
# shellcheck disable=SC2086 # lists of packages, and a command with its words, are meant to be split
set -eu

PATH="$PATH:/usr/sbin:/usr/local/sbin:/sbin"
UNAVAILABLE=69
USAGE=64

say() { printf '%s\n' "$*" >&2; }

# have PROGRAM...: all of them can be run.
have() {
  for program in "$@"; do
    command -v "$program" >/dev/null 2>&1 || return 1
  done
}

# Postgres' server programs are kept outside PATH by most distributions (the same places as in crates/testkit).
have_postgres() {
  have psql || return 1
  have initdb postgres && return 0
  for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* \
    /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
    [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && return 0
  done
  return 1
}

have_chromium() {
  have chromium || have chromium-browser || have google-chrome || have google-chrome-stable ||
    [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] ||
    [ -x /Applications/Chromium.app/Contents/MacOS/Chromium ]
}

# Some distributions keep what makes a virtual environment apart from Python.
have_python() {
  have python3 && python3 -c 'import ensurepip, venv' 2>/dev/null
}

is_met() {
  case $1 in
    redis) have redis-server redis-cli ;;
    postgres) have_postgres ;;
    haproxy) have haproxy ;;
    node) have node npm ;;
    python) have_python ;;
    chromium) have_chromium ;;
    make) have make ;;
    *)
      say "ensure.sh: unknown need '$1' (redis postgres haproxy node python chromium make)"
      exit $USAGE
      ;;
  esac
}

# The needs among the arguments that are not met, divided by blanks.
unmet() {
  list=
  for need in "$@"; do
    is_met "$need" || list="$list $need"
  done
  printf '%s' "$list"
}

package_manager() {
  for manager in apt-get dnf apk brew; do
    if have "$manager"; then
      printf '%s' "$manager"
      return
    fi
  done
}

# packages MANAGER NEED: the names of the packages.
packages() {
  case $1:$2 in
    apt-get:redis) echo redis-server ;;
    dnf:postgres) echo postgresql-server postgresql ;;
    apt-get:postgres | apk:postgres) echo postgresql ;;
    brew:postgres) echo postgresql@17 ;;
    brew:node) echo node ;;
    *:node) echo nodejs npm ;;
    apt-get:python) echo python3 python3-venv ;;
    brew:python) echo python ;;
    *:python) echo python3 ;;
    *) echo "$2" ;;
  esac
}

# commands MANAGER PACKAGE...: what installs them, one command a line, without sudo.
commands() {
  manager=$1
  shift
  case $manager in
    apt-get)
      echo "apt-get update -q"
      # RUNLEVEL=1: Debian's helper for service scripts starts nothing in single-user mode.
      echo "env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -q -y --no-install-recommends $*"
      ;;
    dnf) echo "dnf install -y $*" ;;
    apk) echo "apk add $*" ;;
    brew) echo "brew install $*" ;;
  esac
}

# What to put before a command so that it may install: nothing, or sudo. Fails where it may not.
privilege() {
  if [ "$1" = brew ] || [ "$(id -u)" -eq 0 ]; then
    return 0
  fi
  have sudo && sudo -n true 2>/dev/null && printf 'sudo -n '
}

POLICY=/usr/sbin/policy-rc.d

# On Debian this file decides whether a package may start its service. An existing one is somebody's own decision.
forbid_service_starts() {
  [ "$1" = apt-get ] && [ ! -e "$POLICY" ] || return 0
  printf '#!/bin/sh\nexit 101\n' | $2 tee "$POLICY" >/dev/null
  $2 chmod 755 "$POLICY"
  trap '$sudo rm -f "$POLICY"' EXIT
  trap 'exit 130' INT TERM HUP
}

# give_up MANAGER PACKAGES: prints what a person can type.
give_up() {
  say "ensure.sh: not installed:$missing"
  if [ -z "$1" ]; then
    say "No package manager that this script knows (apt-get, dnf, apk, brew); install them by hand."
    exit $UNAVAILABLE
  fi
  say "Type this, then try again:"
  prefix="sudo "
  if [ "$1" = brew ] || [ "$(id -u)" -eq 0 ]; then
    prefix=
  fi
  commands "$1" $2 | while IFS= read -r command; do
    say "  $prefix$command"
  done
  exit $UNAVAILABLE
}

if [ $# -eq 0 ]; then
  say "usage: ensure.sh NEED... (redis postgres haproxy node python chromium make)"
  exit $USAGE
fi
missing=$(unmet "$@")
[ -n "$missing" ] || exit 0

manager=$(package_manager)
wanted=
for need in $missing; do
  wanted="$wanted $(packages "${manager:-none}" "$need")"
done
[ -n "$manager" ] || give_up "" "$wanted"
sudo=$(privilege "$manager") || give_up "$manager" "$wanted"

say "ensure.sh: installing$wanted"
forbid_service_starts "$manager" "$sudo"
commands "$manager" $wanted | while IFS= read -r command; do
  # The output belongs to a person who watches, not to whoever reads our standard output.
  $sudo $command </dev/null >&2 || exit 1
done || give_up "$manager" "$wanted"

missing=$(unmet "$@")
[ -z "$missing" ] || give_up "$manager" "$wanted"
