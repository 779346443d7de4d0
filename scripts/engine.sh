#!/usr/bin/env bash
# Docker engines for the tests, the demo and the benchmark: see --help. Facts and their measurements: docs/architecture.md.
set -euo pipefail
umask 022
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/debian.sh
. "$HERE/debian.sh"
# shellcheck source=scripts/daemons.sh
. "$HERE/daemons.sh"

ENGINES=(classic containerd classic-20 classic-26 containerd-26)
DEFAULT=(classic containerd)
# The docker CLI and buildx that are used with every engine: a CLI speaks its engine's version of the API.
CLI=$IMAGE_BUDGET_ENGINES/packages
BRIDGE=imgbr0
declare -A LAUNCHED=()
READY_SECONDS=${IMAGE_BUDGET_ENGINE_TIMEOUT:-60}

usage() {
  cat <<'USAGE'
Docker engines with each of the two image stores, on sockets of their own, beside any Docker that is already there.

  scripts/engine.sh start [ENGINE ...|all]    install what is missing, start, wait until they answer (default: all)
  scripts/engine.sh stop [ENGINE ...|all]     stop them, without a name every one of them; images and build cache stay
  scripts/engine.sh status [ENGINE ...|all]   one line per engine; exit code 1 if one that is asked for is not running
  scripts/engine.sh env ENGINE                shell lines for eval: DOCKER_HOST, DOCKER_CONFIG, PATH; exit code 4 if it is
                                              not running

  classic, containerd         Docker 28 of Debian's sid, one for each store; `all` is these two
  classic-20                  Docker 20.10 of Debian 12, which has the classic store only
  classic-26, containerd-26   Docker 26.1 of Debian 13

  eval "$(scripts/engine.sh env classic)" && docker images

`start` may be called at any time and by several at once. It needs root on Debian 12 or later: programs come from the
machine's own Debian mirror and are extracted into a folder, not installed; only those of the engines asked for are
fetched. The docker CLI and buildx are those of sid for every engine. RUN steps get a network (bridge imgbr0,
10.213.0.0/16) without a way out: no firewall rule is touched.

Environment:
  IMAGE_BUDGET_ENGINES         where programs, images, sockets and logs are kept (default: /var/tmp/image-budget-engines;
                               a short path, for the sockets)
  IMAGE_BUDGET_ENGINE_TIMEOUT  seconds to wait for an engine to answer (default: 60)
  IMAGE_BUDGET_USE_DOCKER=1    use the Docker that is there instead, with the one store that it has: nothing is installed,
                               started or stopped; `env` prints nothing for that store, and for any other engine it fails
                               with exit code 3.
USAGE
}

data() { echo "$IMAGE_BUDGET_ENGINES/$1"; }
socket() { echo "$IMAGE_BUDGET_ENGINES/$1/docker.sock"; }

# generation ENGINE: Docker's major version, by which the packages are kept.
generation() {
  case $1 in
    *-*) echo "${1##*-}" ;;
    *) echo 28 ;;
  esac
}

# packages GENERATION: the folder of its programs.
packages() {
  case $1 in
    28) echo "$CLI" ;;
    *) echo "$CLI-$1" ;;
  esac
}

# answers ENGINE: whether the engine answers /_ping; by its API, for a socket's file outlives its daemon.
answers() {
  [ -S "$(socket "$1")" ] && [ "$(ping_engine "$1")" = OK ]
}

# curl takes 10 ms, the docker CLI 50; curl is not on every machine.
ping_engine() {
  if command -v curl >/dev/null; then
    curl -s --max-time 2 --unix-socket "$(socket "$1")" http://docker/_ping || true
  elif DOCKER_CONFIG=$(data "$1")/config DOCKER_CONTEXT='' timeout 5 \
    "$CLI/usr/bin/docker" -H "unix://$(socket "$1")" version --format '{{.Server.Version}}' >/dev/null 2>&1; then
    echo OK
  fi
}

# running_process ENGINE: the pid of our dockerd, from its pid file if that process is really ours (pids are reused).
running_process() {
  owned_process "$(data "$1")/docker.pid" "$(data "$1")/"
}

# clear_runtime ENGINE: removes what a killed daemon or a reboot left behind. dockerd refuses to start on a pid file whose
# number belongs to another process by now, and waits for a containerd that is not its own.
clear_runtime() {
  local folder pid mount
  folder=$(data "$1")
  if pid=$(owned_process "$folder/exec/containerd/containerd.pid" "$folder/"); then terminate "$pid" 10; fi
  while read -r mount; do umount -l "$mount" || true; done < <(awk -v below="$folder/" 'index($2, below) == 1 { print $2 }' /proc/mounts | sort -r)
  rm -rf "$folder/exec" "$folder/docker.pid" "$folder/docker.sock"
}

# suites_of GENERATION, packages_of GENERATION: where Debian has it. runc: the machine's own, or for the older ones that of
# their time; Debian 13's needs a newer C library than Debian 12 has. What a program is linked with and a bare machine
# does not have comes along (libseccomp for runc, libdevmapper for Docker 20.10), and tini, which is `docker-init`: buildx
# runs BuildKit under it.
suites_of() {
  case $1 in
    20) echo bookworm ;;
    26) echo bookworm trixie ;;
    28) echo "$DEBIAN_CODENAME" sid ;;
  esac
}
packages_of() {
  case $1 in
    20) echo {docker.io,containerd,runc,libseccomp2,libdevmapper1.02.1,tini}/bookworm ;;
    26) echo {docker.io,containerd}/trixie {runc,libseccomp2,tini}/bookworm ;;
    28) echo {runc,libseccomp2,tini}/"$DEBIAN_CODENAME" {docker.io,containerd,docker-cli,docker-buildx}/sid ;;
  esac
}

# install_engines ENGINE...: Debian's own packages, extracted: an installed docker.io would start a daemon and touch the
# machine's firewall.
install_engines() {
  local engine wanted missing=()
  # The first has the CLI.
  for wanted in 28 $(for engine in "$@"; do generation "$engine"; done | sort -u); do
    [ -f "$(packages "$wanted")/complete" ] || [[ " ${missing[*]-} " == *" $wanted "* ]] || missing+=("$wanted")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  install_missing git=git ip=iproute2
  [ -e /etc/ssl/certs/ca-certificates.crt ] || install_missing update-ca-certificates=ca-certificates
  read_debian_sources
  say "fetching Docker ${missing[*]} from Debian's packages"
  local work=$IMAGE_BUDGET_ENGINES/apt log=$IMAGE_BUDGET_ENGINES/install.log suites pids=() pid code=0
  rm -rf "$work"
  mkdir -p "$work"
  mapfile -t suites < <(for wanted in "${missing[@]}"; do suites_of "$wanted"; done | tr ' ' '\n' | sort -u)
  private_apt "$work" "${suites[@]}" >"$log" 2>&1 || cannot_fetch Docker "$log"
  for wanted in "${missing[@]}"; do install_generation "$wanted" "$work/$wanted" & pids+=($!); done
  for pid in "${pids[@]}"; do wait "$pid" || code=1; done
  [ $code = 0 ] || exit 1
  rm -rf "$work"
}

# install_generation GENERATION WORK: fetches and extracts one, whole or not at all; uses APT.
install_generation() {
  local folder log=$IMAGE_BUDGET_ENGINES/install-$1.log names
  folder=$(packages "$1")
  read -ra names < <(packages_of "$1")
  fetch_programs "$folder.new" "$2" "${names[@]}" >"$log" 2>&1 || cannot_fetch "Docker $1" "$log"
  rm -rf "$folder"
  LD_LIBRARY_PATH=$(library_path "$folder.new") "$folder.new/usr/sbin/dockerd" --version >"$folder.new/complete" 2>"$log" ||
    die "Debian's Docker $1 does not run here: $(tail -n 3 "$log")" 'Set IMAGE_BUDGET_USE_DOCKER=1 to use a Docker of your own.'
  mv "$folder.new" "$folder"
}

# One bridge for all engines. Without one every RUN fails, and a bridge that dockerd makes itself comes with firewall rules.
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

# launch ENGINE: starts the daemon; it outlives this shell and holds none of its descriptors (the lock is on 9).
launch() {
  local engine=$1 folder programs containers features
  folder=$(data "$engine")
  programs=$(packages "$(generation "$engine")")
  mkdir -p "$folder/config/cli-plugins"
  ln -sfn "$CLI/usr/libexec/docker/cli-plugins/docker-buildx" "$folder/config/cli-plugins/docker-buildx"
  clear_runtime "$engine"
  # Each its own range on the bridge: a daemon does not know which addresses the others have given away.
  case $engine in
    classic) containers=10.213.1.0/24 ;;
    containerd) containers=10.213.2.0/24 ;;
    classic-20) containers=10.213.20.0/24 ;;
    classic-26) containers=10.213.26.0/24 ;;
    containerd-26) containers=10.213.27.0/24 ;;
  esac
  case $engine in
    classic-20) features='"buildkit": true' ;;
    classic*) features='"containerd-snapshotter": false' ;;
    containerd*) features='"containerd-snapshotter": true' ;;
  esac
  echo "{\"features\": {$features}}" >"$folder/daemon.json"
  PATH=$programs/usr/sbin:$programs/usr/bin:$PATH:/usr/sbin:/sbin LD_LIBRARY_PATH=$(library_path "$programs") \
    setsid env -u NOTIFY_SOCKET dockerd --config-file "$folder/daemon.json" -H "unix://$(socket "$engine")" \
    --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/docker.pid" --group root \
    --bridge "$BRIDGE" --fixed-cidr "$containers" --userland-proxy=false \
    --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false >"$folder/docker.log" 2>&1 </dev/null 9>&- &
  LAUNCHED[$engine]=$!
}

# await ENGINE: until the engine answers; an error as soon as its process is gone, or when the time is up.
await() {
  local engine=$1 log tenths=$((READY_SECONDS * 10))
  log=$(data "$engine")/docker.log
  until answers "$engine"; do
    if [ $((tenths--)) -le 0 ] || ! { running_process "$engine" || kill -0 "${LAUNCHED[$engine]:-none}"; } >/dev/null 2>&1; then
      tail -n 15 "$log" >&2
      die "the $engine engine did not come up (its log: $log)" \
        'A container or sandbox needs --privileged for it; otherwise set IMAGE_BUDGET_USE_DOCKER=1 to use a Docker of your own.'
    fi
    sleep 0.1
  done
}

start() {
  local engine missing=()
  for engine in "$@"; do answers "$engine" || missing+=("$engine"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  local remedy='Use an existing Docker: IMAGE_BUDGET_USE_DOCKER=1.'
  [ "$(uname -s)" = Linux ] && command -v dpkg >/dev/null && command -v apt-get >/dev/null || die 'engines can be started on Debian only' "$remedy"
  [ "$(id -u)" = 0 ] || die 'starting an engine needs root' "$remedy"
  # containerd's limit for a socket's path is 104 characters, and /containerd-26/exec/containerd/containerd-debug.sock has 52.
  [ ${#IMAGE_BUDGET_ENGINES} -le 52 ] || die "IMAGE_BUDGET_ENGINES is too long for a socket's path (${#IMAGE_BUDGET_ENGINES} characters, at most 52)" 'Choose a shorter one.'
  make_state_folder
  exec 9>"$IMAGE_BUDGET_ENGINES/lock"
  flock -w 600 9 || die 'another start has been running for ten minutes' "See what holds $IMAGE_BUDGET_ENGINES/lock."
  install_engines "$@"
  make_bridge
  missing=()
  for engine in "$@"; do
    answers "$engine" && continue
    missing+=("$engine")
    if ! running_process "$engine" >/dev/null; then launch "$engine"; fi
  done
  for engine in ${missing[@]+"${missing[@]}"}; do await "$engine"; done
  exec 9>&-
}

# stop ENGINE...
stop() {
  [ -d "$IMAGE_BUDGET_ENGINES" ] || return 0
  exec 9>"$IMAGE_BUDGET_ENGINES/lock"
  flock -w 600 9 || die 'a start is in progress' 'Wait for it.'
  local engine pid
  for engine in "$@"; do
    if pid=$(running_process "$engine"); then terminate "$pid" 20; fi
    clear_runtime "$engine"
  done
  # Engines of another folder may be on the bridge. ([i]: else grep finds its own command line.)
  if ! grep -qsa "[i]${BRIDGE#i}" /proc/[0-9]*/cmdline; then
    PATH=$PATH:/usr/sbin:/sbin ip link delete "$BRIDGE" 2>/dev/null || true
  fi
}

# status ENGINE...
status() {
  local engine code=0
  for engine in "$@"; do
    if answers "$engine"; then
      echo "$engine: running, $(cat "$(packages "$(generation "$engine")")/complete"), unix://$(socket "$engine")"
    else
      echo "$engine: not running"
      code=1
    fi
  done
  return $code
}

# Empty values switch off what would take precedence over DOCKER_HOST.
print_env() {
  if ! answers "$1"; then
    (die "the $1 engine is not running" "Start it: scripts/engine.sh start $1") || exit 4
  fi
  export_line DOCKER_HOST "unix://$(socket "$1")"
  export_line DOCKER_CONFIG "$(data "$1")/config"
  export_line DOCKER_CONTEXT ''
  export_line BUILDX_BUILDER ''
  export_line PATH "$CLI/usr/bin:$PATH"
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

main() {
  local command=${1:-} engine engines=()
  case $command in
    -h | --help | help) usage && return ;;
    start | stop | status | env) shift ;;
    *) usage >&2 && exit 2 ;;
  esac
  for engine in "$@"; do
    [[ " ${ENGINES[*]} all " == *" $engine "* ]] || die "unknown engine: $engine" "It is one of ${ENGINES[*]}, or all."
    case $command:$engine in
      stop:all) engines+=("${ENGINES[@]}") ;;
      *:all) engines+=("${DEFAULT[@]}") ;;
      *) engines+=("$engine") ;;
    esac
  done
  # Each once: a second start of one that does not answer yet would be a second daemon.
  mapfile -t engines < <([ ${#engines[@]} = 0 ] || printf '%s\n' "${engines[@]}" | sort -u)
  [ "$command" != env ] || [ ${#engines[@]} = 1 ] || die 'env of which engine?' "scripts/engine.sh env classic, or another one of ${ENGINES[*]}"
  if [ "${IMAGE_BUDGET_USE_DOCKER:-}" = 1 ]; then
    use_present_docker "$command" "${engines[0]:-}"
    return
  fi
  if [ ${#engines[@]} = 0 ]; then
    if [ "$command" = stop ]; then engines=("${ENGINES[@]}"); else engines=("${DEFAULT[@]}"); fi
  fi
  case $command in
    start) start "${engines[@]}" ;;
    stop) stop "${engines[@]}" ;;
    status) status "${engines[@]}" ;;
    env) print_env "${engines[0]}" ;;
  esac
}

main "$@"
