#!/usr/bin/env bash
# Runs the checking build: every kernel, then every mutant (a mistake planted by MUTANT() in kernels/), which must be rejected.
# usage: tools/check.sh BUILD [thread|address|undefined]   (`make check SAN=...` builds first)
# Prints a line each, "ok ..." or "not ok ...", mutants with the detectors that rejected them; "-- ..." is a mutant that only
# another sanitizer can see.  Exit status 1 when a kernel fails or a mutant is accepted.
set -uo pipefail
build=$1 san=${2:-}
export TSAN_OPTIONS="exitcode=66 report_bugs=1 atexit_sleep_ms=0 ${TSAN_OPTIONS:-}" UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}"
export ASAN_OPTIONS="detect_leaks=0 ${ASAN_OPTIONS:-}" # LeakSanitizer does not know fibers
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
bad=0

"$build/check" 2>"$work/errors"; rc=$?
grep -v "doesn't fully support makecontext" "$work/errors" | head -n 60
[ $rc -eq 0 ] || bad=1
if [ $rc -ne 0 ] && [ $rc -ne 1 ]; then echo "not ok check ended with status $rc"; fi

"$build/check" --mutants >"$work/mutants" || bad=1
# Every MUTANT(name, ...) of the sources is in tests/check/mutants.c, and the other way round.
grep -ohE '\bMUTANT(_LEAVE)?\([a-z0-9_]+' kernels/*.cu kernels/lanes.h kernels/tile.h kernels/team_ops.h | sed 's/.*(//' | sort -u >"$work/planted"
if ! cut -f1 "$work/mutants" | sort | diff - "$work/planted" >"$work/diff"; then
    echo "not ok mutants of tests/check/mutants.c (<) and of kernels/ (>) differ: $(grep '^[<>]' "$work/diff" | tr '\n' ' ')"
    bad=1
fi

for file in kernels/*.cu; do
    grep -q 'MUTANT' "$file" || { echo "not ok $file has no mutant: plant one (docs/kernels.md)"; bad=1; }
done

one() { # name: its output in $work/NAME, its exit status in $work/NAME.rc
    timeout 120 "$build/check" --mutant "$1" >"$work/$1" 2>&1
    echo $? >"$work/$1.rc"
}
export -f one; export build work
cut -f1 "$work/mutants" | xargs -r -P 2 -I{} bash -c 'one {}'

detectors() { # of the output of one mutant
    grep -q 'WARNING: ThreadSanitizer: data race' "$1" && echo -n "ThreadSanitizer (race), "
    grep -q 'WARNING: ThreadSanitizer: heap-use' "$1" && echo -n "ThreadSanitizer (freed memory), "
    sed -n 's/^==[0-9]*==ERROR: AddressSanitizer: \([a-z-]*\).*/AddressSanitizer (\1), /p' "$1" | head -n 1 | tr -d '\n'
    grep -q 'runtime error:' "$1" && echo -n "UndefinedBehaviorSanitizer, "
    grep -oE '^(site check|scratch|write set|lane order|bound):' "$1" | head -n 1 | sed 's/:/, /' | tr -d '\n'
}
while IFS=$'\t' read -r name kernel kind needs; do
    rc=$(cat "$work/$name.rc") by=$(detectors "$work/$name"); by=${by%, }
    if [ "$rc" -eq 3 ] || [ "$rc" -eq 2 ]; then
        printf 'not ok mutant %-26s %-20s %s: its line is never reached\n' "$name" "$kernel" "$kind"; bad=1
    elif [ "$rc" -ne 0 ] && [ -n "$by" ]; then
        printf 'ok mutant %-26s %-18s %-28s rejected by %s\n' "$name" "$kernel" "$kind" "$by"
    elif [ "$rc" -eq 0 ] && [ "$needs" != - ] && [ "$needs" != "$san" ]; then
        printf -- '-- mutant %-26s %-18s %-28s only under SAN=%s\n' "$name" "$kernel" "$kind" "$needs"
    else
        printf 'not ok mutant %-26s %-18s %-28s accepted (status %s)\n' "$name" "$kernel" "$kind" "$rc"; bad=1
        head -n 5 "$work/$name"
    fi
done <"$work/mutants"
echo "mutants: $(wc -l <"$work/mutants")"
exit $bad
