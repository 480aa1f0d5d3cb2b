/* probe_lines.c - what the probe's rows say, with tests (probe.h). */
#include <math.h>

#include "eval/correction.h"
#include "eval/significance.h"
#include "fusion/probe_parts.h"

static const char *const changes[PROBE_CHANGES] = {"user", "item", "id", "title"};
static const char *const strata[PROBE_STRATA] = {"head", "middle", "tail"};

static enum status line_of(const struct probe_value *v, int change, int s, struct probe_line *line)
{
    const uint32_t n = v->n;
    struct paired_test t = {NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    double likelier = 0;
    for (uint32_t k = 0; k < n; k++)
        likelier += v->truth[k] > v->changed[k] ? 1 : v->truth[k] < v->changed[k] ? 0 : 0.5;
    if (n >= 2)
        TRY(significance_paired_t(v->truth, v->changed, n, &t));
    *line = (struct probe_line){.rows = change <= ITEM ? "ratings" : "items",
                                .changed = changes[change],
                                .stratum = strata[s],
                                .n = n,
                                .likelier = likelier / n,
                                .difference = t.mean_difference,
                                .low = t.low,
                                .high = t.high,
                                .p = t.p};
    return STATUS_OK;
}

enum status probe_lines(probe_values values, struct probe_line lines[PROBE_LINES], size_t *n_lines)
{
    double value[PROBE_LINES], corrected[PROBE_LINES];
    size_t where[PROBE_LINES], n = 0;
    *n_lines = 0;
    for (int change = 0; change < PROBE_CHANGES; change++)
        for (int s = 0; s < PROBE_STRATA; s++)
            if (values[change][s].n > 0)
                TRY(line_of(&values[change][s], change, s, &lines[(*n_lines)++]));
    for (size_t k = 0; k < *n_lines; k++) {
        lines[k].p_holm = NAN;
        if (!isnan(lines[k].p))
            value[n] = lines[k].p, where[n++] = k;
    }
    if (n > 0)
        TRY(correct_p(CORRECTION_HOLM, value, n, corrected));
    for (size_t k = 0; k < n; k++)
        lines[where[k]].p_holm = corrected[k];
    return STATUS_OK;
}
