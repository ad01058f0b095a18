#!/bin/sh
# Fuzzes the targets named (all, if none is) for AURA_FUZZ_SECONDS each (default 600), one after the other.
# AURA_FIXTURES may name a folder of real inputs (`instagram/`, `catalogs/`); they are read, never copied here.
# docs/faults.md says more.
set -eu
cd "$(dirname "$0")"
seconds=${AURA_FUZZ_SECONDS:-600}
fixtures=${AURA_FIXTURES:-}
targets=${*:-webhook event signature graph csv jsonl config workflow}
# Stable Rust has no sanitizers; this code has no unsafe that they would watch but SQLite's, which is not reached here.
cargo fuzz build --sanitizer none
host=$(rustc -vV | sed -n 's/^host: //p')
worst=0
for target in $targets; do
    mkdir -p "corpus/$target" "artifacts/$target"
    set -- "corpus/$target" "seeds/$target"
    case $target in
        webhook | graph) words=words/json.dict ;;
        csv) words=words/csv.dict ;;
        jsonl) words=words/json.dict ;;
        config) words=words/config.dict ;;
        workflow) words=words/workflow.dict ;;
        *) words= ;;
    esac
    if [ -n "$fixtures" ]; then
        case $target in
            webhook) set -- "$@" "$fixtures/instagram" ;;
            csv | jsonl) set -- "$@" "$fixtures/catalogs" ;;
        esac
    fi
    status=0
    "target/$host/release/$target" "$@" ${words:+-dict=$words} -artifact_prefix="artifacts/$target/" \
        -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        > "artifacts/$target.log" 2>&1 || status=$?
    covered=$(grep -E '^#[0-9]+.* cov: ' "artifacts/$target.log" | tail -1 | sed 's/ lim:.*//')
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "artifacts/$target.log")
    echo "$target: exit $status, ${executions:-?} executions, ${covered:-no figures}"
    [ "$status" = 0 ] || worst=1
done
exit $worst
