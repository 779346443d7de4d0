#!/usr/bin/env bash
# The benchmarks with all of their set-up: what the action costs (scripts/bench.ts), with `--reading` what reading an image
# takes (scripts/bench-reading.ts), with `--causes` what telling causes takes (scripts/bench-causes.ts), with `--records` what a record
# saves (scripts/bench-records.ts), with `--reports` what it takes to report on many images (scripts/bench-reports.ts), with `--bake` what a
# bake file's targets cost beside bake (scripts/bench-bake.ts). Arguments are passed on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/setup.sh
# No image is measured in an engine there.
if [[ " $* " == *' --reports '* ]]; then
  installed || install
  node_24
else
  set_up all base
fi
case " $* " in
  *' --reports '*) node scripts/bench-reports.ts "$@" ;;
  *' --causes '*) node scripts/bench-causes.ts "$@" ;;
  *' --reading '*)
    # A registry of its own: what is pushed to it goes with it.
    trap 'bash scripts/peers.sh stop bench-reading' EXIT
    bash scripts/peers.sh start bench-reading
    node scripts/bench-reading.ts "$@"
    ;;
  *' --records '*) node scripts/bench-records.ts "$@" ;;
  *' --bake '*) node scripts/bench-bake.ts "$@" ;;
  *) node scripts/bench.ts "$@" ;;
esac
