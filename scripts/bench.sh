#!/usr/bin/env bash
# The benchmarks with all of their set-up: what the action costs (scripts/bench.ts), with `--reading` what reading an image
# takes (scripts/bench-reading.ts), with `--records` what a record saves (scripts/bench-records.ts), with `--reports` what it takes to report
# on many images (scripts/bench-reports.ts). Arguments are passed on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/setup.sh
# No image is measured there, so that no engine is needed.
if [[ " $* " == *' --reports '* ]]; then
  installed || install
  node_24
else
  set_up all base
fi
case " $* " in
  *' --reports '*) node scripts/bench-reports.ts "$@" ;;
  *' --reading '*)
    # A registry of its own: what is pushed to it goes with it.
    trap 'bash scripts/peers.sh stop bench-reading' EXIT
    bash scripts/peers.sh start bench-reading
    node scripts/bench-reading.ts "$@"
    ;;
  *' --records '*) node scripts/bench-records.ts "$@" ;;
  *) node scripts/bench.ts "$@" ;;
esac
