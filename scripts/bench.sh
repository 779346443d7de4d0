#!/usr/bin/env bash
# The benchmarks with all of their set-up: what the action costs (scripts/bench.ts), with `--reading` what reading an image
# takes (scripts/bench-reading.ts), with `--causes` what telling causes takes (scripts/bench-causes.ts), with `--records` what a record
# saves (scripts/bench-records.ts). Arguments are passed on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/setup.sh
case " $* " in
  *' --causes '*)
    # It takes images from files: no engine.
    installed || install
    node_24
    exec node scripts/bench-causes.ts "$@"
    ;;
esac
set_up all base
case " $* " in
  *' --reading '*)
    # A registry of its own: what is pushed to it goes with it.
    trap 'bash scripts/peers.sh stop bench-reading' EXIT
    bash scripts/peers.sh start bench-reading
    node scripts/bench-reading.ts "$@"
    ;;
  *' --records '*) node scripts/bench-records.ts "$@" ;;
  *) node scripts/bench.ts "$@" ;;
esac
