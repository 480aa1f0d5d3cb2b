# strata.gp - one panel a metric: its value in each part of the users and items with its interval, one line a model and kind of parts.
#
# Set before: what key.gp asks for, n_metrics, columns, rows, figure_title, metric_names (words), n_strata, strata (an array of names),
# $data: the part's number, n_models values for each metric in turn, then as many lower ends of their intervals, then upper ends (NaN: none), one line a
# part, an empty one between kinds of parts.
set multiplot layout rows, columns title figure_title noenhanced font ",15" margins screen left_margin, right_margin, bottom_margin, top_margin spacing screen 0.055, panel_gap
set border 3 linecolor rgb "#888888"
set grid linecolor rgb "#dddddd" linetype 1
set ytics nomirror font ",10" textcolor rgb "#222222"
set xrange [0.6 : n_strata + 0.4]
set yrange [0 : *]
set xtics nomirror rotate by 30 right font ",9" textcolor rgb "#222222"
set xtics ()
# Models stand beside one another, so that their intervals do.
place(i) = (i - 0.5 * (n_models + 1)) * 0.36 / n_models
at(m, i) = 1 + (m - 1) * n_models + i
do for [s = 1 : n_strata] { set xtics add (strata[s] s) }
do for [m = 1 : n_metrics] {
    set title word(metric_names, m) noenhanced font ",13"
    if (m == 2) { # the key stands in the first panel
        unset label
        unset arrow
    }
    plot for [i = 1 : n_models] $data using ($1 + place(i)):(column(at(m, i))):(column(at(n_metrics + m, i))):(column(at(2 * n_metrics + m, i))) with yerrorbars \
             linecolor rgb line_colour(i) linewidth 0.8 pointtype 0, \
         for [i = 1 : n_models] $data using ($1 + place(i)):(column(at(m, i))) with linespoints \
             linecolor rgb line_colour(i) linewidth 1.4 dashtype line_dash(i) pointtype line_point(i) pointsize 0.75
}
unset multiplot
