# tradeoff.gp - accuracy against what lies beyond it, one panel a metric, one point a model; the Pareto front is ringed and joined.
#
# Set before: what key.gp asks for, n_metrics, columns, rows, figure_title, metric_names (words), step (of a panel's tics; 0: gnuplot's), accuracy (a name), $data: accuracy, the
# metrics, then for each metric 1 where the model is on the front, one line a model.
set multiplot layout rows, columns title figure_title noenhanced font ",15" margins screen left_margin, right_margin, bottom_margin, top_margin spacing screen 0.055, panel_gap
set border 3 linecolor rgb "#888888"
set grid linecolor rgb "#dddddd" linetype 1
set xtics nomirror font ",10" textcolor rgb "#222222" autofreq
set ytics nomirror font ",10" textcolor rgb "#222222"
set offsets graph 0.06, graph 0.06, graph 0.06, 0
set yrange [0 : *]
set datafile missing NaN # the front's line goes on past models that are not on it
set xrange [* : *] noextend
do for [m = 1 : n_metrics] {
    set title accuracy . " and " . word(metric_names, m) noenhanced font ",13"
    set xlabel word(metric_names, m) noenhanced font ",11" offset 0, 0.4
    if (step[m] > 0) {
        set xtics step[m]
    } else {
        set xtics autofreq
    }
    if (m == 2) { # the key stands in the first panel
        unset label
        unset arrow
    }
    plot $data using (column(1 + n_metrics + m) > 0 ? column(1 + m) : NaN):1 smooth unique with lines linecolor rgb "#888888" linewidth 1.2 notitle, \
         $data using (column(1 + n_metrics + m) > 0 ? column(1 + m) : 1/0):1 with points pointtype 6 pointsize 2.2 linecolor rgb "#444444" notitle, \
         for [i = 1 : n_models] $data every ::(i - 1)::(i - 1) using (column(1 + m)):1 with points \
         linecolor rgb line_colour(i) pointtype line_point(i) pointsize 1.1
}
unset multiplot
