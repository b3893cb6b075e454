#!/usr/bin/env bash
# Starts a real Medusa v2 server on 127.0.0.1 with its own PostgreSQL, and prints
# one JSON object on standard output: where it is and the keys to talk to it.
#
#   start.sh            start, or go on with the data of the last run
#   start.sh --fresh    start with the data as first seeded
#   start.sh --reseed   migrate and seed again, even if a saved database fits
#   start.sh --prepare  fill the cache (packages, seeded database) and start nothing
#
# Settings (environment) are listed in README.md. Progress goes to standard error.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

fresh=0 reseed=0 prepare=0
for arg in "$@"; do
  case "$arg" in
    --fresh) fresh=1 ;;
    --reseed) fresh=1 reseed=1 ;;
    --prepare) prepare=1 ;;
    *) die "unknown argument: $arg" ;;
  esac
done

umask 022
if [ "$prepare" = 1 ]; then
  # In a run folder of its own, which no server's data can be in.
  RUN="$(mktemp -d /tmp/medusa-prepare-XXXXXX)"
  APP="$RUN/app" PGDATA_DIR="$RUN/pg"
  chmod 755 "$RUN"
  trap 'stop_pg || true; rm -rf "$RUN" "$RUN.lock"' EXIT
  trap 'exit 143' TERM INT
fi
mkdir -p "$RUN" "$CACHE"
exec 9>"$RUN.lock"
flock -w 900 9 || die "another start.sh has held $RUN.lock for 15 minutes"

declare -A took
now() { date +%s%3N; }
phase() { # phase NAME COMMAND...
  local name="$1" from; shift
  from="$(now)"
  "$@"
  took[$name]=$(( $(now) - from ))
  say "$name: ${took[$name]} ms"
}

need_tools() {
  command -v node >/dev/null || die "node is missing (20.19 or newer is needed)"
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' \
    || die "node $(node -v) is too old (20.19 or newer is needed)"
  command -v npm >/dev/null || die "npm is missing"
  PGBIN="$(pg_bin || true)"
  if [ -z "$PGBIN" ]; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "PostgreSQL is missing; it is installed here only for root, by apt-get"
    say "installing PostgreSQL"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >&2
    PGBIN="$(pg_bin)"
  fi
}

# Everything the seeded data depends on; another value means another saved database. The port is not among them:
# a restored database is given the addresses of its own server (see restore).
fingerprint() {
  {
    cat "$KIT_DIR"/package.json "$KIT_DIR"/medusa-config.js "$KIT_DIR"/{seed,catalogue,pictures}.js
    printf '%s\n' "$PGBIN" "${MEDUSA_KIT_PRODUCTS:-60}" "${MEDUSA_KIT_CUSTOMERS:-6}" "${MEDUSA_KIT_ORDERS:-9}" \
      "${MEDUSA_KIT_SEED:-7}" "${MEDUSA_KIT_ADMIN_EMAIL:-}" "${MEDUSA_KIT_ADMIN_PASSWORD:-}" "${MEDUSA_KIT_CUSTOMER_PASSWORD:-}"
  } | sha256sum | cut -c1-16
}

install_packages() {
  local key
  key="$(cat "$KIT_DIR/package.json" "$KIT_DIR/package-lock.json" 2>/dev/null | sha256sum | cut -c1-16)-node$(node -p 'process.versions.modules')"
  MODULES="$CACHE/npm-$key"
  exec 8>"$MODULES.lock"
  flock -w 900 8 || die "another npm install has held $MODULES.lock for 15 minutes"
  if [ ! -f "$MODULES/.done" ]; then
    say "installing npm packages into $MODULES (once)"
    rm -rf "$MODULES"
    mkdir -p "$MODULES"
    cp "$KIT_DIR/package.json" "$MODULES/"
    cp "$KIT_DIR/package-lock.json" "$MODULES/" 2>/dev/null || true
    # `npm install` rather than `npm ci`, which refuses a lock without other systems' optional
    # packages. No install script is needed: Medusa's own only sends telemetry.
    (cd "$MODULES" && npm install --ignore-scripts --omit=dev --no-audit --no-fund --loglevel=error >npm.log 2>&1) \
      || { tail -20 "$MODULES/npm.log" >&2; die "npm install failed"; }
    touch "$MODULES/.done"
  fi
  flock -u 8
}

lay_app() {
  rm -rf "$APP"
  mkdir -p "$APP"
  cp -R "$KIT_DIR"/{package.json,medusa-config.js,seed.js,catalogue.js,pictures.js,src} "$APP/"
  # What the documentation tells a shop to install; silent unless APPLIANCE_HOOK_URL is set.
  cp "$KIT_DIR"/../../../docs/medusa/*.js "$APP/src/subscribers/"
  ln -s "$MODULES/node_modules" "$APP/node_modules"
}

free_port() { node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }

port_is_free() { node -e 'require("net").createServer().on("error",()=>process.exit(1)).listen(+process.argv[1],"127.0.0.1",()=>process.exit(0))' "$1"; }

new_pg() {
  rm -rf "$PGDATA_DIR"
  mkdir "$PGDATA_DIR"
  if [ "$(id -u)" = 0 ]; then chown postgres "$PGDATA_DIR"; fi
  as_pg "$PGBIN/initdb" -D "$PGDATA_DIR" -U medusa -A trust -E UTF8 --locale=C.UTF-8 --wal-segsize=4 --no-sync >"$RUN/initdb.log"
  # Speed over safety: this data is thrown away. Reached over loopback only.
  as_pg tee -a "$PGDATA_DIR/postgresql.conf" >/dev/null <<'CONF'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 60
shared_buffers = 128MB
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
min_wal_size = 16MB
max_wal_size = 96MB
CONF
}

start_pg() {
  if pg_running; then
    PGPORT_KIT="$(sed -n 4p "$PGDATA_DIR/postmaster.pid")"
  else
    PGPORT_KIT="${MEDUSA_KIT_PG_PORT:-$(free_port)}"
    : >"$RUN/pg.log"
    if [ "$(id -u)" = 0 ]; then chown postgres "$RUN/pg.log"; fi
    # Neither lock may outlive this script in PostgreSQL's hands.
    as_pg "$PGBIN/pg_ctl" -D "$PGDATA_DIR" -l "$RUN/pg.log" -o "-p $PGPORT_KIT" -w start >/dev/null 7>&- 8>&- 9>&- \
      || { tail -20 "$RUN/pg.log" >&2; die "PostgreSQL did not start"; }
  fi
  export DATABASE_URL="postgres://medusa@127.0.0.1:$PGPORT_KIT/medusa"
}

medusa() { (cd "$APP" && node node_modules/@medusajs/cli/cli.js "$@") 7>&- 8>&- 9>&-; }

migrate() {
  as_pg "$PGBIN/createdb" -h 127.0.0.1 -p "$PGPORT_KIT" -U medusa medusa
  medusa db:migrate --execute-all-links --execute-all-search >"$RUN/migrate.log" 2>&1 || { tail -20 "$RUN/migrate.log" >&2; die "the migration failed"; }
}

seed() {
  MEDUSA_KIT_SEED_OUT="$RUN/seed.json" medusa exec ./seed.js >"$RUN/seed.log" 2>&1 || { tail -20 "$RUN/seed.log" >&2; die "the seed failed"; }
  [ -s "$RUN/seed.json" ] || { tail -20 "$RUN/seed.log" >&2; die "the seed wrote nothing"; }
  if grep -q 'seed: order [0-9]' "$RUN/seed.log"; then say "some orders were not made: see $RUN/seed.log"; fi
}

save() {
  as_pg "$PGBIN/psql" -q -h 127.0.0.1 -p "$PGPORT_KIT" -U medusa -d medusa -c 'vacuum analyze' -c checkpoint
  stop_pg
  rm -rf "$SAVED.part" "$SAVED"
  mkdir -p "$SAVED.part"
  cp -a "$PGDATA_DIR" "$SAVED.part/pg"
  cp -a "$APP/static" "$SAVED.part/static"
  cp "$RUN/seed.json" "$SAVED.part/"
  mv "$SAVED.part" "$SAVED"
  start_pg
}

restore() {
  rm -rf "$PGDATA_DIR"
  cp -a "$SAVED/pg" "$PGDATA_DIR"
  cp "$SAVED/seed.json" "$RUN/seed.json"
  start_pg
  # The pictures' addresses name the port that the data was seeded under.
  local sql="regexp_replace(%s, '^http://127\\.0\\.0\\.1:[0-9]+/', 'http://127.0.0.1:$PORT/')"
  as_pg "$PGBIN/psql" -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$PGPORT_KIT" -U medusa -d medusa \
    -c "update product set thumbnail = $(printf "$sql" thumbnail)" -c "update image set url = $(printf "$sql" url)"
}

# Two starts at once with the same settings seed once: the second waits and takes a copy.
fill() {
  exec 7>"$SAVED.lock"
  flock -w 900 7 || die "another start has seeded for 15 minutes: see $SAVED.lock"
  if [ "$reseed" = 1 ] || [ ! -f "$SAVED/seed.json" ]; then
    phase initdb new_pg
    phase database start_pg
    phase migrate migrate
    phase seed seed
    phase save save
    seeded=1
  fi
  flock -u 7
}

start_server() {
  cp -a "$SAVED/static" "$APP/" 2>/dev/null || true
  : >>"$RUN/webhook-url"
  cd "$APP"
  setsid node node_modules/@medusajs/cli/cli.js start --host 127.0.0.1 --port "$PORT" </dev/null >"$RUN/server.log" 2>&1 7>&- 8>&- 9>&- &
  echo $! >"$RUN/server.pid"
  cd - >/dev/null
  local n
  for n in $(seq 1200); do
    if curl -sf -m 5 -o /dev/null "http://127.0.0.1:$PORT/health"; then return; fi
    kill -0 "$(cat "$RUN/server.pid")" 2>/dev/null || { tail -20 "$RUN/server.log" >&2; die "the server stopped: see $RUN/server.log"; }
    sleep 0.25
  done
  die "the server was not healthy after five minutes: see $RUN/server.log"
}

print_info() {
  local list="" name
  for name in "${!took[@]}"; do list+="$name=${took[$name]} "; done
  node -e '
    const { readFileSync, writeFileSync } = require("node:fs")
    const [run, port, pgPort, pid, list] = process.argv.slice(1)
    const seed = JSON.parse(readFileSync(`${run}/seed.json`, "utf8"))
    const info = {
      base_url: `http://127.0.0.1:${port}`,
      ...seed,
      webhook_url_file: `${run}/webhook-url`,
      webhook_secret: process.env.MEDUSA_KIT_WEBHOOK_SECRET || "kit-webhook-secret",
      database_url: `postgres://medusa@127.0.0.1:${pgPort}/medusa`,
      server_pid: Number(pid), run_dir: run, server_log: `${run}/server.log`,
      start_timings_ms: Object.fromEntries(list.trim().split(/\s+/).filter(Boolean).map((p) => [p.split("=")[0], Number(p.split("=")[1])])),
    }
    const text = JSON.stringify(info, null, 2)
    writeFileSync(`${run}/info.json`, text + "\n")
    console.log(text)' "$RUN" "$PORT" "$PGPORT_KIT" "$(cat "$RUN/server.pid")" "$list"
}

export NODE_ENV="${MEDUSA_KIT_NODE_ENV:-production}" MEDUSA_DISABLE_TELEMETRY=true
export MEDUSA_KIT_BASE_URL="http://127.0.0.1:$PORT" MEDUSA_KIT_WEBHOOK_FILE="$RUN/webhook-url"

began="$(now)"
phase tools need_tools
key="$(fingerprint)"
SAVED="$CACHE/data-$key"

if server_running; then
  if [ "$(cat "$RUN/key" 2>/dev/null)" != "$key" ]; then die "a server with other settings runs on port $PORT: stop.sh first"; fi
  if [ "$fresh" = 0 ] && curl -sf -m 10 -o /dev/null "http://127.0.0.1:$PORT/health"; then
    say "already running"
    cat "$RUN/info.json"
    exit 0
  fi
  phase stop_server stop_server
fi
[ "$prepare" = 1 ] || port_is_free "$PORT" || die "port $PORT is taken by something else (set MEDUSA_KIT_PORT)"

if [ "$fresh" = 1 ] || [ "$(cat "$RUN/key" 2>/dev/null)" != "$key" ] || [ ! -s "$RUN/seed.json" ]; then
  if pg_running; then phase stop_database stop_pg; fi
  phase clear rm -rf "$PGDATA_DIR" "$RUN/key" "$RUN/seed.json" "$RUN/info.json"
fi

phase packages install_packages
phase app lay_app
seeded=0
if [ -f "$RUN/key" ]; then
  phase database start_pg
else
  fill
  if [ "$prepare" = 1 ]; then say "prepared in $CACHE"; exit 0; fi
  if [ "$seeded" = 0 ]; then phase restore restore; fi
fi
printf '%s\n' "$key" >"$RUN/key"
phase server start_server
took[total]=$(( $(now) - began ))
say "ready at http://127.0.0.1:$PORT after ${took[total]} ms"
print_info
