#!/usr/bin/env bash
# The main job on a real example, from nothing: see scripts/demo.ts. Arguments are passed on: `npm run demo -- containerd`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/setup.sh
set_up "${1:-all}" debian node
node scripts/demo.ts "$@"
