# per_k.gp - one panel a metric: its value against the cut-off, one line a model; the key stands to the right.
#
# Set before: what key.gp asks for, n_metrics, n_cutoffs, columns, rows, figure_title, metric_names and cutoffs (words), $data: k,
# then n_models values for each metric in turn, one line a cut-off.
set multiplot layout rows, columns title figure_title noenhanced font ",15" margins screen left_margin, right_margin, bottom_margin, top_margin spacing screen 0.055, panel_gap
set border 3 linecolor rgb "#888888"
set grid linecolor rgb "#dddddd" linetype 1
set xtics nomirror font ",10" textcolor rgb "#222222"
set ytics nomirror font ",10" textcolor rgb "#222222"
k_min = word(cutoffs, 1) + 0
k_max = word(cutoffs, n_cutoffs) + 0
set xrange [k_min - 0.06 * (k_max - k_min) - 0.1 : k_max + 0.06 * (k_max - k_min) + 0.1]
set yrange [0 : *]
set xtics () 
do for [c = 1 : n_cutoffs] { set xtics add (word(cutoffs, c) word(cutoffs, c) + 0) }
do for [m = 1 : n_metrics] {
    set title word(metric_names, m) noenhanced font ",13"
    set xlabel "k" font ",11" offset 0, 0.4
    if (m == 2) { # the key stands in the first panel
        unset label
        unset arrow
    }
    plot for [i = 1 : n_models] $data using 1:(column(1 + (m - 1) * n_models + i)) with linespoints \
        linecolor rgb line_colour(i) linewidth 1.8 dashtype line_dash(i) pointtype line_point(i) pointsize 0.75
}
unset multiplot
