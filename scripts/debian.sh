# Sourced by engine.sh, base-images.sh and peers.sh: what they need to know of the Debian machine they run on.
# shellcheck shell=bash

IMAGE_BUDGET_ENGINES=${IMAGE_BUDGET_ENGINES:-/var/tmp/image-budget-engines}

# die MESSAGE [REMEDY]: one error, with what to do about it.
die() {
  echo "$(basename "$0"): $1" >&2
  [ -z "${2:-}" ] || echo "  $2" >&2
  exit 1
}

say() { echo "$(basename "$0"): $*" >&2; }

# The folder holds programs and a root-owned socket, and its parent may be writable by anyone.
make_state_folder() {
  mkdir -p -m 755 "$IMAGE_BUDGET_ENGINES"
  [ -O "$IMAGE_BUDGET_ENGINES" ] && [ ! -L "$IMAGE_BUDGET_ENGINES" ] ||
    die "$IMAGE_BUDGET_ENGINES belongs to someone else" "Set IMAGE_BUDGET_ENGINES to a folder of your own."
}

# The archive that this machine itself installs from, as apt understands its sources (deb822 or one-line form).
# Sets DEBIAN_CODENAME, DEBIAN_MIRROR and DEBIAN_SIGNED_BY (a keyring's path, or empty for apt's trusted keys).
read_debian_sources() {
  DEBIAN_CODENAME=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  DEBIAN_MIRROR=$(apt-get indextargets --no-release-info --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk -v codename="$DEBIAN_CODENAME" '$1 == codename && $2 == "main" && !found { print $3; found = 1 }')
  [ -n "$DEBIAN_MIRROR" ] ||
    die "no apt source for Debian $DEBIAN_CODENAME main" 'Add one to /etc/apt/sources.list.d, or set IMAGE_BUDGET_USE_DOCKER=1 and start a Docker of your own.'
  local files=() file
  for file in /etc/apt/sources.list.d/*.sources; do [ ! -f "$file" ] || files+=("$file"); done
  DEBIAN_SIGNED_BY=$({
    [ ${#files[@]} -eq 0 ] || awk -v RS= -v mirror="${DEBIAN_MIRROR%/}" 'index($0, mirror)' "${files[@]}"
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep -F "${DEBIAN_MIRROR%/}" || true
  } | sed -nE 's/.*[Ss]igned-[Bb]y[:=] *(\/[^] ,]+).*/\1/p' | head -n 1)
}

# apt_source SUITE: a one-line apt source for a suite of the machine's own mirror.
apt_source() {
  echo "deb ${DEBIAN_SIGNED_BY:+[signed-by=$DEBIAN_SIGNED_BY] }$DEBIAN_MIRROR $1 main"
}

# private_apt FOLDER SUITE...: sets APT to an apt-get with sources, lists and cache of its own in FOLDER, lists read. It knows nothing of what
# is installed here: of a package that is, apt would want that very version, which a suite need not have.
private_apt() {
  local folder=$1 suite
  shift
  mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
  for suite in "$@"; do apt_source "$suite"; done >"$folder/sources.list"
  : >"$folder/status"
  APT=(apt-get -qq -o "Dir::Etc::sourcelist=$folder/sources.list" -o Dir::Etc::sourceparts=- -o Dir::Etc::preferencesparts=-
    -o "Dir::State::lists=$folder/lists" -o "Dir::State::status=$folder/status" -o "Dir::Cache=$folder/cache" -o Acquire::Languages=none
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o Acquire::Retries=3 -o APT::Sandbox::User=root)
  "${APT[@]}" update
}

# fetch_programs FOLDER WORK PACKAGE/SUITE...: fetches packages into WORK and extracts them into FOLDER; they are not installed.
# Uses APT.
fetch_programs() {
  local folder=$1 work=$2 package
  shift 2
  rm -rf "$folder"
  mkdir -p "$work" "$folder"
  (cd "$work" && "${APT[@]}" download "$@") || return
  for package in "$work"/*.deb; do dpkg -x "$package" "$folder" || return; done
  rm -rf "$folder"/usr/share/{doc,man,locale,bash-completion,zsh,fish}
}

# library_path FOLDER: LD_LIBRARY_PATH for the shared libraries among packages extracted there.
library_path() { { find "$1"/{,usr/}lib -maxdepth 1 -name "*-linux-gnu*" -type d 2>/dev/null || true; } | paste -s -d :; }

# cannot_fetch WHAT LOG
cannot_fetch() {
  die "could not fetch $1's packages: $(grep -vi '^get' "$2" | tail -n 3)" 'Check that apt-get update works here, or set IMAGE_BUDGET_USE_DOCKER=1 to use a Docker of your own.'
}

# install_missing PROGRAM=PACKAGE...: installs the packages whose program is not there.
install_missing() {
  local pair packages=()
  for pair in "$@"; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%=*}" >/dev/null || packages+=("${pair#*=}")
  done
  [ ${#packages[@]} -gt 0 ] || return 0
  say "installing ${packages[*]}"
  local log=$IMAGE_BUDGET_ENGINES/install.log
  install_packages() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "${packages[@]}" >"$log" 2>&1
  }
  # Lists that are missing or old are the usual reason for a failure, and reading them anew costs seconds.
  install_packages || { apt-get -qq update >>"$log" 2>&1 && install_packages; } ||
    die "could not install ${packages[*]}: $(tail -n 3 "$log")" "Install them yourself and try again."
}
