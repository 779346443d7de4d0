# Sourced by base-images.sh: packages that the images under test install, fetched once, for their builds have no network.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # used there, and set there

# Pinned: the figures of what is installed stand in committed files. Debian's may change a little with a point release.
# After a change here, the tags in base-images.sh get the next number.
NPM=(
  hono@4.13.19 @hono/node-server@2.1.8 zod@4.6.7 zod@3.25.76
  typescript@5.9.3 @types/node@24.19.2 undici-types@7.24.6
  esbuild@0.25.12 "@esbuild/linux-$(uname -m | sed 's/x86_64/x64/;s/aarch64/arm64/')@0.25.12"
)
WHEELS=(bottle==0.13.2 orjson==3.10.15 Jinja2==3.1.6 MarkupSafe==3.0.2)
SOURCES=(pycparser==2.22)
DEBIAN=(tree jq gcc libc6-dev fonts-dejavu-core)
DEBIAN_WITH_RECOMMENDED=(wget)

# An npm cache: `npm ci --offline` finds in it what a lock file names.
fetch_npm-packages() { npm cache add --loglevel=error --cache "$1" "${NPM[@]}" && rm -rf "$1/_logs"; }

# For pip's --find-links and the Python of Debian 12; and sources, of which pip has to make the wheel itself.
fetch_python-packages() {
  pip3 download --quiet --dest "$1" --no-deps --only-binary :all: --implementation cp --python-version 3.11 \
    --platform "manylinux2014_$(uname -m)" --platform "manylinux_2_17_$(uname -m)" "${WHEELS[@]}" &&
    pip3 download --quiet --dest "$1" --no-deps --no-binary :all: "${SOURCES[@]}"
}

# A repository for `deb [trusted=yes] copy:/packages ./`: what the Debian base image does not have of the packages and of what
# they depend on; and a list of them, with the beginning of the archive's own, so that it has a size worth removing.
fetch_debian-packages() {
  local deb list
  private_apt "$1/work" bookworm
  APT+=(-o "Dir::State::status=$CACHE/debian/status" -o Debug::NoLocking=true -y)
  "${APT[@]}" --download-only --no-install-recommends install "${DEBIAN[@]}"
  "${APT[@]}" --download-only --install-recommends install "${DEBIAN_WITH_RECOMMENDED[@]}"
  mv "$1"/work/cache/archives/*.deb "$1/"
  for deb in "$1"/*.deb; do
    dpkg-deb --field "$deb"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$(basename "$deb")" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d ' ' -f 1)"
  done >"$1/Packages"
  list=$("${APT[@]}" indextargets --format '$(FILENAME)' 'Created-By: Packages' | head -n 1)
  /usr/lib/apt/apt-helper cat-file "$list" >"$1/work/Packages"
  awk -v RS= 'NR == FNR { ours[$2]; next } !($2 in ours) && (bytes += length($0)) < 4000000 { print $0 "\n" }' \
    "$1/Packages" "$1/work/Packages" >"$1/work/more"
  cat "$1/work/more" >>"$1/Packages"
  rm -rf "$1/work"
}

