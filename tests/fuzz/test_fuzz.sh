#!/usr/bin/env bash
# The fuzz targets on the inputs found so far (tests/fuzz/corpus/NAME/*): each must come back.
set -uo pipefail
for target in "$BUILD"/tests/fuzz/replay_*; do
    [[ -x $target && $target != *.* ]] || continue
    name=${target##*/replay_}
    if timeout 60 "$target" tests/fuzz/corpus/"$name"/* >/tmp/fuzz-replay.$$ 2>&1 && grep -q '[1-9][0-9]* files' /tmp/fuzz-replay.$$; then
        echo "ok fuzz_$name"
    else
        echo "not ok fuzz_$name"; tail -5 /tmp/fuzz-replay.$$
    fi
done
rm -f /tmp/fuzz-replay.$$
