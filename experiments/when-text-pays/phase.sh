#!/usr/bin/env bash
# The phase diagram of a finished run: RUN_DIR/phase.csv, phase.svg and phase.png, the gain of text in NDCG@10 by how much texts tell and
# how many rows there are, with clear words and with half of them noise; marked where it is significant in the family of all tests.
#   usage: experiments/when-text-pays/phase.sh [RUN_DIR]
set -euo pipefail
cd "$(dirname "$0")/../.."
run=${1:-results/when-text-pays}
[ -f "$run/significance.csv" ] || { echo "phase: no $run/significance.csv; run experiments/when-text-pays/experiment.yaml first" >&2; exit 3; }
awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "told,rows,noise,against,with_text,without,difference,low,high,p_holm,significant"; next }
    { gsub(/"/, "") # labels hold commas: count from the end for what follows them
      split($1, part, "-"); told = substr(part[1], 5); rows = substr(part[2], 5); noise = substr(part[3], 6)
      extra = NF - length(at)
      against = $(at["b"]); for (k = 1; k <= extra; k++) against = against "," $(at["b"] + k)
      gsub(/^ +/, "", against)
      print told "," rows "," noise ",\"" against "\"," $(at["mean_a"] + extra) "," $(at["mean_b"] + extra) "," $(at["mean_difference"] + extra) "," $(at["low"] + extra) "," $(at["high"] + extra) "," $(at["p_holm"] + extra) "," $(at["significant"] + extra) }' \
    "$run/significance.csv" >"$run/phase.csv"
grep ",\"ease\"," "$run/phase.csv" | tr ',' ' ' | sort -k3,3n -k2,2n -k1,1n >"$run/phase.dat"
cat >"$run/phase.gp" <<GP
set datafile separator whitespace
set palette defined (-0.02 "#b2182b", 0 "#f7f7f7", 0.02 "#2166ac")
set cbrange [-0.02:0.02]
set cblabel "gain of text in NDCG\@10" noenhanced
set xlabel "share of the taste that texts tell"
set ylabel "train and test rows"
set logscale y
set yrange [1800:56000]
set xrange [-0.125:1.125]
set xtics 0.25
set ytics ("2,500" 2500, "5,000" 5000, "10,000" 10000, "20,000" 20000, "40,000" 40000)
unset key
set style fill solid
plots = "0 0.5"
do for [kind in "svg png"] {
    if (kind eq "svg") { set terminal svg size 1000,400 font "sans,13" background "white" } else { set terminal pngcairo size 2000,800 font "sans,13" fontscale 2 background "white" }
    set output "$run/phase.".kind
    set multiplot layout 1,2
    do for [noise in plots] {
        set title noise eq "0" ? "clear words (gains in thousandths)" : "half of the words are noise"
        plot "$run/phase.dat" using (\$3 == noise + 0 ? \$1 : NaN):2:(\$1 - 0.125):(\$1 + 0.125):(\$2 / 1.41421):(\$2 * 1.41421):7 with boxxyerror palette, \
             "" using (\$3 == noise + 0 ? \$1 : NaN):2:(sprintf("%+.1f%s", 1000 * \$7, \$11 == 1 ? "*" : "")) with labels font "sans,11"
    }
    unset multiplot
}
GP
gnuplot "$run/phase.gp"
echo "phase: $run/phase.csv, $run/phase.svg, $run/phase.png"
