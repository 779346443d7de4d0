#!/usr/bin/env bash
# Set-up that the tests, the demo and the benchmark share, to be sourced in the project's top folder.

# Every package of the lock file is there in its version (an optional one may be for another platform).
installed() {
  [ -f node_modules/.package-lock.json ] && node -e '
    const packages = (file) => JSON.parse(require("node:fs").readFileSync(file, "utf8")).packages
    const there = packages("node_modules/.package-lock.json")
    const complete = Object.entries(packages("package-lock.json")).every(
      ([path, { version, optional }]) => path === "" || optional || there[path]?.version === version,
    )
    process.exit(complete ? 0 : 1)'
}

# npm ci empties the folder first, also through a link: a linked node_modules belongs to somebody else.
install() {
  if [ -L node_modules ]; then
    echo "node_modules is a link to $(readlink node_modules) and not what package-lock.json asks for."
    echo 'To fix: run npm ci where it points to, or remove the link.'
    return 1
  fi
  npm ci --loglevel=error
}

# The sources run as they are: Node strips the types itself from 24 on.
node_24() {
  export PATH="$PWD/node_modules/.bin:$PATH"
  hash -r
  [ "$(node -p 'parseInt(process.versions.node)')" -ge 24 ] && return
  echo "Node 24 is needed, this is $(node --version). On Linux x64 npm ci installs one; elsewhere install it first."
  return 1
}

# The page is tested in a real browser: Debian's, which is installed where it is missing; another one by CHROME_PATH.
browser() {
  [ -z "${CHROME_PATH:-}" ] || return 0
  local program
  for program in /usr/bin/chromium /usr/bin/google-chrome; do [ ! -x "$program" ] || return 0; done
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo 'There is no Chromium. To fix: install one, and set CHROME_PATH to its program.'
    return 1
  fi
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium
}

# Completion is tried in the shells themselves: bash is there, Debian's zsh and fish are installed where they are missing and can be.
shells() {
  local shell missing=()
  for shell in zsh fish; do command -v "$shell" >/dev/null || missing+=("$shell"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "Not installed, so that its tests are skipped: ${missing[*]}."
    return 0
  fi
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
}

# What the demo and the benchmark need: dependencies, Node 24 first on the PATH, running engines with base images.
# Arguments are those of scripts/base-images.sh.
set_up() {
  installed || install
  node_24
  bash scripts/engine.sh start "${1:-all}"
  bash scripts/base-images.sh "$@"
}
