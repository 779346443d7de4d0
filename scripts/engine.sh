#!/usr/bin/env bash
# Docker engines for the tests, the demo and the benchmark: see --help. Facts and their measurements: docs/architecture.md.
set -euo pipefail
umask 022
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/debian.sh
. "$HERE/debian.sh"

STORES=(classic containerd)
PACKAGES=$IMAGE_BUDGET_ENGINES/packages
BRIDGE=imgbr0
declare -A LAUNCHED=()
READY_SECONDS=${IMAGE_BUDGET_ENGINE_TIMEOUT:-60}

usage() {
  cat <<'USAGE'
Docker engines with each of the two image stores, on sockets of their own, beside any Docker that is already there.

  scripts/engine.sh start [classic|containerd|all]   install what is missing, start, wait until they answer (default: all)
  scripts/engine.sh stop                             stop them; images and build cache stay
  scripts/engine.sh status                           one line per engine; exit code 1 if one is not running
  scripts/engine.sh env classic|containerd           shell lines for eval: DOCKER_HOST, DOCKER_CONFIG, PATH

  eval "$(scripts/engine.sh env classic)" && docker images

`start` may be called at any time and by several at once. It needs root on Debian 12 or later: programs come from the
machine's own Debian mirror, runc of its release, Docker and buildx of Debian's sid, extracted into a folder and not
installed. RUN steps get a network (bridge imgbr0, 10.213.0.0/16) without a way out: no firewall rule is touched.

Environment:
  IMAGE_BUDGET_ENGINES         where programs, images, sockets and logs are kept (default: /var/tmp/image-budget-engines;
                               a short path, for the sockets)
  IMAGE_BUDGET_ENGINE_TIMEOUT  seconds to wait for an engine to answer (default: 60)
  IMAGE_BUDGET_USE_DOCKER=1    use the Docker that is there instead, with the one store that it has: nothing is installed,
                               started or stopped; `env` prints nothing for that store, and for the other one it fails
                               with exit code 3.
USAGE
}

data() { echo "$IMAGE_BUDGET_ENGINES/$1"; }
socket() { echo "$IMAGE_BUDGET_ENGINES/$1/docker.sock"; }
engine_path() { echo "$PACKAGES/usr/sbin:$PACKAGES/usr/bin"; }

# answers STORE: whether the engine answers /_ping; by its API, for a socket's file outlives its daemon.
answers() {
  [ -S "$(socket "$1")" ] && [ "$(ping_engine "$1")" = OK ]
}

# curl takes 10 ms, the docker CLI 50; curl is not on every machine.
ping_engine() {
  if command -v curl >/dev/null; then
    curl -s --max-time 2 --unix-socket "$(socket "$1")" http://docker/_ping || true
  elif DOCKER_CONFIG=$(data "$1")/config DOCKER_CONTEXT='' timeout 5 \
    "$PACKAGES/usr/bin/docker" -H "unix://$(socket "$1")" version --format '{{.Server.Version}}' >/dev/null 2>&1; then
    echo OK
  fi
}

# running_process STORE: the pid of our dockerd, from its pid file if that process is really ours (pids are reused).
running_process() {
  owned_process "$(data "$1")/docker.pid" "$(data "$1")/"
}

# owned_process PID_FILE TEXT: the pid in the file if that process has TEXT in its command line.
owned_process() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -F -- "$2" >/dev/null && echo "$pid"
}

# terminate PID SECONDS: asks, waits, then insists.
terminate() {
  kill "$1" 2>/dev/null || return 0
  local tenths=$(($2 * 10))
  # A zombie that nobody reaps has no command line left.
  while grep -q . "/proc/$1/cmdline" 2>/dev/null; do
    [ $((tenths--)) -gt 0 ] || { kill -9 "$1" 2>/dev/null || true; }
    sleep 0.1
  done
}

# clear_runtime STORE: removes what a killed daemon or a reboot left behind. dockerd refuses to start on a pid file whose
# number belongs to another process by now, and waits for a containerd that is not its own.
clear_runtime() {
  local folder pid mount
  folder=$(data "$1")
  if pid=$(owned_process "$folder/exec/containerd/containerd.pid" "$folder/"); then terminate "$pid" 10; fi
  while read -r mount; do umount -l "$mount" || true; done < <(awk -v below="$folder/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r)
  rm -rf "$folder/exec" "$folder/docker.pid" "$folder/docker.sock"
}

# Debian's own packages, extracted: an installed docker.io would start a daemon and touch the machine's firewall.
install_engine() {
  [ ! -f "$PACKAGES/complete" ] || return 0
  install_missing git=git ip=iproute2
  [ -e /etc/ssl/certs/ca-certificates.crt ] || install_missing update-ca-certificates=ca-certificates
  read_debian_sources
  say "fetching Docker and buildx from Debian's packages"
  local work=$IMAGE_BUDGET_ENGINES/apt log=$IMAGE_BUDGET_ENGINES/install.log package
  rm -rf "$work" "$PACKAGES.new"
  mkdir -p "$work/download" "$PACKAGES.new"
  (private_apt "$work" "$DEBIAN_CODENAME" sid && cd "$work/download" && "${APT[@]}" download "runc/$DEBIAN_CODENAME" "libseccomp2/$DEBIAN_CODENAME" \
    docker.io/sid containerd/sid docker-cli/sid docker-buildx/sid) >"$log" 2>&1 ||
    die "could not fetch Docker's packages: $(grep -vi '^get' "$log" | tail -n 3)" 'Check that apt-get update works here, or set IMAGE_BUDGET_USE_DOCKER=1 to use a Docker of your own.'
  for package in "$work"/download/*.deb; do dpkg -x "$package" "$PACKAGES.new"; done
  rm -rf "$PACKAGES.new"/usr/share/{doc,man,locale,bash-completion,zsh,fish} "$work" "$PACKAGES"
  "$PACKAGES.new/usr/sbin/dockerd" --version >"$PACKAGES.new/complete" 2>"$log" ||
    die "Debian's Docker does not run here: $(tail -n 3 "$log")" 'Set IMAGE_BUDGET_USE_DOCKER=1 to use a Docker of your own.'
  mv "$PACKAGES.new" "$PACKAGES"
}

# One bridge for both engines. Without one every RUN fails, and a bridge that dockerd makes itself comes with firewall rules.
make_bridge() {
  local ip
  ip=$(PATH=$PATH:/usr/sbin:/sbin command -v ip)
  "$ip" link show "$BRIDGE" >/dev/null 2>&1 || "$ip" link add name "$BRIDGE" type bridge
  # Read whole: grep -q would stop at its first match, and the broken pipe count as "not there".
  local addresses
  addresses=$("$ip" -o addr show dev "$BRIDGE")
  [[ $addresses == *' 10.213.0.1/16 '* ]] || "$ip" addr add 10.213.0.1/16 dev "$BRIDGE"
  "$ip" link set "$BRIDGE" up
}

# launch STORE: starts the daemon; it outlives this shell and holds none of its descriptors (the lock is on 9).
launch() {
  local store=$1 folder containers snapshotter
  folder=$(data "$store")
  mkdir -p "$folder/config/cli-plugins"
  ln -sfn "$PACKAGES/usr/libexec/docker/cli-plugins/docker-buildx" "$folder/config/cli-plugins/docker-buildx"
  clear_runtime "$store"
  case $store in
    classic) containers=10.213.1.0/24 snapshotter=false ;;
    containerd) containers=10.213.2.0/24 snapshotter=true ;;
  esac
  echo "{\"features\": {\"containerd-snapshotter\": $snapshotter}}" >"$folder/daemon.json"
  PATH=$(engine_path):$PATH:/usr/sbin:/sbin LD_LIBRARY_PATH=$(library_path) \
    setsid env -u NOTIFY_SOCKET dockerd --config-file "$folder/daemon.json" -H "unix://$(socket "$store")" \
    --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/docker.pid" --group root \
    --bridge "$BRIDGE" --fixed-cidr "$containers" --userland-proxy=false \
    --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false >"$folder/docker.log" 2>&1 </dev/null 9>&- &
  LAUNCHED[$store]=$!
}

library_path() { dirname "$(find "$PACKAGES/usr/lib" -name 'libseccomp.so.2' | head -n 1)"; }

# await STORE: until the engine answers; an error as soon as its process is gone, or when the time is up.
await() {
  local store=$1 log tenths=$((READY_SECONDS * 10))
  log=$(data "$store")/docker.log
  until answers "$store"; do
    if [ $((tenths--)) -le 0 ] || ! { running_process "$store" || kill -0 "${LAUNCHED[$store]:-none}"; } >/dev/null 2>&1; then
      tail -n 15 "$log" >&2
      die "the $store engine did not come up (its log: $log)" \
        'A container or sandbox needs --privileged for it; otherwise set IMAGE_BUDGET_USE_DOCKER=1 to use a Docker of your own.'
    fi
    sleep 0.1
  done
}

start() {
  local store missing=()
  for store in "$@"; do answers "$store" || missing+=("$store"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  local remedy='Use an existing Docker: IMAGE_BUDGET_USE_DOCKER=1.'
  [ "$(uname -s)" = Linux ] && command -v dpkg >/dev/null && command -v apt-get >/dev/null || die 'engines can be started on Debian only' "$remedy"
  [ "$(id -u)" = 0 ] || die 'starting an engine needs root' "$remedy"
  [ ${#IMAGE_BUDGET_ENGINES} -le 70 ] || die "IMAGE_BUDGET_ENGINES is too long for a socket's path (${#IMAGE_BUDGET_ENGINES} characters, at most 70)" 'Choose a shorter one.'
  make_state_folder
  exec 9>"$IMAGE_BUDGET_ENGINES/lock"
  flock -w 600 9 || die 'another start has been running for ten minutes' "See what holds $IMAGE_BUDGET_ENGINES/lock."
  install_engine
  make_bridge
  missing=()
  for store in "$@"; do
    answers "$store" && continue
    missing+=("$store")
    if ! running_process "$store" >/dev/null; then launch "$store"; fi
  done
  for store in ${missing[@]+"${missing[@]}"}; do await "$store"; done
  exec 9>&-
}

stop() {
  [ -d "$IMAGE_BUDGET_ENGINES" ] || return 0
  exec 9>"$IMAGE_BUDGET_ENGINES/lock"
  flock -w 600 9 || die 'a start is in progress' 'Wait for it.'
  local store pid
  for store in "${STORES[@]}"; do
    if pid=$(running_process "$store"); then terminate "$pid" 20; fi
    clear_runtime "$store"
  done
  # Engines of another folder may be on the bridge. ([i]: else grep finds its own command line.)
  if ! grep -qsa "[i]${BRIDGE#i}" /proc/[0-9]*/cmdline; then
    PATH=$PATH:/usr/sbin:/sbin ip link delete "$BRIDGE" 2>/dev/null || true
  fi
}

status() {
  local store code=0
  for store in "${STORES[@]}"; do
    if answers "$store"; then
      echo "$store: running, $(cat "$PACKAGES/complete"), unix://$(socket "$store")"
    else
      echo "$store: not running"
      code=1
    fi
  done
  return $code
}

# quoted so that eval reads back exactly these bytes
export_line() { printf 'export %s=%q\n' "$1" "$2"; }

# Empty values switch off what would take precedence over DOCKER_HOST.
print_env() {
  answers "$1" || die "the $1 engine is not running" "Start it: scripts/engine.sh start $1"
  export_line DOCKER_HOST "unix://$(socket "$1")"
  export_line DOCKER_CONFIG "$(data "$1")/config"
  export_line DOCKER_CONTEXT ''
  export_line BUILDX_BUILDER ''
  export_line PATH "$PACKAGES/usr/bin:$PATH"
}

# The store of the Docker that is there.
present_store() {
  local driver
  driver=$(docker info --format '{{json .DriverStatus}}' 2>/dev/null) && [ -n "$driver" ] && [ "$driver" != null ] ||
    die 'no Docker answers, and IMAGE_BUDGET_USE_DOCKER=1 asks to use it' 'Start it (docker info tells what is wrong), or unset IMAGE_BUDGET_USE_DOCKER.'
  case $driver in
    *io.containerd.snapshotter.v1*) echo containerd ;;
    *) echo classic ;;
  esac
}

use_present_docker() {
  local present
  [ "$1" != stop ] || return 0
  present=$(present_store)
  case $1 in
    start | status) echo "$present: the Docker that is here" ;;
    env)
      [ "$2" = "$present" ] || {
        echo "engine.sh: the Docker that is here has the $present store, not $2" >&2
        exit 3
      }
      ;;
  esac
}

stores_of() {
  case $1 in
    all) echo "${STORES[@]}" ;;
    classic | containerd) echo "$1" ;;
    *) die "unknown engine: $1" 'It is classic, containerd or all.' ;;
  esac
}

main() {
  local command=${1:-}
  case $command in
    -h | --help | help) usage && return ;;
    start | stop | status | env) ;;
    *) usage >&2 && exit 2 ;;
  esac
  local which=${2:-all} stores
  stores=$(stores_of "$which")
  [ "$command" != env ] || [ "$which" != all ] || die 'env of which engine?' 'scripts/engine.sh env classic, or containerd'
  if [ "${IMAGE_BUDGET_USE_DOCKER:-}" = 1 ]; then
    use_present_docker "$command" "$which"
    return
  fi
  case $command in
    # shellcheck disable=SC2086 # a list of words
    start) start $stores ;;
    stop) stop ;;
    status) status ;;
    env) print_env "$which" ;;
  esac
}

main "$@"
