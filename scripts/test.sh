#!/usr/bin/env bash
# All checks and tests, on a machine with nothing but Node (>= 20.19) and npm: installs what is missing, starts engines.
#   npm test                   everything
#   npm test -- --no-engine    without the tests that need a Docker engine
#   npm test -- compare        jest only, with these arguments (no engine is started)
# A failed step does not stop the others. The last line is the count: `N passed, N failed`; each step counts as one test.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. scripts/setup.sh

passed=0 failed=0 skipped=0 engine=yes
jest_arguments=()
for argument in "$@"; do
  if [ "$argument" = --no-engine ]; then engine=no; else jest_arguments+=("$argument"); fi
done

finish() {
  local counts="$passed passed, $failed failed"
  [ "$skipped" -eq 0 ] || counts+=", $skipped skipped"
  printf '\n%s\n' "$counts"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

# step NAME COMMAND …: one step under a heading with its time; counts as one test.
step() {
  local name=$1 start=$SECONDS status=0
  shift
  printf '\n=== %s\n' "$name"
  "$@" </dev/null || status=$?
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1))
    echo "=== $name: ok ($((SECONDS - start)) s)"
  else
    failed=$((failed + 1))
    echo "=== $name: FAILED with exit code $status ($((SECONDS - start)) s)"
  fi
  return "$status"
}

# run_jest COUNTS …: jest with these arguments. Adds a line `passed failed skipped` to the file COUNTS.
run_jest() {
  local counts_file=$1 report status=0 counts
  shift
  report=$(mktemp)
  node --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js \
    --ci --runInBand --json --outputFile="$report" "$@" </dev/null >/dev/null || status=$?
  # A suite that did not load has no tests to count: it counts as one failure; so does a jest that fails for another reason.
  counts=$(node -e '
    const [, file, status] = process.argv
    const report = JSON.parse(require("node:fs").readFileSync(file, "utf8"))
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites
    console.log(report.numPassedTests, failed || Number(status !== "0"), report.numPendingTests + report.numTodoTests)' \
    "$report" "$status" 2>/dev/null) || counts="0 1 0"
  rm -f "$report"
  echo "$counts" >>"$counts_file"
}

count() {
  local jest_passed jest_failed jest_skipped
  while read -r jest_passed jest_failed jest_skipped; do
    passed=$((passed + jest_passed)) failed=$((failed + jest_failed)) skipped=$((skipped + jest_skipped))
  done <"$1"
}

if ! installed; then step 'install dependencies' install || finish; fi
node_24 || { failed=1 && finish; }

background=$(mktemp -d)
trap 'rm -rf "$background"' EXIT

if [ ${#jest_arguments[@]} -gt 0 ]; then
  run_jest "$background/counts" "${jest_arguments[@]}"
  count "$background/counts"
  finish
fi

# in_background NAME COMMAND …: starts it; `joined NAME` waits for it, shows what it printed and has its exit code.
declare -A jobs=()
in_background() {
  local name=$1
  shift
  (
    start=$SECONDS
    "$@" </dev/null || code=$?
    echo "$name: $((SECONDS - start)) s"
    exit "${code:-0}"
  ) >"$background/$name" 2>&1 &
  jobs[$name]=$!
}
joined() {
  local code=0
  wait "${jobs[$1]}" || code=$?
  cat "$background/$1"
  return "$code"
}

OLDER=(classic-20 classic-26 containerd-26)
start_engines() { bash scripts/engine.sh start all && bash scripts/base-images.sh; }
start_older_engines() { bash scripts/engine.sh start "${OLDER[@]}" && bash scripts/base-images.sh "${OLDER[@]}" base busybox; }
start_peers() { bash scripts/peers.sh start; }

# Before the engines, which may use apt too.
step 'browser' browser
step 'shells' shells

# They come up while the code is checked. What the present Docker is used for needs no others.
if [ "$engine" = yes ]; then
  in_background engines start_engines
  if [ "${IMAGE_BUDGET_USE_DOCKER:-}" != 1 ]; then
    in_background older-engines start_older_engines
    in_background peers start_peers
  fi
fi

step 'format' prettier --check . --log-level warn
step 'lint' oxlint --type-aware --deny-warnings
step 'types' tsc --noEmit
step 'types of the page' tsc --noEmit -p page
step 'generated documentation' node scripts/docs.ts --check
step 'dist' bash scripts/build.sh --check
if [ "$engine" = yes ]; then
  step 'engines and base images' joined engines
  if [ "${IMAGE_BUDGET_USE_DOCKER:-}" != 1 ]; then
    step 'older engines' joined older-engines
    step 'registry and skopeo' joined peers
  fi
fi

# In several processes one after the other: jest keeps some of each file's memory, and starting a program costs more the larger the process is.
shards() {
  local counts=$1 number=$2 shard
  shift 2
  for shard in $(seq "$number"); do run_jest "$counts" --shard="$shard/$number" "$@"; done
}
without_engine() {
  shards "$background/counts-without" 3 --testPathIgnorePatterns /node_modules/ '<rootDir>/build/' '/__tests__/(engine|action|cli)/'
}
# Those of the action take longest: they are dealt out to whoever is free.
of_the_action() {
  local shard number=6
  for shard in $(seq "$number"); do
    if ! mkdir "$background/action-$shard" 2>/dev/null; then continue; fi
    run_jest "$background/counts-action-$shard" --shard="$shard/$number" --testPathPatterns '/__tests__/action/'
  done
}
of_engines() {
  shards "$background/counts-engines" 3 --testPathPatterns '/__tests__/(engine|cli)/'
  of_the_action
}

printf '\n=== jest\n'
start=$SECONDS
# Side by side: those that wait for an engine leave a core to the others.
in_background without-engine without_engine
if [ "$engine" = yes ]; then
  in_background of-engines of_engines
  of_the_action
  joined of-engines
fi
joined without-engine
for counts in "$background"/counts-*; do [ ! -e "$counts" ] || count "$counts"; done
echo "=== jest ($((SECONDS - start)) s)"
finish
