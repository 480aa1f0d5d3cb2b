#!/usr/bin/env bash
# How the time of a fit grows with rows, factors and threads: results/bench/models-growth.csv and .svg, the least of RUNS fits each.
# usage: tools/bench-growth.sh TRAIN TEST [MODEL ...]     rows: user item rating ..., tab-separated, ids from 1
# MODEL: ials als bpr_mf svd item_knn ease (all of them by default).  Shares of the users: a quarter, half, three quarters, all.
set -euo pipefail
train=$1 test=$2
shift 2
cd "$(dirname "$0")/.."
build=${BUILD:-build/release} runs=${RUNS:-3} out=results/bench/models-growth
export OMP_WAIT_POLICY=passive
mkdir -p results/bench
parameters() { # parameters MODEL FACTORS
    case $1 in
    ials) echo "{factors: $2, iterations: 15, cg_steps: 2}" ;;
    als) echo "{factors: $(($2 - 1)), iterations: 15, solver: cg}" ;;
    bpr_mf | svd) echo "{factors: $2, epochs: 12}" ;;
    item_knn) echo '{k: 100}' ;;
    ease) echo '{l2: 300}' ;;
    *) echo "bench-growth: unknown model $1" >&2; exit 2 ;;
    esac
}
one() { # one MODEL FACTORS THREADS SHARE
    "$build/bench/models" "$train" "$test" "$1" "$(parameters "$1" "$2")" "$runs" "$3" "$4" |
        sed -n 's/.*"rows": \([0-9]*\).*"seconds": \([0-9.]*\).*/\1,\2/p' | sed "s/^/$1,$2,$3,$4,/"
}
models=("$@")
[ ${#models[@]} -gt 0 ] || models=(ials als bpr_mf svd item_knn ease)
echo "model,factors,threads,share,rows,seconds" >$out.csv
for model in "${models[@]}"; do
    for share in 0.25 0.5 0.75 1; do one "$model" 64 2 "$share"; done
    one "$model" 64 1 1
    case $model in ials | als | bpr_mf | svd) for factors in 32 128; do one "$model" $factors 2 1; done ;; esac
done >>$out.csv
gnuplot <<GP
set datafile separator ","
set terminal svg noenhanced size 1100,330 font "sans,12" background "white"
set output "$out.svg"
set multiplot
set size 0.29,1
set grid
unset key
set format x "%.0f"
set xtics (200000, 400000, 800000) rotate by -30
set ylabel "seconds"
set logscale xy
set xlabel "train rows (64 factors, 2 threads)"
plot for [m in "${models[*]}"] "<grep '^".m.",64,2,' $out.csv" using 5:6 with linespoints title m
set origin 0.29,0
set xtics norotate
set xrange [25:160]
set xlabel "factors (all rows, 2 threads)"
set xtics (32, 64, 128)
plot for [m in "${models[*]}"] "<grep '^".m.",[0-9]*,2,1,' $out.csv | sort -t, -k2n" using 2:6 with linespoints title m
set origin 0.58,0
set size 0.42,1
set key outside right
set xlabel "threads (all rows, 64 factors)"
set xtics (1, 2)
set xrange [0.9:2.2]
plot for [m in "${models[*]}"] "<grep '^".m.",64,[12],1,' $out.csv | sort -t, -k3n" using 3:6 with linespoints title m
unset multiplot
GP
cat $out.csv
echo "drawn: $out.svg"
