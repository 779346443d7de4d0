#!/usr/bin/env bash
# Other programs that hold and copy images, for the agreement tests: see --help.
set -euo pipefail
umask 022
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/debian.sh
. "$HERE/debian.sh"
# shellcheck source=scripts/daemons.sh
. "$HERE/daemons.sh"

PEERS=$IMAGE_BUDGET_ENGINES/peers
PROGRAMS=$PEERS/programs

usage() {
  cat <<'USAGE'
Registries on 127.0.0.1, skopeo and umoci, of Debian 12.

  scripts/peers.sh start [--auth USER:PASSWORD] [NAME ...]   install what is missing, start registries with these names, wait until
                                                             they answer (default: one named `registry`)
  scripts/peers.sh stop [NAME ...]                           stop them (default: all) and remove what they hold
  scripts/peers.sh status [NAME ...]                         one line per registry; exit code 1 if one is not running
  scripts/peers.sh env [NAME]                                shell lines for eval: PEERS_REGISTRY (127.0.0.1:PORT),
                                                             PEERS_REGISTRY_DATA (the folder of its storage), PATH with
                                                             skopeo and umoci; exit code 4 if it is not running

  eval "$(scripts/peers.sh env)" && docker push "$PEERS_REGISTRY/name:tag"
  skopeo copy --src-tls-verify=false "docker://$PEERS_REGISTRY/name:tag" oci:folder

`start` may be called at any time and by several at once; a registry that runs already stays as it is. Ports are free ones,
chosen anew at each start. Docker engines may push to 127.0.0.0/8 over http. `skopeo` accepts any image (a policy of its
own) and reads nobody's credentials but those it is given.

Environment:
  IMAGE_BUDGET_ENGINES   where programs, registries and logs are kept, in the folder `peers` (default:
                         /var/tmp/image-budget-engines)
USAGE
}

folder_of() { echo "$PEERS/registry-$1"; }
running_registry() { owned_process "$(folder_of "$1")/pid" "$(folder_of "$1")/"; }

# answers NAME: whether the registry does; without curl, which is not on every machine.
answers() {
  local port line
  running_registry "$1" >/dev/null && port=$(cat "$(folder_of "$1")/port" 2>/dev/null) || return 1
  line=$(timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET /v2/ HTTP/1.0\r\n\r\n" >&3 && head -n 1 <&3' "$port" 2>/dev/null) || return 1
  [[ $line == *' 200 '* || $line == *' 401 '* ]]
}

install_peers() {
  [ ! -f "$PROGRAMS/complete" ] || return 0
  read_debian_sources
  say "fetching a registry, skopeo and umoci from Debian's packages"
  local work=$PEERS/apt log=$PEERS/install.log
  rm -rf "$work"
  mkdir -p "$work"
  # With the libraries that a bare machine does not have.
  (private_apt "$work" bookworm &&
    fetch_programs "$PROGRAMS.new" "$work/packages" {docker-registry,skopeo,umoci,libgpgme11,libassuan0,libdevmapper1.02.1}/bookworm) >"$log" 2>&1 ||
    cannot_fetch "the peers" "$log"
  rm -rf "$work" "$PROGRAMS"
  mkdir "$PROGRAMS.new/bin"
  # What is written into the wrapper is the folder's name after the move.
  wrap_skopeo "$(library_path "$PROGRAMS.new" | sed "s|$PROGRAMS.new|$PROGRAMS|g")" >"$PROGRAMS.new/bin/skopeo"
  echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$PROGRAMS.new/policy.json"
  ln -s ../usr/bin/umoci "$PROGRAMS.new/bin/umoci"
  chmod 755 "$PROGRAMS.new/bin/skopeo"
  mv "$PROGRAMS.new" "$PROGRAMS"
  # As the last step: what does not run here is found now, and tried again by the next start.
  { "$PROGRAMS/bin/skopeo" --version && "$PROGRAMS/usr/bin/docker-registry" --version; } >"$log" 2>&1 || die "Debian's skopeo or docker-registry does not run here: $(tail -n 3 "$log")"
  mv "$log" "$PROGRAMS/complete"
}

# wrap_skopeo LIBRARIES: skopeo with its libraries and a policy, and nothing of the user's configuration.
wrap_skopeo() {
  cat <<WRAPPER
#!/bin/sh
: "\${REGISTRY_AUTH_FILE:=$PROGRAMS/none.json}"
export REGISTRY_AUTH_FILE LD_LIBRARY_PATH=$1
exec $PROGRAMS/usr/bin/skopeo --policy $PROGRAMS/policy.json --registries-conf /dev/null "\$@"
WRAPPER
}

# launch NAME USER:PASSWORD: starts a registry on a port that nobody listens on; 1 if somebody took it meanwhile.
launch() {
  local folder port tenths=100 pid auth=
  folder=$(folder_of "$1")
  rm -rf "$folder"
  mkdir -p "$folder/data"
  # Below the range from which the system takes ports for connections (32768 and up).
  while port=$((20000 + RANDOM % 10000)) && listens "$port"; do :; done
  echo "$port" >"$folder/port"
  if [ -n "$2" ]; then
    echo "${2%%:*}:$(bcrypt "${2#*:}")" >"$folder/htpasswd"
    auth="auth: {htpasswd: {realm: image-budget, path: $folder/htpasswd}}"
  fi
  # Foreign layers are taken (`urls`), and nothing is remembered of blobs that a test removes.
  cat >"$folder/config.yml" <<CONFIG
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: $folder/data}
  delete: {enabled: true}
  maintenance: {uploadpurging: {enabled: false}}
http: {addr: "127.0.0.1:$port"}
validation: {manifests: {urls: {allow: ['.*']}}}
$auth
CONFIG
  setsid env OTEL_TRACES_EXPORTER=none "$PROGRAMS/usr/bin/docker-registry" serve "$folder/config.yml" >"$folder/log" 2>&1 </dev/null 9>&- &
  pid=$!
  echo "$pid" >"$folder/pid"
  until answers "$1"; do
    kill -0 "$pid" 2>/dev/null && [ $((tenths--)) -gt 0 ] || return 1
    sleep 0.1
  done
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# bcrypt PASSWORD: as htpasswd -B writes it; libcrypt has it, and Perl is on every Debian machine. The salt needs no secrecy here.
bcrypt() { PASSWORD=$1 perl -e 'print crypt($ENV{PASSWORD}, q($2y$04$imagebudgetimagebudget))'; }

# start USER:PASSWORD NAME...
start() {
  local auth=$1 name
  shift
  [ "$(uname -s)" = Linux ] && command -v dpkg >/dev/null && command -v apt-get >/dev/null || die 'peers can be started on Debian only'
  make_state_folder
  mkdir -p "$PEERS"
  exec 9>"$PEERS/lock"
  flock -w 600 9 || die 'another start has been running for ten minutes' "See what holds $PEERS/lock."
  install_peers
  for name in "$@"; do
    answers "$name" || launch "$name" "$auth" || launch "$name" "$auth" ||
      die "the registry $name did not come up: $(tail -n 3 "$(folder_of "$name")/log")" "Its log: $(folder_of "$name")/log"
  done
  exec 9>&-
}

# stop NAME...
stop() {
  local name pid
  [ -d "$PEERS" ] || return 0
  exec 9>"$PEERS/lock"
  flock -w 600 9 || die 'a start is in progress' 'Wait for it.'
  for name in "$@"; do
    if pid=$(running_registry "$name"); then terminate "$pid" 10; fi
    rm -rf "$(folder_of "$name")"
  done
}

# known: the names of the registries that were started and not stopped.
known() {
  local folder
  for folder in "$PEERS"/registry-*/; do [ ! -d "$folder" ] || basename "$folder" | sed 's/^registry-//'; done
}

# status NAME...
status() {
  local name code=0
  for name in "$@"; do
    if answers "$name"; then
      echo "$name: running, 127.0.0.1:$(cat "$(folder_of "$name")/port")"
    else
      echo "$name: not running"
      code=1
    fi
  done
  return $code
}

print_env() {
  if ! answers "$1"; then
    (die "the registry $1 is not running" "Start it: scripts/peers.sh start $1") || exit 4
  fi
  export_line PEERS_REGISTRY "127.0.0.1:$(cat "$(folder_of "$1")/port")"
  export_line PEERS_REGISTRY_DATA "$(folder_of "$1")/data"
  export_line PATH "$PROGRAMS/bin:$PATH"
}

main() {
  local command=${1:-} auth= name names
  case $command in
    -h | --help | help) usage && return ;;
    start | stop | status | env) shift ;;
    *) usage >&2 && exit 2 ;;
  esac
  if [ "${1:-}" = --auth ]; then
    auth=${2:-}
    [ "$command" = start ] && [[ $auth == ?*:?* ]] || die '--auth takes USER:PASSWORD, at start'
    shift 2
  fi
  for name in "$@"; do
    [[ $name =~ ^[a-z0-9][a-z0-9-]{0,30}$ ]] || die "not a registry's name: $name" 'It has lower-case letters, digits and dashes.'
  done
  names=("$@")
  if [ $# = 0 ] && [ "$command" = stop ]; then mapfile -t names < <(known); elif [ $# = 0 ]; then names=(registry); fi
  case $command in
    start) start "$auth" "${names[@]}" ;;
    stop) stop ${names[@]+"${names[@]}"} ;;
    status) status "${names[@]}" ;;
    env)
      [ ${#names[@]} = 1 ] || die 'env of which registry?' 'scripts/peers.sh env NAME'
      print_env "${names[0]}"
      ;;
  esac
}

main "$@"
