#!/usr/bin/env bash
# Every kernel of kernels/*.cu is in kernels/list.h and in every build that is there: CPU, checking, CUDA, emulated.
build=${BUILD:-build/release} variant=$(basename "${BUILD:-build/release}")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
grep -ohE '^TEAM_KERNEL(_LARGE)?\([a-z0-9_]+' kernels/*.cu | sed 's/.*(//' | sort >"$work/sources"
n=$(wc -l <"$work/sources")

same() { # what it is, a sorted list of names
    if [ "$n" -gt 0 ] && diff "$work/sources" "$2" >"$work/diff"; then
        echo "ok kernels-in-$1: $n"
    else
        echo "not ok kernels-in-$1: kernels/*.cu (<) and $1 (>) differ: $(grep '^[<>]' "$work/diff" | tr '\n' ' ')"
    fi
}
launchers() { # what it is, suffix, files: the functions NAME_suffix that they define
    nm "${@:3}" 2>/dev/null | sed -n "s/.* T \([a-z0-9_]*\)_$2\$/\1/p" | grep -vx 'team' | sort -u >"$work/$2"
    same "$1" "$work/$2"
}
sed -n 's/^KERNEL(\([a-z0-9_]*\).*/\1/p' kernels/list.h | sort >"$work/list"
same list.h "$work/list"
launchers cpu cpu "$build/librecfuse.a"
check=build/check-plain
[ "$variant" = release ] || check=build/check-$variant
[ -x "$check/check" ] && launchers checking check "$check/check" || echo "skipped kernels-in-checking: not built"
for gpu in cuda:cuda.o gpu-emulate:o; do
    suffix=${gpu#*:} gpu=${gpu%:*} objects=() state=
    for source in kernels/*.cu; do
        object=build/$gpu/$source.$suffix
        objects+=("$object")
        [ -e "$object" ] || { state="not built"; break; }
        [ "$object" -nt "$source" ] || state="older than the sources"
    done
    if [ -z "$state" ]; then launchers "$gpu" cuda "${objects[@]}"; else echo "skipped kernels-in-$gpu: $state"; fi
done
exit 0
