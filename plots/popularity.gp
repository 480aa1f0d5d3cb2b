# popularity.gp - how popular recommended items are beside consumed ones.  Left: items in ten groups, each with a tenth of the train rows, the most popular first: their
# share of the lists, one line a model; black: of the train rows, grey: of the test rows.  Right: users in tenths by the mean popularity of what they took: the mean
# popularity of what they are recommended; on the black diagonal the two are equal.
#
# Set before: what key.gp asks for, columns, rows, figure_title, $items and $users: group, n, train, test, then a value a model, one line a group.
set multiplot layout rows, columns title figure_title noenhanced font ",15" margins screen left_margin, right_margin, bottom_margin, top_margin spacing screen 0.055, panel_gap
set label "black: train rows (right: equally popular); grey: test rows" at screen left_margin, screen 0.02 left font ",10"
set border 3 linecolor rgb "#888888"
set grid linecolor rgb "#dddddd" linetype 1
set ytics nomirror font ",10" textcolor rgb "#222222"
set xtics nomirror font ",10" textcolor rgb "#222222"
set title "share of the lists, by popularity of the items" font ",12"
set xlabel "number of items in each tenth of the train rows" font ",10" offset 0, 0.3
set xrange [0.6 : 10.4]
set yrange [0 : *]
set xtics ()
do for [g = 1 : 10] { set xtics add (word($items[g], 2) g) }
plot $items using 1:3 with lines linewidth 2.2 linecolor rgb "#000000" notitle, \
     $items using 1:4 with lines linewidth 2.2 dashtype 3 linecolor rgb "#777777" notitle, \
     for [i = 1 : n_models] $items using 1:(column(4 + i)) with linespoints \
     linecolor rgb line_colour(i) linewidth 1.5 dashtype line_dash(i) pointtype line_point(i) pointsize 0.75
unset label # the key, and the names of the grey and black lines, stand once
unset arrow
set title "popularity of the lists, by tenths of the users" font ",12"
set xlabel "mean popularity of what they took (share of users)" font ",10" offset 0, 0.3
set xrange [* : *]
set xtics autofreq
set offsets graph 0.03, graph 0.03, 0, 0
plot $users using 3:3 with lines linewidth 2.2 linecolor rgb "#000000" notitle, \
     $users using 3:4 with lines linewidth 2.2 dashtype 3 linecolor rgb "#777777" notitle, \
     for [i = 1 : n_models] $users using 3:(column(4 + i)) with linespoints \
     linecolor rgb line_colour(i) linewidth 1.5 dashtype line_dash(i) pointtype line_point(i) pointsize 0.75
unset multiplot
