#!/bin/sh
# Runs the adapter for compatible servers once against a real one: a LiteLLM proxy with canned answers.
# Not part of the default run: it installs Python packages, once, into a folder of its own.
#
#   tests/real/litellm.sh [FOLDER]      FOLDER keeps the packages for the next time
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$(mktemp -d)}
port=${PORT:-41473}
[ -x "$folder/v/bin/litellm" ] || {
    python3 -m venv "$folder/v"
    "$folder/v/bin/pip" install --quiet 'litellm[proxy]'
}
"$folder/v/bin/pip" list 2>/dev/null | grep -i '^litellm ' || true
"$folder/v/bin/litellm" --config "$here/litellm.yaml" --host 127.0.0.1 --port "$port" >"$folder/litellm.log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT INT TERM
tries=0
until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/health/liveliness"; do
    tries=$((tries + 1))
    [ "$tries" -lt 120 ] || { echo "LiteLLM did not start; see $folder/litellm.log" >&2; exit 1; }
    sleep 1
done
cd "$here/../.."
AURA_REAL_SERVER="http://127.0.0.1:$port" cargo test -p aura --lib -- --ignored --nocapture a_real_server
