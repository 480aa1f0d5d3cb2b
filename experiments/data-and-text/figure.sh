#!/usr/bin/env bash
# The figure of finished runs: OUT/gain.csv, gain.svg and gain.png, what text adds to the best without it, by share of the train rows, of the words and of noise,
# with 95 % intervals of the paired difference; and OUT/worth.csv, the rows that EASE alone would need for what EASE reaches with text.
#   usage: experiments/data-and-text/figure.sh [OUT]     (results/data-and-text-gain; of the runs in results/data-and-text-*)
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-results/data-and-text-gain}
runs=()
for run in rows rows-titles words words-titles; do
    if [ -f "results/data-and-text-$run/significance.csv" ]; then runs+=("$run"); else echo "figure: no results/data-and-text-$run yet: left out" >&2; fi
done
[ ${#runs[@]} -gt 0 ] || { echo "figure: nothing to draw; run experiments/data-and-text/run.sh first" >&2; exit 3; }
mkdir -p "$out"

# "dataset","a","b",metric,k,n_users,mean_a,mean_b,mean_difference,low,high,t,degrees,p,p_holm,...,significant
for run in "${runs[@]}"; do
    awk -v run="$run" 'NR > 1 { split($0, q, "\""); n = split(q[7], c, ","); print run "\t" q[2] "\t" q[4] "\t" q[6] "\t" c[5] "\t" c[6] "\t" c[7] "\t" c[8] "\t" c[9] "\t" c[13] "\t" c[n] }' \
        "results/data-and-text-$run/significance.csv"
done | awk -F'\t' '
    BEGIN { print "study,by,share,reads,against,with_text,without,difference,low,high,p_holm,significant" }
    function row(by, share, reads) { return $1 "," by "," share "," reads "," $4 "," $5 "," $6 "," $7 "," $8 "," $9 "," $10 "," $11 }
    $1 ~ /^rows/ && ($4 == "EASE" || $4 == "popularity") { # against the better of the two at this share
        share = $2; sub(/.*-keep/, "", share)
        reads = $3 ~ /TF-IDF/ ? "TF-IDF" : "MiniLM"
        at = $1 SUBSEP share SUBSEP reads
        if (!(at in best)) order[++n] = at
        if (!(at in best) || $6 > best[at]) { best[at] = $6; line[at] = row("rows", share, reads) }
        if ($4 == "EASE") print row("rows_over_EASE", share, reads)
    }
    $1 ~ /^words/ && $4 == "predicted popularity" {
        reads = $3; sub(/,.*/, "", reads)
        share = $3; sub(/^[^,]*, /, "", share)
        if (share ~ /noise/) { print row("noise", (share + 0) / 100, reads) }
        else { print row("words", (share + 0) / 100, reads); if (share + 0 == 100) print row("noise", 0, reads) }
    }
    END { for (i = 1; i <= n; i++) print line[order[i]] }' >"$out/gain.csv"

# EASE by share, linear in the logarithm of the share between measured ones.
{
    echo "study,share,reads,with_text,EASE_with_as_many_rows,EASE_would_need_share,times_as_many"
    for run in "${runs[@]}"; do
        [[ $run == rows* ]] || continue
        awk -v run="$run" 'NR > 1 { split($0, q, "\""); split(q[7], c, ","); if (q[6] != "EASE") next
            share = q[2]; sub(/.*-keep/, "", share); ease[share + 0] = c[6]; with[share + 0, q[4] ~ /TF-IDF/ ? "TF-IDF" : "MiniLM"] = c[5] }
            END { n = 0; for (s in ease) x[++n] = s + 0
                for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (x[j] < x[i]) { t = x[i]; x[i] = x[j]; x[j] = t }
                for (i = 1; i <= n; i++) for (r = 1; r <= 2; r++) { reads = r == 1 ? "MiniLM" : "TF-IDF"; v = with[x[i], reads]; need = ""
                    for (k = 1; k < n && need == ""; k++) if (v >= ease[x[k]] && v <= ease[x[k + 1]]) need = exp(log(x[k]) + (v - ease[x[k]]) / (ease[x[k + 1]] - ease[x[k]]) * (log(x[k + 1]) - log(x[k])))
                    print run "," x[i] "," reads "," v "," ease[x[i]] "," (need == "" ? (v > ease[x[n]] ? "more than all" : "less than the least") : need) "," (need == "" ? "" : need / x[i]) } }' \
            "results/data-and-text-$run/significance.csv"
    done
} >"$out/worth.csv"

for study in rows rows-titles words words-titles; do
    for by in rows rows_over_EASE words noise; do
        for reads in MiniLM TF-IDF; do
            awk -F, -v s="$study" -v b="$by" -v r="$reads" '$1 == s && $2 == b && $4 == r { print $3, $8, $9, $10 }' "$out/gain.csv" | sort -g >"$out/$study.$by.$reads.dat"
        done
    done
done
cat >"$out/gain.gp" <<GP
set border 3 linecolor rgb "#888888"
set grid linecolor rgb "#dddddd" linetype 1
set xtics nomirror textcolor rgb "#222222"
set ytics nomirror textcolor rgb "#222222" format "%+.3f"
set xzeroaxis linewidth 1.5 linecolor rgb "#444444"
set tics font ",10"
set key font ",10"
set style line 1 linecolor rgb "#0072B2" linewidth 1.8 pointtype 7 pointsize 0.7
set style line 2 linecolor rgb "#D55E00" linewidth 1.8 pointtype 5 pointsize 0.7
set style line 3 linecolor rgb "#0072B2" linewidth 1.4 dashtype 3
panel(study, by) = system(sprintf("cat '$out/%s.%s.MiniLM.dat' '$out/%s.%s.TF-IDF.dat' | wc -l", study, by, study, by)) + 0
file(study, by, reads) = sprintf("$out/%s.%s.%s.dat", study, by, reads)
do for [kind in "svg png"] {
    if (kind eq "svg") { set terminal svg size 1150,640 font "sans,11" background "white" } else { set terminal pngcairo size 2300,1280 font "sans,12" fontscale 1.7 background "white" }
    set output "$out/gain.".kind
    set multiplot layout 2,3 title "What text adds to NDCG\@10, with 95 % intervals" noenhanced font ",14"
    do for [titles = 0:1] {
        rows = titles ? "rows-titles" : "rows"
        words = titles ? "words-titles" : "words"
        about = titles ? "Amazon Beauty, titles" : "MovieLens-1M, paragraphs"
        set title about noenhanced font ",12"
        set ylabel "over the better of EASE, popularity" noenhanced font ",10"
        set logscale x
        set xlabel "share of the train rows"
        set xrange [0.016:1.25]
        set xtics ("2 %%" 0.02, "5 %%" 0.05, "10 %%" 0.1, "25 %%" 0.25, "50 %%" 0.5, "all" 1)
        set key bottom right samplen 2
        if (panel(rows, "rows") > 0) { plot file(rows, "rows", "MiniLM") using 1:2:3:4 with yerrorlines linestyle 1 title "MiniLM and EASE", \
             file(rows, "rows", "TF-IDF") using (\$1 * 1.04):2:3:4 with yerrorlines linestyle 2 title "TF-IDF and EASE", \
             file(rows, "rows_over_EASE", "MiniLM") using 1:2 with lines linestyle 3 title "MiniLM, over EASE" } else { set multiplot next }
        set title about.": new items" noenhanced font ",12"
        set ylabel "over predicted popularity" noenhanced font ",10"
        set xlabel "share of each text's words"
        set xrange [0.085:1.2]
        set xtics ("10 %%" 0.1, "25 %%" 0.25, "50 %%" 0.5, "all" 1)
        set key bottom right
        if (panel(words, "words") > 0) { plot file(words, "words", "MiniLM") using 1:2:3:4 with yerrorlines linestyle 1 title "MiniLM", \
             file(words, "words", "TF-IDF") using (\$1 * 1.03):2:3:4 with yerrorlines linestyle 2 title "TF-IDF" } else { set multiplot next }
        unset logscale x
        set xlabel "share of wrong words"
        set xrange [-0.05:0.82]
        set xtics ("none" 0, "25 %%" 0.25, "50 %%" 0.5, "75 %%" 0.75)
        set key bottom left
        if (panel(words, "noise") > 0) { plot file(words, "noise", "MiniLM") using 1:2:3:4 with yerrorlines linestyle 1 title "MiniLM", \
             file(words, "noise", "TF-IDF") using (\$1 + 0.01):2:3:4 with yerrorlines linestyle 2 title "TF-IDF" } else { set multiplot next }
    }
    unset multiplot
}
GP
gnuplot "$out/gain.gp"
rm -f "$out"/*.dat
echo "figure: $out/gain.csv, $out/worth.csv, $out/gain.svg, $out/gain.png"
