# metrics.gp - one panel a metric, one bar a model, at one cut-off; each oracle (where the truth is known) as a line.
#
# Set before: n_models, n_metrics, columns, rows, figure_title, metric_names (words), n_oracles, oracle_names (an array), oracle (an array: n_metrics values of each, NaN: none), top (an array: the largest
# value of each panel), names (an array), $data: value_1 ... value_n_metrics best_1 ... best_n_metrics low_1 ... high_1 ... (the interval; the value twice: none), one line a model.  Colours: Okabe and Ito 2008.
set multiplot layout rows, columns title figure_title noenhanced font ",15" margins screen left_margin, 0.985, bottom_margin, top_margin spacing screen 0.025, panel_gap
set yrange [n_models - 0.4 + 0.8 * n_oracles : -0.6] # the oracles' names stand below the last bar
set xtics nomirror font ",10" textcolor rgb "#222222"
set border 3 linecolor rgb "#888888"
set grid xtics linecolor rgb "#dddddd" linetype 1
set style fill solid 1.0 noborder
set style textbox opaque fillcolor rgb "#ffffff" noborder margins 0.2, 0.1 # numbers stay legible on the oracle's line
unset key
do for [m = 1 : n_metrics] {
    unset label
    unset arrow
    set xrange [0 : top[m] * 1.24]
    set title word(metric_names, m) noenhanced font ",13"
    do for [j = 1 : n_oracles] {
        limit = oracle[(j - 1) * n_metrics + m]
        if (limit == limit) {
            set arrow from limit, graph 0 to limit, graph 1 nohead linecolor rgb "#000000" linewidth 1.5 dashtype j + 1 back
            if (limit < 0.5 * top[m]) {
                set label sprintf("%s %.3f", oracle_names[j], limit) at limit, n_models + 0.8 * (j - 1) left offset 0.5, 0 noenhanced font ",10" front
            } else {
                set label sprintf("%s %.3f", oracle_names[j], limit) at limit, n_models + 0.8 * (j - 1) right offset -0.5, 0 noenhanced font ",10" front
            }
        }
    }
    tic = 10.0 ** floor(log10(top[m] / 2.0)) # a step of 1, 2 or 5: at most six numbers below a panel
    if (top[m] / tic > 10) { tic = 5 * tic } else { if (top[m] / tic > 4.5) { tic = 2 * tic } }
    set xtics tic
    # The names stand at the first column only; not by ytic(1), which ends a name at its first quote.
    unset ytics
    if ((m - 1) % columns == 0) {
        set ytics () nomirror scale 0 font ",11" textcolor rgb "#000000"
        do for [i = 1 : n_models] { set ytics add (names[i] i - 1) }
    }
    plot $data using (column(m) / 2):0:(column(m) / 2):(0.36):(column(m + n_metrics) > 0 ? 0xD55E00 : 0x56B4E9) with boxxyerror linecolor rgb variable notitle, \
         $data using (column(m + 3 * n_metrics) > column(m + 2 * n_metrics) ? column(m) : 1/0):0:(column(m + 2 * n_metrics)):(column(m + 3 * n_metrics)) with xerrorbars pointtype 0 linewidth 1 linecolor rgb "#333333" notitle, \
     $data using (column(m + 3 * n_metrics) > column(m) ? column(m + 3 * n_metrics) : column(m)):0:(sprintf("%.3f", column(m))) with labels left offset 0.6, 0 font ",10" boxed notitle
}
unset multiplot
