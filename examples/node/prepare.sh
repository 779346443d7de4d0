#!/usr/bin/env bash
# Fetches the packages that package.json names into vendor/, so that the build needs no network. For `before-build`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
packages=(hono@4.13.19 @hono/node-server@2.1.8 zod@4.6.7 typescript@5.9.3 @types/node@24.19.2 undici-types@7.24.6)
mkdir -p vendor
missing=()
for package in "${packages[@]}"; do
  file=${package#@}
  file=${file//\//-}
  [ -f "vendor/${file//@/-}.tgz" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] || npm pack --silent --prefer-offline --pack-destination vendor "${missing[@]}" >/dev/null
