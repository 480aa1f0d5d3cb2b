# regret.gp - two panels: cumulative regret a user by round, and ndcg by round; a line a system, a band of two standard errors over seeds.
#
# Set before: n_models, names, is_oracle, key_lines, right_margin, top_margin, key_left, key_row as key.gp asks; k; $data: round, then for each
# system regret, its standard error, ndcg, its standard error.
set multiplot layout 1, 2 margins screen 0.065, right_margin, 0.13, top_margin spacing screen 0.06, 0
set border 3 linecolor rgb "#888888"
set grid linecolor rgb "#dddddd" linetype 1
set xtics nomirror font ",11" textcolor rgb "#222222"
set ytics nomirror font ",11" textcolor rgb "#222222"
set xlabel "round" font ",12"
set yrange [0 : *]
set style fill transparent solid 0.15 noborder
set title "expected clicks lost a user, summed" font ",13"
plot for [i = 1 : n_models] $data using 1:(column(4 * i - 2) - 2 * column(4 * i - 1)):(column(4 * i - 2) + 2 * column(4 * i - 1)) with filledcurves linecolor rgb line_colour(i), \
     for [i = 1 : n_models] $data using 1:(column(4 * i - 2)) with lines linewidth 2 linecolor rgb line_colour(i) dashtype line_dash(i)
unset label
unset arrow
set yrange [* : *]
set title sprintf("ndcg@%d of the lists", k) font ",13"
plot for [i = 1 : n_models] $data using 1:(column(4 * i) - 2 * column(4 * i + 1)):(column(4 * i) + 2 * column(4 * i + 1)) with filledcurves linecolor rgb line_colour(i), \
     for [i = 1 : n_models] $data using 1:(column(4 * i)) with lines linewidth 2 linecolor rgb line_colour(i) dashtype line_dash(i)
unset multiplot
