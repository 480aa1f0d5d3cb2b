# time.gp - one panel a metric: its value against the seconds of one fit (logarithmic), one point a model.
#
# Set before: what key.gp asks for, n_metrics, columns, rows, figure_title, metric_names (words), first, last (decades of the axis),
# $data: seconds, then the value of each metric, one line a model.
set multiplot layout rows, columns title figure_title noenhanced font ",15" margins screen left_margin, right_margin, bottom_margin, top_margin spacing screen 0.055, panel_gap
set border 3 linecolor rgb "#888888"
set grid linecolor rgb "#dddddd" linetype 1
set xtics nomirror font ",10" textcolor rgb "#222222"
set ytics nomirror font ",10" textcolor rgb "#222222"
set logscale x 10
set xrange [first : last]
set yrange [0 : *]
do for [m = 1 : n_metrics] {
    set title word(metric_names, m) noenhanced font ",13"
    set xlabel "seconds to fit" font ",11" offset 0, 0.4
    if (m == 2) {
        unset label
        unset arrow
    }
    plot for [i = 1 : n_models] $data every ::(i - 1)::(i - 1) using 1:(column(1 + m)) with points \
        linecolor rgb line_colour(i) pointtype line_point(i) pointsize 1.1
}
unset multiplot
