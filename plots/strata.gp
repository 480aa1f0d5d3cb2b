# strata.gp - one panel a metric: its value in each part of the users and items, one line a model.
#
# Set before: what key.gp asks for, n_metrics, columns, rows, figure_title, metric_names (words), n_strata, strata (an array of names),
# $data: the part's number, then n_models values for each metric in turn, one line a part.
set multiplot layout rows, columns title figure_title noenhanced font ",15" margins screen left_margin, right_margin, bottom_margin, top_margin spacing screen 0.055, panel_gap
set border 3 linecolor rgb "#888888"
set grid linecolor rgb "#dddddd" linetype 1
set ytics nomirror font ",10" textcolor rgb "#222222"
set xrange [0.6 : n_strata + 0.4]
set yrange [0 : *]
set xtics nomirror rotate by 30 right font ",9" textcolor rgb "#222222"
set xtics ()
do for [s = 1 : n_strata] { set xtics add (strata[s] s) }
do for [m = 1 : n_metrics] {
    set title word(metric_names, m) noenhanced font ",13"
    if (m == 2) { # the key stands in the first panel
        unset label
        unset arrow
    }
    plot for [i = 1 : n_models] $data using 1:(column(1 + (m - 1) * n_models + i)) with linespoints \
        linecolor rgb line_colour(i) linewidth 1.4 dashtype line_dash(i) pointtype line_point(i) pointsize 0.75
}
unset multiplot
