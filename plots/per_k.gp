# per_k.gp - one panel a metric: its value against the cut-off, one line a model; the key stands to the right.
#
# Set before: n_models, n_metrics, n_cutoffs, columns, rows, figure_title, metric_names and cutoffs (words), names (an array),
# key_left, key_row (screen sizes), is_oracle (an array of 0 and 1), $data: k, then n_models values for each metric in turn, one line a cut-off.
# Colours: Okabe and Ito 2008; from the ninth line on they repeat with dashes and open points.
array colour[8]
colour[1] = 0x0072B2; colour[2] = 0xD55E00; colour[3] = 0x009E73; colour[4] = 0xCC79A7
colour[5] = 0xE69F00; colour[6] = 0x56B4E9; colour[7] = 0x8B6914; colour[8] = 0x555555
line_colour(i) = is_oracle[i] ? 0x000000 : colour[(i - 1) % 8 + 1]
line_dash(i) = is_oracle[i] ? 2 : (i - 1) / 8 + 1 == 1 ? 1 : (i - 1) / 8 + 1 == 2 ? 4 : 3
line_point(i) = is_oracle[i] ? 0 : word("7 5 9 11 13 15 4 6 8 10 12 14 1 2 3", (i - 1) % 15 + 1) + 0
unset key
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
    unset label
    unset arrow
    if (m == 1) {
        do for [i = 1 : n_models] { # gnuplot's own key would break into columns of the panel's height
            y = top_margin - (i - 0.5) * key_row
            set arrow from screen right_margin + key_left, y to screen right_margin + 2.4 * key_left, y nohead \
                linecolor rgb line_colour(i) linewidth 1.8 dashtype line_dash(i)
            set label names[i] at screen right_margin + 2.7 * key_left, y left noenhanced font ",11"
            if (line_point(i) > 0) {
                set label "" at screen right_margin + 1.7 * key_left, y point pointtype line_point(i) \
                    pointsize 0.75 linecolor rgb line_colour(i)
            }
        }
    }
    plot for [i = 1 : n_models] $data using 1:(column(1 + (m - 1) * n_models + i)) with linespoints \
        linecolor rgb line_colour(i) linewidth 1.8 dashtype line_dash(i) pointtype line_point(i) pointsize 0.75
}
unset multiplot
