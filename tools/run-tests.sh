#!/usr/bin/env bash
# Runs every test: the cmocka programs under BUILD/tests and the tests/*/test_*.sh scripts (which print "ok NAME" or
# "not ok NAME" a line).  Closes with "N passed, N failed".  usage: tools/run-tests.sh BUILD [WORD...]: only those
# whose path holds one of the words.
set -uo pipefail
build=$1; shift
export OMP_WAIT_POLICY=passive # waiting threads sleep: on a busy machine spinning ones cost tests many times their work
passed=0 failed=0 skipped=0 bad=()
log=$(mktemp); trap 'rm -f "$log"' EXIT

wanted() { [ $# -eq 1 ] && return 0; local path=$1; shift; for w in "$@"; do [[ $path == *$w* ]] && return 0; done; return 1; }

for test in $(find "$build/tests" -type f -perm -u+x -name 'test_*' | sort) $(ls tests/*/test_*.sh 2>/dev/null); do
    wanted "$test" "$@" || continue
    start=$(date +%s.%N)
    if [[ $test == *.sh ]]; then
        BUILD=$build bash "$test" >"$log" 2>&1; rc=$?
        p=$(grep -c '^ok ' "$log"); f=$(grep -c '^not ok ' "$log"); s=$(grep -c '^skipped ' "$log")
    else
        "$test" >"$log" 2>&1; rc=$?
        p=$(grep -c '^\[       OK \]' "$log"); f=$(grep -cE '^\[  (FAILED|ERROR)  \] [A-Za-z_]' "$log")
        f=$(grep -E '^\[  (FAILED|ERROR)  ?\] [A-Za-z_]' "$log" | awk '{print $NF}' | sort -u | wc -l)
        s=$(grep -c '^\[  SKIPPED \] [A-Za-z_].*' "$log"); [ "$s" -gt 0 ] && s=$(grep '^\[  SKIPPED \]' "$log" | awk '{print $NF}' | grep -E '^[A-Za-z_]' | sort -u | wc -l)
    fi
    [ $rc -ne 0 ] && [ "$f" -eq 0 ] && f=1 # a crash is a failure
    [ $((p + f + s)) -eq 0 ] && f=1        # so is a test file that runs nothing
    passed=$((passed + p)); failed=$((failed + f)); skipped=$((skipped + s))
    printf '%-55s %3d passed %3d failed %3d skipped %6.1f s\n' "${test#"$build"/}" "$p" "$f" "$s" \
        "$(echo "$(date +%s.%N) - $start" | bc -l 2>/dev/null || echo 0)"
    grep -E '^(skipped |\[  SKIPPED \] [A-Za-z_])' "$log" | sort -u
    if [ "$f" -gt 0 ]; then bad+=("$test"); tail -n 60 "$log"; fi
done
for test in "${bad[@]+"${bad[@]}"}"; do echo "failed: $test"; done
if [ $skipped -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
[ $failed -eq 0 ] && [ $passed -gt 0 ]
