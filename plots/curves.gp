# curves.gp - one panel a model: training loss by epoch, sweep or tree (left axis), validation loss (left), validation quality (right).
#
# Set before: n_panels, rows, columns, left_margin, right_margin, bottom_margin, top_margin, panel_gap, column_gap, key_y, key_dx (screen sizes; key_dx: a pixel),
# figure_title, for each panel p: names[p], steps[p] (points), losses[p] (what the loss is), has_valid[p], has_quality[p] (0 or 1), quality_name (what the right axis shows), $data: step, loss, validation loss, quality, a block a panel.
# Colours: Okabe and Ito 2008.
set multiplot layout rows, columns title figure_title noenhanced font ",15" margins screen left_margin, right_margin, bottom_margin, top_margin spacing screen column_gap, panel_gap
set border 3 linecolor rgb "#888888"
set grid linecolor rgb "#dddddd" linetype 1
set xtics nomirror font ",10" textcolor rgb "#222222"
set ytics nomirror font ",10" textcolor rgb "#222222"
set format y "%.4g"
set format y2 "%.4g"
set key off
set datafile missing "NaN"
any_valid = 0
any_quality = 0
do for [p = 1 : n_panels] { any_valid = any_valid || has_valid[p]; any_quality = any_quality || has_quality[p] }
x = left_margin
array key_words[3]
key_words[1] = "train"
key_words[2] = any_valid ? "validation loss" : ""
key_words[3] = any_quality ? quality_name . " (right axis)" : ""
array colour[3]
colour[1] = 0x0072B2; colour[2] = 0xD55E00; colour[3] = 0x009E73
do for [c = 1 : 3] {
    if (strlen(key_words[c]) > 0) {
        dash = c == 3 ? 4 : 1 # a bracket after dashtype is a pattern
        set arrow from screen x, key_y to screen x + 26 * key_dx, key_y nohead linecolor rgb colour[c] linewidth 2 dashtype dash
        set label key_words[c] at screen x + 32 * key_dx, key_y left noenhanced font ",11"
        x = x + (60 + 8 * strlen(key_words[c])) * key_dx
    }
}
do for [p = 1 : n_panels] {
    if (p == 2) { # the key stands once
        unset label
        unset arrow
    }
    set title names[p] noenhanced font ",12"
    if (p + columns > n_panels) { set xlabel "epoch, sweep or tree" font ",10" offset 0, 0.5 } else { unset xlabel }
    set ylabel losses[p] noenhanced font ",10" offset 1, 0
    if (has_quality[p]) {
        set border 11 linecolor rgb "#888888"
        set y2tics nomirror font ",10" textcolor rgb "#007a59"
    } else {
        set border 3 linecolor rgb "#888888"
        unset y2tics
    }
    set xrange [0 : *]
    set yrange [* : *]
    set y2range [* : *]
    point = steps[p] <= 30 ? 7 : -1 # -1: lines alone
    second = has_valid[p] ? 3 : 2 # without a validation loss the first line again
    tone = has_valid[p] ? colour[2] : colour[1]
    if (has_quality[p]) {
        plot $data index p - 1 using 1:2 with linespoints pointtype point pointsize 0.5 linewidth 1.8 linecolor rgb colour[1], \
             $data index p - 1 using 1:second with linespoints pointtype point pointsize 0.5 linewidth 1.8 linecolor rgb tone, \
             $data index p - 1 using 1:4 axes x1y2 with linespoints pointtype point pointsize 0.5 linewidth 1.8 dashtype 4 linecolor rgb colour[3]
    } else {
        plot $data index p - 1 using 1:2 with linespoints pointtype point pointsize 0.5 linewidth 1.8 linecolor rgb colour[1], \
             $data index p - 1 using 1:second with linespoints pointtype point pointsize 0.5 linewidth 1.8 linecolor rgb tone
    }
}
unset multiplot
