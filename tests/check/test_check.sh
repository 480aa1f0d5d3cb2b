#!/usr/bin/env bash
# The checking build: every kernel, every mutant (`make check-all` has it under all sanitizers).
variant=$(basename "${BUILD:-build/release}")
[ "$variant" = release ] && exec tools/check.sh build/check-plain
exec tools/check.sh "build/check-$variant" "$variant"
