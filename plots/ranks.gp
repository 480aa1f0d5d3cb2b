# ranks.gp - critical-difference diagram (Demsar 2006): mean ranks, the best to the left; models joined by a bar don't differ by Nemenyi's test.
#
# Set before: n_models, names, ranks (arrays, by rising rank), $bars: from, to, row, one line a bar, n_bars, critical, over, p, measure (texts),
# side (share of the width for names), whole (height in pixels), bar_room (pixels below the axis that bars take), figure_title.
unset key
unset border
unset tics
set margins 0, 0, 0, 0
set xrange [0 : 1]
set yrange [whole : 0]
place(r) = n_models > 1 ? side + (1 - 2 * side) * (r - 1) / (n_models - 1.0) : 0.5
axis = 92
half = (n_models + 1) / 2
set label figure_title . ", " . measure . sprintf(": mean ranks over %s, Friedman p %s", over, p) at 0.5, 20 center noenhanced font ",14"
set arrow from place(1), 52 to place(1 + critical), 52 heads size 0.004, 90 linewidth 2
set label sprintf("critical difference %.2f", critical) at place(1 + critical) + 0.01, 52 left font ",10"
set arrow from place(1), axis to place(n_models), axis nohead linewidth 1.5
do for [r = 1 : n_models] {
    if (n_models <= 20 || r % 5 == 0 || r == 1) {
        set arrow from place(r), axis to place(r), axis - 6 nohead
        set label sprintf("%d", r) at place(r), axis - 14 center font ",10"
    }
}
do for [i = 1 : n_models] {
    left = i <= half
    y = axis + bar_room + 22 * (left ? i : n_models - i + 1)
    end = left ? side - 0.005 : 1 - side + 0.005
    set arrow from place(ranks[i]), axis to place(ranks[i]), y nohead linecolor rgb "#666666"
    set arrow from place(ranks[i]), y to end, y nohead linecolor rgb "#666666"
    if (left) { set label names[i] at end - 0.005, y right noenhanced font ",11" } else { set label names[i] at end + 0.005, y left noenhanced font ",11" }
}
plot $bars using ($3 < 0 ? 1/0 : place($1) - 0.004):(axis + 8 + 14 * $3):(place($2) - place($1) + 0.008):(0) with vectors nohead linewidth 4 linecolor rgb "#0072B2" notitle, \
     NaN notitle
