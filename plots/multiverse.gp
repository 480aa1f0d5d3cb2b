# multiverse.gp - left: each model's rank (1 above) under every split and mask, lines joining one model; thin bars: its ranks under every rule of ties, metric, cut-off
# and dialect there.  Right: Kendall's tau between the orders of two universes that differ in one choice alone: mean (point), lowest to highest (line).
#
# Set before: n_models, names, n_columns, splits and masks (arrays), $ranks: column, then rank, lowest, highest a model, one line a column; n_effects, effects (an array),
# $effects: number, mean, lowest, highest, share with the same best model; least (the lowest of all), bump_left, bump_right, effect_left, effect_right, bottom, top
# (screen sizes), figure_title, rank_title.  Colours: Okabe and Ito 2008.
array colour[8]
colour[1] = 0x0072B2; colour[2] = 0xD55E00; colour[3] = 0x009E73; colour[4] = 0xCC79A7
colour[5] = 0xE69F00; colour[6] = 0x56B4E9; colour[7] = 0x8B6914; colour[8] = 0x555555
tone(i) = colour[(i - 1) % 8 + 1]
dash(i) = (i - 1) / 8 % 3 == 0 ? 1 : (i - 1) / 8 % 3 == 1 ? 4 : 3
shift(i) = n_models > 1 ? 0.24 * ((i - 1.0) / (n_models - 1) - 0.5) : 0 # bars side by side
set multiplot title figure_title noenhanced font ",15"
unset key
set border 0
set lmargin at screen bump_left
set rmargin at screen bump_right
set bmargin at screen bottom
set tmargin at screen top
set title rank_title noenhanced font ",11"
set xrange [0.6 : n_columns + 0.4]
set yrange [n_models + 0.5 : 0.5]
unset ytics
set xtics () nomirror scale 0 font ",9" textcolor rgb "#222222"
do for [c = 1 : n_columns] { set xtics add (sprintf("%s\n%s", splits[c], masks[c]) c) }
set grid ytics linecolor rgb "#eeeeee" linetype 1
do for [i = 1 : n_models] {
    set label names[i] at 0.72, (word($ranks[1], 3 * i - 1) + 0) right noenhanced font ",11" textcolor rgb tone(i) offset -1, 0
    set label names[i] at n_columns + 0.28, (word($ranks[n_columns], 3 * i - 1) + 0) left noenhanced font ",11" textcolor rgb tone(i) offset 1, 0
}
plot for [i = 1 : n_models] $ranks using ($1 + shift(i)):(column(3 * i - 1)):(column(3 * i)):(column(3 * i + 1)) with yerrorbars pointtype 0 linewidth 3 linecolor rgb (0xB0000000 + tone(i)), \
     for [i = 1 : n_models] $ranks using ($1 + shift(i)):(column(3 * i - 1)) with linespoints linewidth 2 dashtype dash(i) pointtype 7 pointsize 0.7 linecolor rgb tone(i)
unset label
set lmargin at screen effect_left
set rmargin at screen effect_right
set title "Kendall's tau where this alone differs" noenhanced font ",11"
set border 1 linecolor rgb "#888888"
set grid xtics linecolor rgb "#dddddd" linetype 1
set xrange [(least < 0 ? least : 0) - 0.02 : 1.02]
set yrange [n_effects + 0.5 : 0.5]
set xtics autofreq 0.2 nomirror scale 0.5 font ",10"
set ytics () nomirror scale 0 font ",11" textcolor rgb "#000000"
do for [e = 1 : n_effects] { set ytics add (effects[e] e) }
set label "same best model" at screen effect_right + 0.006, screen top + 0.02 left font ",10" textcolor rgb "#222222"
plot $effects using 2:1:3:4 with xerrorbars pointtype 7 pointsize 1 linewidth 2.5 linecolor rgb "#0072B2", \
     $effects using (1.02):1:(sprintf("%.0f %%", 100 * column(5))) with labels left offset 2, 0 font ",10", \
     $effects using 2:1:(sprintf("%.2f", column(2))) with labels center offset 0, 0.9 font ",9" textcolor rgb "#333333"
unset multiplot
