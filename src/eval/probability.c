/*
 * probability.c - see probability.h.  All pairs are judged, not a sample of them: a probability is of a pair among all pairs, and a
 * sample of negatives would change what is true.
 */
#include "eval/probability.h"

#include <math.h>

#include "base/arena.h"
#include "eval/metrics_list.h"

/* Parts of a user's pairs: their sum, and pairs; of calibration: a bin's mean probability less what is so, times pairs, for each bin,
 * and pairs. */
static double mean_of(const double *sum)
{
    return sum[1] > 0 ? sum[0] / sum[1] : NAN;
}
static double calibration_of(const double *sum)
{
    double total = 0;
    for (int b = 0; b < PROBABILITY_BINS; b++)
        total += fabs(sum[b]);
    return sum[PROBABILITY_BINS] > 0 ? total / sum[PROBABILITY_BINS] : NAN;
}
const struct metric_type metric_log_loss = {.name = "log_loss",
                                            .formula =
                                                "mean over pairs of -ln of the probability given to what is "
                                                "so, held within [1e-15, 1 - 1e-15]; no cut-off; "
                                                "lower is better",
                                            .source = "Good, Rational Decisions, JRSS B 14, 1952",
                                            .kind = METRIC_PROBABILITY,
                                            .n_parts = 2,
                                            .of_parts = mean_of,
                                            .lower_is_better = true};
const struct metric_type metric_brier = {
    .name = "brier",
    .formula =
        "mean over pairs of (probability - 1 where relevant, 0 where not)^2; no cut-off; lower is better",
    .source = "Brier, Monthly Weather Review 78, 1950",
    .kind = METRIC_PROBABILITY,
    .n_parts = 2,
    .of_parts = mean_of,
    .lower_is_better = true};
const struct metric_type metric_calibration_error = {
    .name = "calibration_error",
    .formula = "over 15 bins of probability of equal width: sum of share of pairs x |mean probability - "
               "share relevant|; no "
               "cut-off; lower is better",
    .source = "Naeini, Cooper, Hauskrecht, AAAI 2015; Guo et al., ICML 2017",
    .kind = METRIC_PROBABILITY,
    .n_parts = PROBABILITY_BINS + 1,
    .of_parts = calibration_of,
    .lower_is_better = true};
void probability_add(struct probability_sums *s, double p, int target)
{
    const double held = fmin(fmax(p, 1e-15), 1 - 1e-15);
    const int bin = p >= 1 ? PROBABILITY_BINS - 1 : (int)(p * PROBABILITY_BINS);
    s->pairs++;
    s->positives += target;
    s->log_loss -= target ? log(held) : log1p(-held);
    s->squares += (p - target) * (p - target);
    s->bin_pairs[bin]++;
    s->bin_positives[bin] += target;
    s->bin_sum[bin] += p;
}

double probability_log_loss(const struct probability_sums *s)
{
    return s->log_loss / s->pairs;
}

double probability_brier(const struct probability_sums *s)
{
    return s->squares / s->pairs;
}

double probability_calibration_error(const struct probability_sums *s)
{
    double sum = 0;
    for (int b = 0; b < PROBABILITY_BINS; b++)
        sum += fabs(s->bin_sum[b] - s->bin_positives[b]);
    return sum / s->pairs;
}

static void add_sums(struct probability_sums *to, const struct probability_sums *s)
{
    to->pairs += s->pairs, to->positives += s->positives;
    to->log_loss += s->log_loss, to->squares += s->squares;
    for (int b = 0; b < PROBABILITY_BINS; b++) {
        to->bin_pairs[b] += s->bin_pairs[b], to->bin_positives[b] += s->bin_positives[b];
        to->bin_sum[b] += s->bin_sum[b];
    }
}

/* The question, and room. */
struct judged {
    const struct model_type *type;
    const void *state;
    uint32_t n_items;
    const struct csr *const *masks;
    const uint8_t *items;
    const struct csr *relevant;
    uint32_t *user, *item;         /* [n_items] */
    float *p;                      /* [n_items] */
    uint8_t *target;               /* [n_items] */
    struct probability_sums *mine; /* [n_users] each user's */
    struct probability_sums sums;
};

static enum status room_new(struct judged *j, uint32_t n_users, struct arena *arena)
{
    ARENA_NEW(j->user, arena, j->n_items);
    ARENA_NEW(j->item, arena, j->n_items);
    ARENA_NEW(j->p, arena, j->n_items);
    ARENA_NEW(j->target, arena, j->n_items);
    ARENA_NEW(j->mine, arena, n_users);
    return STATUS_OK;
}

static bool is_masked(const struct judged *j, uint32_t user, uint32_t item)
{
    return (j->masks[0] != NULL && csr_has(j->masks[0], user, item)) ||
           (j->masks[1] != NULL && csr_has(j->masks[1], user, item));
}

/* One user's pairs: all that are not masked. */
static enum status judge_user(struct judged *j, uint32_t user, struct probability_sums *mine)
{
    size_t n = 0;
    for (uint32_t i = 0; i < j->n_items; i++) {
        if ((j->items != NULL && !j->items[i]) || is_masked(j, user, i))
            continue;
        j->user[n] = user, j->item[n] = i;
        j->target[n++] = (uint8_t)csr_has(j->relevant, user, i);
    }
    TRY(j->type->probabilities(j->state, j->user, j->item, n, j->p));
    for (size_t i = 0; i < n; i++) {
        if (!(j->p[i] >= 0 && j->p[i] <= 1))
            return status_fail(STATUS_SYSTEM,
                               "%s gave user %u and item %u (counted from 0) the probability %g",
                               j->type->name, user, j->item[i], (double)j->p[i]);
        probability_add(mine, (double)j->p[i], j->target[i]);
    }
    add_sums(&j->sums, mine);
    return STATUS_OK;
}

static enum status judge(struct judged *j, const uint32_t *users, uint32_t n_users)
{
    for (uint32_t u = 0; u < n_users; u++)
        TRY(judge_user(j, users[u], &j->mine[u]));
    return STATUS_OK;
}

static double value_of(const struct metric_type *metric, const struct probability_sums *s)
{
    if (s->pairs == 0)
        return NAN;
    return metric == &metric_log_loss ? probability_log_loss(s)
           : metric == &metric_brier  ? probability_brier(s)
                                      : probability_calibration_error(s);
}

static void parts_of(const struct metric_type *metric, const struct probability_sums *s, double *part)
{
    if (metric == &metric_log_loss)
        part[0] = s->log_loss, part[1] = s->pairs;
    else if (metric == &metric_brier)
        part[0] = s->squares, part[1] = s->pairs;
    else {
        for (int b = 0; b < PROBABILITY_BINS; b++)
            part[b] = s->bin_sum[b] - s->bin_positives[b];
        part[PROBABILITY_BINS] = s->pairs;
    }
}

static void keep(const struct judged *j, uint32_t n_users, const struct metric_at *measures,
                 size_t n_measures, double *out, double *parts)
{
    for (size_t m = 0; m < n_measures; m++) {
        const struct metric_type *x = measures[m].metric;
        out[m] = value_of(x, &j->sums);
        for (uint32_t u = 0; u < n_users && parts != NULL; u++)
            parts_of(x, &j->mine[u], parts + (size_t)u * x->n_parts);
        parts += parts != NULL ? (size_t)n_users * x->n_parts : 0;
    }
}

enum status probability_compute(const struct model_type *type, const void *state, uint32_t n_items,
                                const uint32_t *users, uint32_t n_users, const struct csr *const masks[2],
                                const uint8_t *items, const struct relevance *relevance,
                                const struct metric_at *measures, size_t n_measures, double *out,
                                double *parts)
{
    struct judged j = {.type = type,
                       .state = state,
                       .n_items = n_items,
                       .masks = masks,
                       .items = items,
                       .relevant = &relevance->items};
    for (size_t m = 0; m < n_measures; m++)
        out[m] = NAN;
    if (type->probabilities == NULL || n_measures == 0)
        return STATUS_OK;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = room_new(&j, n_users, arena);
    if (status == STATUS_OK)
        status = judge(&j, users, n_users);
    if (status == STATUS_OK)
        keep(&j, n_users, measures, n_measures, out, parts);
    arena_free(arena);
    return status;
}
