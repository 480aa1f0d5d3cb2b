# growth.gp - how each kernel's rate grows with the size: a panel a kernel, its rate on one and two threads, the limit of
# one thread dashed.  For `make bench` (tools/run-bench.sh): gnuplot -e "csv='FILE.csv'; out='FILE.svg'" plots/bench/growth.gp
set datafile separator ","
names = system(sprintf("tail -n +2 '%s' | cut -d, -f1 | awk '!seen[$0]++'", csv))
n = words(names)
columns = n < 3 ? n : 3
rows = (n + columns - 1) / columns
set terminal svg size 340 * columns, 250 * rows + 30 font "sans,11" background rgb "white"
set output out
set multiplot layout rows, columns
set border 3 linecolor rgb "#888888"
set grid linecolor rgb "#dddddd" linetype 1
set tics nomirror textcolor rgb "#222222"
set logscale x 2
set yrange [0 : *]
rows_of(name, threads) = sprintf("< awk -F, '$1 == \"%s\" && $3 == %d' '%s'", name, threads, csv)
set xtics format "%.0f"
set key below horizontal font ",9" samplen 2
set lmargin 8
do for [i = 1 : n] {
    name = word(names, i)
    unit = system(sprintf("grep '^%s,' '%s' | head -n 1 | cut -d, -f7", name, csv))
    sizes = system(sprintf("grep '^%s,' '%s' | cut -d, -f2 | awk '!seen[$0]++'", name, csv))
    set xtics ()
    do for [s = 1 : words(sizes)] { set xtics add (word(sizes, s) word(sizes, s) + 0) }
    set xrange [(word(sizes, 1) + 0) / 1.3 : (word(sizes, words(sizes)) + 0) * 1.3]
    set title name noenhanced font ",13"
    set ylabel unit noenhanced offset 1, 0
    plot rows_of(name, 1) using 2:6 with linespoints \
             linecolor rgb "#1b6ca8" linewidth 2 pointtype 7 pointsize 0.5 title "1 thread", \
         rows_of(name, 2) using 2:6 with linespoints \
             linecolor rgb "#c8553d" linewidth 2 pointtype 5 pointsize 0.5 title "2 threads", \
         rows_of(name, 1) using 2:8 with lines \
             linecolor rgb "#1b6ca8" linewidth 1 dashtype 2 title "limit, 1 thread"
}
unset multiplot
