#!/usr/bin/env bash
# The benchmark with all of its set-up: see scripts/bench.ts. Arguments are passed on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/setup.sh
set_up all base
node scripts/bench.ts "$@"
