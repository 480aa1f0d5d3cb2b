# distributions.gp - a generated set beside MovieLens-1M: popularity, activity, ratings, mean ratings, lift (tools/synth-distributions.sh).
# Set before: real, plain, steep (folders with popularity.csv ...), steep_name.
set datafile separator ","
set multiplot layout 2, 3 title "MovieLens-1M and generated sets of its size" font ",15" margins 0.065, 0.985, 0.09, 0.86 spacing 0.085, 0.17
set border 3 linecolor rgb "#888888"
set grid linecolor rgb "#dddddd" linetype 1
set xtics nomirror font ",10" textcolor rgb "#222222"
set ytics nomirror font ",10" textcolor rgb "#222222"
set style line 1 linecolor rgb "#000000" linewidth 2
set style line 2 linecolor rgb "#0072B2" linewidth 2
set style line 3 linecolor rgb "#D55E00" linewidth 2
unset key
set title "popularity" font ",13"
set xlabel "item's rank" font ",11" offset 0, 0.4
set ylabel "users" font ",11" offset 1.5, 0
set logscale xy
set xrange [1 : 8000]
set yrange [1 : *]
plot real."/popularity.csv" using 1:2 with lines linestyle 1, plain."/popularity.csv" using 1:2 with lines linestyle 2, steep."/popularity.csv" using 1:2 with lines linestyle 3
set title "activity" font ",13"
set xlabel "user's rank"
set ylabel "items"
plot real."/activity.csv" using 1:2 with lines linestyle 1, plain."/activity.csv" using 1:2 with lines linestyle 2, steep."/activity.csv" using 1:2 with lines linestyle 3
unset logscale
set yrange [0 : *]
set title "ratings" font ",13"
set xlabel "rating"
set ylabel "share of rows"
set xrange [0.5 : 5.5]
set boxwidth 0.26
set style fill solid 1.0 noborder
plot real."/ratings.csv" using ($1 - 0.27):2 with boxes linestyle 1, plain."/ratings.csv" using 1:2 with boxes linestyle 2, steep."/ratings.csv" using ($1 + 0.27):2 with boxes linestyle 3
set title "mean ratings" font ",13"
set xlabel "share of rows of more popular items"
set ylabel "mean rating"
set xrange [0 : 1]
set yrange [1 : 5]
plot real."/mean_ratings.csv" using 1:2 with lines linestyle 1, plain."/mean_ratings.csv" using 1:2 with lines linestyle 2, steep."/mean_ratings.csv" using 1:2 with lines linestyle 3
set title "lift of pairs of popular items" font ",13"
set xlabel "lift"
set ylabel "share of pairs"
set logscale x 2
set xrange [0.5 : 8]
set yrange [0 : *]
plot real."/lift.csv" using 1:2 with lines linestyle 1, plain."/lift.csv" using 1:2 with lines linestyle 2, steep."/lift.csv" using 1:2 with lines linestyle 3
unset logscale
unset border
unset tics
unset grid
unset title
unset xlabel
unset ylabel
set key at screen 0.74, 0.40 left Left reverse font ",12" spacing 1.5
set xrange [0 : 1]
set yrange [0 : 1]
plot NaN with lines linestyle 1 title "MovieLens-1M", NaN with lines linestyle 2 title "recfuse synth", NaN with lines linestyle 3 title steep_name
unset multiplot
