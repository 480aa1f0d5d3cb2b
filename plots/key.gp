# key.gp - colours, and a key to the right of the panels: what comes before per_k.gp, time.gp and tradeoff.gp.  gnuplot's own
# key would break into columns of the panel's height.
#
# Set before: n_models, names (an array), is_oracle (an array of 0 and 1), key_lines (0: points alone), right_margin, top_margin, key_left, key_row (screen sizes).
# Colours: Okabe and Ito 2008; from the ninth line on they repeat with dashes and open points.
array colour[8]
colour[1] = 0x0072B2; colour[2] = 0xD55E00; colour[3] = 0x009E73; colour[4] = 0xCC79A7
colour[5] = 0xE69F00; colour[6] = 0x56B4E9; colour[7] = 0x8B6914; colour[8] = 0x555555
line_colour(i) = is_oracle[i] ? 0x000000 : colour[(i - 1) % 8 + 1]
line_dash(i) = is_oracle[i] ? 2 : (i - 1) / 8 + 1 == 1 ? 1 : (i - 1) / 8 + 1 == 2 ? 4 : 3
line_point(i) = is_oracle[i] ? (key_lines ? 0 : 3) : word("7 5 9 11 13 15 4 6 8 10 12 14 1 2 3", (i - 1) % 15 + 1) + 0
do for [i = 1 : n_models] {
    y = top_margin - (i - 0.5) * key_row
    if (key_lines) {
        set arrow from screen right_margin + key_left, y to screen right_margin + 2.4 * key_left, y nohead \
            linecolor rgb line_colour(i) linewidth 1.8 dashtype line_dash(i)
    }
    set label names[i] at screen right_margin + 2.7 * key_left, y left noenhanced font ",11"
    if (line_point(i) > 0) {
        set label "" at screen right_margin + 1.7 * key_left, y point pointtype line_point(i) \
            pointsize (key_lines ? 0.75 : 1.1) linecolor rgb line_colour(i)
    }
}
unset key
