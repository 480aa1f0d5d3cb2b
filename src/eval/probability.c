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
/* Of the area: the share of others that are ahead, over positives, and positives; the share of positives that are behind, over others, and
 * others; the whole share, and 1.  To first order it is what the first two sums say each (Obuchowski, Biometrics 53, 1997: clustered
 * data); a sum over pairs of users would cost a pass over all pairs for each resample. */
enum { BEHIND, POSITIVES, AHEAD, OTHERS, WHOLE, ONE, AREA_PARTS };
static double area_of(const double *sum)
{
    if (!(sum[POSITIVES] > 0 && sum[OTHERS] > 0))
        return NAN;
    return 1 - (sum[BEHIND] / sum[POSITIVES] + sum[AHEAD] / sum[OTHERS] - sum[WHOLE] / sum[ONE]);
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
const struct metric_type metric_auc_pairs = {.name = "auc_pairs",
                                             .formula =
                                                 "share of (relevant pair, other pair) with the higher "
                                                 "probability on the relevant one, over all users' pairs "
                                                 "together; equal: half; no cut-off",
                                             .source = "Hanley, McNeil, Radiology 143, 1982",
                                             .kind = METRIC_PROBABILITY,
                                             .n_parts = AREA_PARTS,
                                             .of_parts = area_of};

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

/* A relevant pair: its probability, its user's place. */
struct positive {
    float p;
    uint32_t owner;
};

static int rising(const void *a, const void *b)
{
    const float x = ((const struct positive *)a)->p, y = ((const struct positive *)b)->p;
    return (x > y) - (x < y);
}

/* One user's part of everything. */
struct account {
    struct probability_sums sums;
    double ahead,
        behind; /* other users' pairs ahead of mine: (mine relevant, other), (relevant, mine another) */
};

/* The question, and room. */
struct judged {
    const struct model_type *type;
    const void *state;
    uint32_t n_items;
    const struct csr *const *masks;
    const uint8_t *items;
    const struct csr *relevant;
    uint32_t *user, *item;     /* [n_items] */
    float *p;                  /* [n_items] */
    uint8_t *target;           /* [n_items] */
    struct positive *positive; /* [n_positive] sorted */
    double *
        ahead; /* [n_positive + 1] other pairs ahead of each; while counting: the difference to the one before */
    size_t n_positive;
    struct account *account; /* [n_users] */
    struct probability_sums sums;
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

/* An other pair of probability p: ahead of the positives below it, half ahead of equal ones. */
static double count_other(struct judged *j, float p)
{
    size_t low = 0, high = j->n_positive, first;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        *(j->positive[middle].p < p ? &low : &high) = j->positive[middle].p < p ? middle + 1 : middle;
    }
    first = low;
    for (high = j->n_positive; low < high;) {
        const size_t middle = (low + high) / 2;
        *(j->positive[middle].p <= p ? &low : &high) = j->positive[middle].p <= p ? middle + 1 : middle;
    }
    j->ahead[0]++;
    j->ahead[first] -= 0.5;
    j->ahead[low] -= 0.5;
    return (double)first + (double)(low - first) / 2;
}

/* One user's n pairs. */
static void count_user(struct judged *j, size_t n, struct account *mine)
{
    for (size_t i = 0; i < n; i++) {
        probability_add(&mine->sums, (double)j->p[i], j->target[i]);
        if (!j->target[i])
            mine->behind += count_other(j, j->p[i]);
    }
    add_sums(&j->sums, &mine->sums);
    j->wrong += mine->behind;
}

static enum status judge(struct judged *j, const uint32_t *users, uint32_t n_users)
{
    size_t n;
    for (uint32_t u = 0; u < n_users; u++) {
        TRY(ask(j, users[u], true, &n));
        for (size_t i = 0; i < n; i++)
            j->positive[j->n_positive++] = (struct positive){j->p[i], u};
    }
    qsort(j->positive, j->n_positive, sizeof *j->positive, rising);
    for (uint32_t u = 0; u < n_users; u++) {
        TRY(ask(j, users[u], false, &n));
        count_user(j, n, &j->account[u]);
    }
    j->others = j->sums.pairs - j->sums.positives;
    double ahead = 0;
    for (size_t i = 0; i < j->n_positive; i++)
        j->account[j->positive[i].owner].ahead += ahead += j->ahead[i];
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

static void parts_of(const struct metric_type *metric, const struct judged *j, const struct account *a,
                     double *part)
{
    const struct probability_sums *s = &a->sums;
    if (metric == &metric_log_loss)
        part[0] = s->log_loss, part[1] = s->pairs;
    else if (metric == &metric_brier)
        part[0] = s->squares, part[1] = s->pairs;
    else if (metric == &metric_calibration_error) {
        for (int b = 0; b < PROBABILITY_BINS; b++)
            part[b] = s->bin_sum[b] - s->bin_positives[b];
        part[PROBABILITY_BINS] = s->pairs;
    } else {
        const double positives = (double)j->n_positive;
        part[BEHIND] = j->others > 0 ? a->ahead / j->others : 0, part[POSITIVES] = s->positives;
        part[AHEAD] = positives > 0 ? a->behind / positives : 0, part[OTHERS] = s->pairs - s->positives;
        part[WHOLE] = positives > 0 && j->others > 0 ? j->wrong / (positives * j->others) : 0, part[ONE] = 1;
    }
}

static void keep(const struct judged *j, uint32_t n_users, const struct metric_at *measures,
                 size_t n_measures, double *out, double *parts)
{
    for (size_t m = 0; m < n_measures; m++) {
        const struct metric_type *x = measures[m].metric;
        out[m] = value_of(x, j);
        for (uint32_t u = 0; u < n_users && parts != NULL; u++)
            parts_of(x, j, &j->account[u], parts + (size_t)u * x->n_parts);
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
    j.user = malloc(((size_t)n_items + 1) * sizeof *j.user);
    j.item = malloc(((size_t)n_items + 1) * sizeof *j.item);
    j.p = malloc(((size_t)n_items + 1) * sizeof *j.p);
    j.target = malloc((size_t)n_items + 1);
    j.positive = malloc(((size_t)relevance->items.nnz + 1) * sizeof *j.positive);
    j.ahead = calloc((size_t)relevance->items.nnz + 1, sizeof *j.ahead);
    struct account *account = calloc((size_t)n_users + 1, sizeof *account);
    j.account = account;
    enum status status =
        j.user != NULL && j.item != NULL && j.p != NULL && j.target != NULL && j.positive != NULL &&
                j.ahead != NULL && account != NULL
            ? judge(&j, users, n_users)
            : status_fail(STATUS_SYSTEM, "memory is out: probabilities of %u items", n_items);
    if (status == STATUS_OK)
        keep(&j, n_users, measures, n_measures, out, parts);
    free(j.user), free(j.item), free(j.p), free(j.target), free(j.positive);
    free(j.ahead), free(account);
    return status;
}
