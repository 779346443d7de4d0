#!/usr/bin/env bash
# Fetches the wheels that pyproject.toml names into vendor/, so that the build needs no network. For `before-build`.
# The image's Python decides which wheels fit, not the one that runs pip here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
[ ! -f vendor/complete ] || exit 0
command -v pip3 >/dev/null || { echo 'prepare.sh: pip is missing; on Debian: apt-get install python3-pip' >&2; exit 1; }
pip3 download --quiet --dest vendor --only-binary :all: --implementation cp --python-version 3.11 \
  --platform "manylinux2014_$(uname -m)" --platform "manylinux_2_17_$(uname -m)" --platform "manylinux_2_28_$(uname -m)" \
  bottle==0.13.2 orjson==3.10.15 mypy==1.15.0
touch vendor/complete
