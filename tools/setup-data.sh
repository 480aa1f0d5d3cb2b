#!/usr/bin/env bash
# Gets the data and models that `make run` or `make test` want, and imports them.  What can't be had is said and left
# out: experiments and tests mark it as skipped.  usage: tools/setup-data.sh run|test
set -uo pipefail
cd "$(dirname "$0")/.."
what=${1:-run}
missing=()

get() { # get KIND NAME: tools/get-KIND.sh NAME, at most a warning when it fails
    "tools/get-$1.sh" "$2" || missing+=("tools/get-$1.sh $2")
}

get data movielens-latest-small
get models minilm
if [ "$what" = test ]; then
    get data movielens-100k
    get models gemma
    get models e5
fi
if [ ! -f datasets/synth/synth.h5 ] || [ build/recfuse -nt datasets/synth/synth.h5 ]; then
    mkdir -p datasets/synth
    build/recfuse synth -o datasets/synth/synth.h5 || exit
fi
for command in "${missing[@]+"${missing[@]}"}"; do
    echo "not had, and skipped below: \`$command\` (run it by hand to see why)"
done
exit 0
