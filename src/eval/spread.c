/*
 * spread.c - see spread.h.  c(i): lists that hold item i; n items.
 *
 * Without a list each of its L items has a count one less.  With S = sum over pairs of |c(i) - c(j)|, Gini is S / (n sum c); an item
 * that falls from c to c - 1 comes nearer to the items below c and further from the others, two of the list that are alike stay so.
 */
#include "eval/spread.h"

#include <math.h>
#include <stdlib.h>

#include "base/order.h"
#include "eval/metrics_list.h"

#define AGGREGATE(variable, title, text, from, low)                                                          \
    const struct metric_type variable = {                                                                    \
        .name = title, .formula = text, .source = from, .kind = METRIC_AGGREGATE, .lower_is_better = low}
AGGREGATE(metric_coverage, "coverage", "items in any list / all items",
          "Ge, Delgado-Battenfeld, Jannach, RecSys 2010", false);
AGGREGATE(metric_gini, "gini", "sum over items by rising c of (2 i - n - 1) c(i) / (n sum c); 0: all alike",
          "Gini 1912; Fleder, Hosanagar, Management Science 55(5), 2009", true);
AGGREGATE(metric_entropy, "entropy", "- sum c(i) / sum c log2(c(i) / sum c), in bits", "Shannon 1948", false);

bool spread_has(const struct metric_type *metric)
{
    return metric == &metric_coverage || metric == &metric_gini || metric == &metric_entropy;
}

static double x_log_x(double x)
{
    return x > 0 ? x * log2(x) : 0;
}

double spread_value(const struct metric_type *metric, const uint32_t *times, uint32_t most, uint32_t n_items)
{
    double listed = 0, total = 0, sum = 0;
    for (uint32_t c = 1; c <= most; c++)
        listed += times[c], total += (double)c * times[c];
    if (metric == &metric_coverage)
        return n_items > 0 ? listed / n_items : NAN;
    if (total == 0)
        return NAN;
    double before = n_items - listed; /* items of lower count: 2 i - n - 1 over the next t of them */
    for (uint32_t c = 1; c <= most; c++) {
        const double t = times[c];
        if (t == 0)
            continue;
        sum += metric == &metric_gini ? c * t * (2 * before + t - n_items) : t * x_log_x(c);
        before += t;
    }
    return metric == &metric_gini ? sum / (n_items * total) : log2(total) - sum / total;
}

void spread_times(const uint32_t *count, uint32_t size, uint32_t most, uint32_t *times)
{
    for (uint32_t c = 0; c <= most; c++)
        times[c] = 0;
    for (uint32_t i = 0; i < size; i++)
        times[count[i]]++;
    times[0] = 0;
}

/* own: the counts of the list's items, sorted. */
static double gini_without(const struct spread *s, double value, const uint32_t *own, uint32_t n)
{
    double pairs = value * s->n_items * s->total;
    const double zeros = s->n_items - s->before[s->most];
    for (uint32_t j = 0; j < n; j++) {
        const double below = zeros + (own[j] > 1 ? s->before[own[j] - 1] : 0);
        const double others = s->n_items - 1 - below;
        pairs += others - below;
    }
    for (uint32_t j = 0, end; j < n; j = end) {
        for (end = j; end < n && own[end] == own[j]; end++)
            ;
        pairs -= (double)(end - j) * (end - j - 1); /* each of these pairs was told to part twice */
    }
    return pairs / (s->n_items * (s->total - n));
}

double spread_without(const struct metric_type *metric, const struct spread *s, double value,
                      const uint32_t *items, uint32_t n, uint32_t *own)
{
    double alone = 0, change = 0;
    if (n == 0)
        return value;
    for (uint32_t j = 0; j < n; j++) {
        own[j] = s->count[items[j]];
        alone += own[j] == 1;
        change += x_log_x(own[j] - 1.0) - x_log_x(own[j]);
    }
    if (metric == &metric_coverage)
        return value - alone / s->n_items;
    const double total = s->total - n;
    if (total <= 0)
        return NAN;
    if (metric == &metric_entropy)
        return log2(total) - ((log2(s->total) - value) * s->total + change) / total;
    qsort(own, n, sizeof *own, rising_u32);
    return gini_without(s, value, own, n);
}
