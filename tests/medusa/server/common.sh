# Sourced by start.sh and stop.sh: where things are, and how to run PostgreSQL's tools.

# runuser is in a folder that not every account searches.
PATH="$PATH:/usr/sbin:/sbin"
KIT_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
CHECKOUT="$(cd "$KIT_DIR/../../.." && pwd)"
PORT="${MEDUSA_KIT_PORT:-9000}"
RUN="${MEDUSA_KIT_RUN:-/tmp/medusa-kit-$PORT}"
CACHE="${MEDUSA_KIT_CACHE:-$CHECKOUT/.medusa}"
APP="$RUN/app"
PGDATA_DIR="$RUN/pg"

say() { printf 'medusa-kit: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# PostgreSQL refuses to run as root.
as_pg() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

pg_bin() {
  local bin
  bin="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)"
  [ -n "$bin" ] || bin="$(dirname "$(command -v initdb 2>/dev/null || true)" 2>/dev/null)"
  [ -x "$bin/initdb" ] && printf '%s\n' "$bin"
}

pg_running() { [ -f "$PGDATA_DIR/postmaster.pid" ] && as_pg "$PGBIN/pg_ctl" -D "$PGDATA_DIR" status >/dev/null 2>&1; }

# True while the process in server.pid is the one that start.sh started.
server_running() {
  local pid
  pid="$(cat "$RUN/server.pid" 2>/dev/null)" || return 1
  [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$(readlink -f "$APP")" ]
}

stop_server() {
  local pid n
  if server_running; then
    pid="$(cat "$RUN/server.pid")"
    kill "$pid" 2>/dev/null || true
    for n in $(seq 100); do server_running || break; sleep 0.1; done
    if server_running; then kill -9 "$pid" 2>/dev/null || true; sleep 0.2; fi
  fi
  rm -f "$RUN/server.pid"
}

stop_pg() {
  PGBIN="${PGBIN:-$(pg_bin)}"
  if pg_running; then as_pg "$PGBIN/pg_ctl" -D "$PGDATA_DIR" -m fast -w stop >/dev/null; fi
}
