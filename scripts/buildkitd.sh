#!/usr/bin/env bash
# A BuildKit of its own, as the drivers `remote` and `docker-container` use one: see --help.
set -euo pipefail
umask 022
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/debian.sh
. "$HERE/debian.sh"
# shellcheck source=scripts/daemons.sh
. "$HERE/daemons.sh"

VERSION=v0.25.1
FOLDER=$IMAGE_BUDGET_ENGINES/buildkit
PROGRAMS=$FOLDER/programs
SOCKET=$FOLDER/buildkitd.sock
CONTAINER=image-budget-container
RUNC=$IMAGE_BUDGET_ENGINES/packages

usage() {
  cat <<'USAGE'
A BuildKit of its own, for the tests of buildx's drivers. Optional: it is built from source with Go and its module proxy, which not
every machine has; nothing else needs it.

  scripts/buildkitd.sh start       install, start buildkitd and wait until it answers
  scripts/buildkitd.sh container   make a builder with the driver docker-container in the engine `classic` too
  scripts/buildkitd.sh stop        stop both; what was built stays
  scripts/buildkitd.sh status      exit code 1 if it is not running
  scripts/buildkitd.sh env [remote|container]
                                   shell lines for eval: BUILDX_BUILDER, DOCKER_CONFIG (where buildx knows it), BUILDKIT_BASE,
                                   PATH; exit code 4 if it is not running

It needs the engines of scripts/engine.sh, with the base image `base`. A builder does not see an engine's images: BUILDKIT_BASE is
the base image as a build context, which stands in for the name in a Dockerfile:

  docker buildx build --build-context "image-budget/base:1=$BUILDKIT_BASE" --output type=oci,dest=FILE .

Environment:
  IMAGE_BUDGET_ENGINES   where all is kept, in the folder `buildkit` (default: /var/tmp/image-budget-engines)
USAGE
}

running() { owned_process "$FOLDER/pid" "$SOCKET"; }
answers() { running >/dev/null && timeout 5 "$PROGRAMS/buildctl" --addr "unix://$SOCKET" debug workers >/dev/null 2>&1; }

# install_buildkit: in a copy, for the module's folder in Go's cache is not to be written into.
install_buildkit() {
  [ ! -f "$PROGRAMS/complete" ] || return 0
  command -v go >/dev/null || die 'building buildkitd needs Go' 'It is optional: leave it out.'
  say "building buildkitd $VERSION (a few minutes)"
  local log=$FOLDER/install.log source
  rm -rf "$PROGRAMS" "$FOLDER/source"
  mkdir -p "$PROGRAMS"
  source=$(cd "$FOLDER" && GOFLAGS=-modcacherw go mod download -json "github.com/moby/buildkit@$VERSION" 2>"$log" | sed -nE 's/^\s*"Dir": "(.*)",$/\1/p')
  [ -n "$source" ] || die "could not fetch buildkit's source: $(tail -n 3 "$log")" 'Is a Go module proxy in reach (go env GOPROXY)?'
  cp -r "$source" "$FOLDER/source"
  chmod -R u+w "$FOLDER/source"
  (cd "$FOLDER/source" && CGO_ENABLED=0 nice go build -mod=mod -trimpath -o "$PROGRAMS/" \
    -ldflags "-s -w -X github.com/moby/buildkit/version.Version=$VERSION" ./cmd/buildkitd ./cmd/buildctl) >"$log" 2>&1 ||
    die "could not build buildkitd: $(tail -n 3 "$log")" "Its log: $log"
  rm -rf "$FOLDER/source"
  mv "$log" "$PROGRAMS/complete"
}

launch() {
  mkdir -p "$FOLDER/root" "$FOLDER/config/cli-plugins"
  ln -sfn "$RUNC/usr/libexec/docker/cli-plugins/docker-buildx" "$FOLDER/config/cli-plugins/docker-buildx"
  # Without a configuration of its own it would read the machine's.
  echo 'root = "'"$FOLDER/root"'"' >"$FOLDER/buildkitd.toml"
  PATH=$RUNC/usr/sbin:$RUNC/usr/bin:$PATH:/usr/sbin:/sbin LD_LIBRARY_PATH=$(library_path "$RUNC") \
    setsid "$PROGRAMS/buildkitd" --config "$FOLDER/buildkitd.toml" --addr "unix://$SOCKET" --root "$FOLDER/root" \
    --oci-worker-net host --containerd-worker=false >"$FOLDER/log" 2>&1 </dev/null 9>&- &
  echo $! >"$FOLDER/pid"
  local tenths=300
  until answers; do
    kill -0 $! 2>/dev/null && [ $((tenths--)) -gt 0 ] || die "buildkitd did not come up: $(tail -n 3 "$FOLDER/log")" "Its log: $FOLDER/log"
    sleep 0.1
  done
}

# in_engine ENGINE COMMAND...: docker against that engine.
in_engine() (
  lines=$("$HERE/engine.sh" env "$1") || exit
  eval "$lines"
  shift
  "$@"
)

# The base image as the containerd engine has it, as an OCI layout.
export_base() {
  [ ! -f "$FOLDER/base/index.json" ] || return 0
  rm -rf "$FOLDER/base"
  echo 'FROM image-budget/base:1' | in_engine containerd docker buildx build --quiet --provenance=false \
    --output "type=oci,tar=false,dest=$FOLDER/base,name=image-budget/base:1" - >/dev/null
}

lock() {
  make_state_folder
  mkdir -p "$FOLDER"
  exec 9>"$FOLDER/lock"
  flock -w 1200 9 || die 'another start has been running for twenty minutes' "See what holds $FOLDER/lock."
}

start() {
  lock
  install_buildkit
  answers || launch
  export_base
  DOCKER_CONFIG=$FOLDER/config "$RUNC/usr/bin/docker" buildx inspect image-budget-remote >/dev/null 2>&1 ||
    DOCKER_CONFIG=$FOLDER/config "$RUNC/usr/bin/docker" buildx create --name image-budget-remote --driver remote "unix://$SOCKET" >/dev/null
  exec 9>&-
}

# The image that the driver asks for cannot be had without a registry; one that the engine has under its name serves.
# buildx runs buildctl in it.
container() {
  lock
  install_buildkit
  export_base
  local image=moby/buildkit:image-budget work=$FOLDER/image library
  if ! in_engine classic docker image inspect "$image" >/dev/null 2>&1; then
    rm -rf "$work"
    mkdir -p "$work/lib" "$work/lib64" "$work/usr/bin"
    cp "$PROGRAMS/buildkitd" "$PROGRAMS/buildctl" "$RUNC/usr/sbin/runc" "$work/usr/bin/"
    for library in $(LD_LIBRARY_PATH=$(library_path "$RUNC") ldd "$RUNC/usr/sbin/runc" | grep -oE '/[^ ]+'); do
      case $library in
        */ld-linux*) cp -L "$library" "$work/lib64/" ;;
        *) cp -L "$library" "$work/lib/" ;;
      esac
    done
    in_engine classic docker buildx build --quiet --load --provenance=false --tag "$image" --file - "$work" >/dev/null <<'DOCKERFILE'
FROM image-budget/base:1
COPY . /
ENV PATH=/usr/bin:/bin LD_LIBRARY_PATH=/lib
VOLUME /var/lib/buildkit
ENTRYPOINT ["buildkitd"]
DOCKERFILE
    rm -rf "$work"
  fi
  in_engine classic docker buildx inspect "$CONTAINER" >/dev/null 2>&1 ||
    in_engine classic docker buildx create --name "$CONTAINER" --driver docker-container --driver-opt "image=$image" >/dev/null
  in_engine classic docker buildx inspect --bootstrap "$CONTAINER" >/dev/null
  exec 9>&-
}

stop() {
  [ -d "$FOLDER" ] || return 0
  lock
  local pid
  if pid=$(running); then terminate "$pid" 20; fi
  in_engine classic docker buildx rm --keep-state "$CONTAINER" >/dev/null 2>&1 || true
}

not_running() {
  (die "$1 is not running" "Start it: scripts/buildkitd.sh $2") || exit 4
}

print_env() {
  case $1 in
    remote)
      answers || not_running buildkitd start
      export_line DOCKER_CONFIG "$FOLDER/config"
      export_line BUILDX_BUILDER image-budget-remote
      export_line PATH "$RUNC/usr/bin:$PATH"
      ;;
    container)
      in_engine classic docker inspect "buildx_buildkit_${CONTAINER}0" >/dev/null 2>&1 || not_running 'the container builder' container
      "$HERE/engine.sh" env classic | grep -v BUILDX_BUILDER
      export_line BUILDX_BUILDER "$CONTAINER"
      ;;
  esac
  export_line BUILDKIT_BASE "oci-layout://$FOLDER/base"
}

main() {
  local which=${2:-remote}
  case ${1:-} in
    -h | --help | help) usage ;;
    start) start ;;
    container) container ;;
    stop) stop ;;
    status)
      answers || { echo 'not running'; exit 1; }
      echo "running, $VERSION, unix://$SOCKET"
      ;;
    env)
      [ "$which" = remote ] || [ "$which" = container ] || die "unknown builder: $which" 'It is remote or container.'
      print_env "$which"
      ;;
    *) usage >&2 && exit 2 ;;
  esac
}

main "$@"
