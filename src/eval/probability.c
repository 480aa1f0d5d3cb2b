/*
 * probability.c - see probability.h.  All pairs are judged, not a sample of them: a probability is of a pair among all pairs, and a
 * sample of negatives would change what is true.  The area under the curve needs the positives' probabilities sorted; every
 * other pair is looked up among them, so that nothing of the size users x items is held.
 */
#include "eval/probability.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/metrics_list.h"

const struct metric_type metric_log_loss = {.name = "log_loss",
                                            .formula =
                                                "mean over pairs of -ln of the probability given to what is "
                                                "so, held within [1e-15, 1 - 1e-15]; no cut-off; "
                                                "lower is better",
                                            .source = "Good, Rational Decisions, JRSS B 14, 1952",
                                            .kind = METRIC_PROBABILITY,
                                            .lower_is_better = true};
const struct metric_type metric_brier = {
    .name = "brier",
    .formula =
        "mean over pairs of (probability - 1 where relevant, 0 where not)^2; no cut-off; lower is better",
    .source = "Brier, Monthly Weather Review 78, 1950",
    .kind = METRIC_PROBABILITY,
    .lower_is_better = true};
const struct metric_type metric_calibration_error = {
    .name = "calibration_error",
    .formula = "over 15 bins of probability of equal width: sum of share of pairs x |mean probability - "
               "share relevant|; no "
               "cut-off; lower is better",
    .source = "Naeini, Cooper, Hauskrecht, AAAI 2015; Guo et al., ICML 2017",
    .kind = METRIC_PROBABILITY,
    .lower_is_better = true};
const struct metric_type metric_auc_pairs = {.name = "auc_pairs",
                                             .formula =
                                                 "share of (relevant pair, other pair) with the higher "
                                                 "probability on the relevant one, over all users' pairs "
                                                 "together; equal: half; no cut-off",
                                             .source = "Hanley, McNeil, Radiology 143, 1982",
                                             .kind = METRIC_PROBABILITY};

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

static int rising(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* How many of sorted x [n] are below y, and half of those equal to it. */
static double below(const float *x, size_t n, float y)
{
    size_t low = 0, high = n, first;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        *(x[middle] < y ? &low : &high) = x[middle] < y ? middle + 1 : middle;
    }
    first = low;
    for (high = n; low < high;) {
        const size_t middle = (low + high) / 2;
        *(x[middle] <= y ? &low : &high) = x[middle] <= y ? middle + 1 : middle;
    }
    return (double)first + (double)(low - first) / 2;
}

/* The question, and room for one user. */
struct judged {
    const struct model_type *type;
    const void *state;
    uint32_t n_items;
    const struct csr *const *masks;
    const uint8_t *items;
    const struct csr *relevant;
    uint32_t *user, *item; /* [n_items] */
    float *p;              /* [n_items] */
    uint8_t *target;       /* [n_items] */
    struct probability_sums sums;
    float *positive; /* [n_positive] sorted */
    size_t n_positive;
    double wrong, others; /* pairs of a positive and another pair with more; other pairs */
};

static bool is_masked(const struct judged *j, uint32_t user, uint32_t item)
{
    return (j->masks[0] != NULL && csr_has(j->masks[0], user, item)) ||
           (j->masks[1] != NULL && csr_has(j->masks[1], user, item));
}

/* Probabilities of one user's pairs: all that are not masked, or the relevant ones alone. */
static enum status ask(struct judged *j, uint32_t user, bool relevant_alone, size_t *n)
{
    *n = 0;
    for (uint32_t i = 0; i < j->n_items; i++) {
        const int relevant = csr_has(j->relevant, user, i);
        if ((relevant_alone && !relevant) || (j->items != NULL && !j->items[i]) || is_masked(j, user, i))
            continue;
        j->user[*n] = user, j->item[*n] = i;
        j->target[(*n)++] = (uint8_t)relevant;
    }
    TRY(j->type->probabilities(j->state, j->user, j->item, *n, j->p));
    for (size_t i = 0; i < *n; i++)
        if (!(j->p[i] >= 0 && j->p[i] <= 1))
            return status_fail(STATUS_SYSTEM,
                               "%s gave user %u and item %u (counted from 0) the probability %g",
                               j->type->name, user, j->item[i], (double)j->p[i]);
    return STATUS_OK;
}

static enum status judge(struct judged *j, const uint32_t *users, uint32_t n_users)
{
    size_t n;
    for (uint32_t u = 0; u < n_users; u++) {
        TRY(ask(j, users[u], true, &n));
        memcpy(j->positive + j->n_positive, j->p, n * sizeof *j->p);
        j->n_positive += n;
    }
    qsort(j->positive, j->n_positive, sizeof *j->positive, rising);
    for (uint32_t u = 0; u < n_users; u++) {
        TRY(ask(j, users[u], false, &n));
        for (size_t i = 0; i < n; i++) {
            probability_add(&j->sums, (double)j->p[i], j->target[i]);
            if (j->target[i])
                continue;
            j->wrong += below(j->positive, j->n_positive, j->p[i]);
            j->others++;
        }
    }
    return STATUS_OK;
}

static double value_of(const struct metric_type *metric, const struct judged *j)
{
    if (j->sums.pairs == 0)
        return NAN;
    if (metric == &metric_log_loss)
        return probability_log_loss(&j->sums);
    if (metric == &metric_brier)
        return probability_brier(&j->sums);
    if (metric == &metric_calibration_error)
        return probability_calibration_error(&j->sums);
    return j->n_positive > 0 && j->others > 0 ? 1 - j->wrong / ((double)j->n_positive * j->others) : NAN;
}

enum status probability_compute(const struct model_type *type, const void *state, uint32_t n_items,
                                const uint32_t *users, uint32_t n_users, const struct csr *const masks[2],
                                const uint8_t *items, const struct relevance *relevance,
                                const struct metric_at *measures, size_t n_measures, double *out)
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
    j.user = malloc(((size_t)n_items + 1) * sizeof *j.user);
    j.item = malloc(((size_t)n_items + 1) * sizeof *j.item);
    j.p = malloc(((size_t)n_items + 1) * sizeof *j.p);
    j.target = malloc((size_t)n_items + 1);
    j.positive = malloc(((size_t)relevance->items.nnz + 1) * sizeof *j.positive);
    enum status status =
        j.user != NULL && j.item != NULL && j.p != NULL && j.target != NULL && j.positive != NULL
            ? judge(&j, users, n_users)
            : status_fail(STATUS_SYSTEM, "memory is out: probabilities of %u items", n_items);
    for (size_t m = 0; m < n_measures && status == STATUS_OK; m++)
        out[m] = value_of(measures[m].metric, &j);
    free(j.user), free(j.item), free(j.p), free(j.target), free(j.positive);
    return status;
}
