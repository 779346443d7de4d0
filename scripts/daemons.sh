# Sourced by engine.sh, peers.sh and buildkitd.sh: processes that outlive the script that started them.
# shellcheck shell=bash

# owned_process PID_FILE TEXT: the pid in the file if that process has TEXT in its command line.
owned_process() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -F -- "$2" >/dev/null && echo "$pid"
}

# terminate PID SECONDS: asks, waits, then insists.
terminate() {
  kill "$1" 2>/dev/null || return 0
  local tenths=$(($2 * 10))
  # A zombie that nobody reaps has no command line left.
  while grep -q . "/proc/$1/cmdline" 2>/dev/null; do
    [ $((tenths--)) -gt 0 ] || { kill -9 "$1" 2>/dev/null || true; }
    sleep 0.1
  done
}

# export_line NAME VALUE: quoted so that eval reads back exactly these bytes
export_line() { printf 'export %s=%q\n' "$1" "$2"; }
