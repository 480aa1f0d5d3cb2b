# budget.gp - test value against the number of trials of a search, one line a model: left, each model's setting selected on validation rows;
# right, on the test rows themselves.
#
# Set before: what key.gp asks for, n_metrics (2), columns, rows, figure_title, metric_names (what selects), most (trials), $data: trials, then
# n_models values for each panel in turn, one line a budget.
set multiplot layout rows, columns title figure_title noenhanced font ",15" margins screen left_margin, right_margin, bottom_margin, top_margin spacing screen 0.075, panel_gap
set border 3 linecolor rgb "#888888"
set grid linecolor rgb "#dddddd" linetype 1
set xtics nomirror font ",10" textcolor rgb "#222222"
set ytics nomirror font ",10" textcolor rgb "#222222" format "%.3f"
set logscale x 2
set xrange [0.9 : most * 1.12]
stats $data using 2 nooutput
low = STATS_min
high = STATS_max
do for [c = 3 : 1 + 2 * n_models] {
    stats $data using c nooutput
    low = STATS_min < low ? STATS_min : low
    high = STATS_max > high ? STATS_max : high
}
set yrange [low - 0.05 * (high - low) - 1e-6 : high + 0.05 * (high - low) + 1e-6]
do for [m = 1 : n_metrics] {
    set title "selected on " . word(metric_names, m) . " rows" noenhanced font ",13"
    set xlabel "trials" font ",11" offset 0, 0.4
    if (m == 2) { # the key stands in the first panel
        unset label
        unset arrow
    }
    plot for [i = 1 : n_models] $data using 1:(column(1 + (m - 1) * n_models + i)) with linespoints \
        linecolor rgb line_colour(i) linewidth 1.8 dashtype line_dash(i) pointtype line_point(i) pointsize 0.75
}
unset multiplot
