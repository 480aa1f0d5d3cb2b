/*
 * positions.c - see positions.h.  Scores come in blocks of users x all items, as rank.c takes them from models without factors; a
 * user's relevant scores are sorted, every other score is looked up among them.
 */
#include "eval/positions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/metrics_list.h"

const struct metric_type metric_auc = {
    .name = "auc",
    .formula = "share of pairs (relevant, other item) in the right order, over all items that could be "
               "recommended; equal "
               "scores: half; no cut-off",
    .source = "Hanley, McNeil, Radiology 143, 1982; Rendle et al., BPR, UAI 2009",
    .kind = METRIC_POSITION};
const struct metric_type metric_expected_rank = {
    .name = "expected_rank",
    .formula = "mean over relevant items of (items ranked before + half of the equal) / (items - 1), weighed "
               "by gain: 0 "
               "the first place, 1 the last; no cut-off; lower is better",
    .source = "expected percentile ranking: Hu, Koren, Volinsky, ICDM 2008, equation 8",
    .kind = METRIC_POSITION,
    .lower_is_better = true};

enum { BLOCK_USERS = 32 };

struct positive {
    float score;
    double gain;
};

/* Room for the positives of one user. */
struct room {
    struct positive *positive; /* [most] */
    double *below, *not_above; /* [most + 1] how many other scores have so many positives below, not above */
};

static int rising(const void *a, const void *b)
{
    const struct positive *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return (x->gain > y->gain) - (x->gain < y->gain);
}

/* Positives with a score below x, or not above it. */
static uint32_t count_below(const struct positive *p, uint32_t n, float x, bool equal_too)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (p[middle].score < x || (equal_too && p[middle].score == x))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* AUC and expected rank.  taken: [n_items] 1: masked or relevant. */
static void measure(const float *score, uint32_t n_items, const uint8_t *taken, struct room *r, uint32_t n,
                    double *auc, double *expected)
{
    double others = 0, above = 0, equal = 0, wrong = 0, sum = 0, gains = 0;
    qsort(r->positive, n, sizeof *r->positive, rising);
    memset(r->below, 0, (n + 1) * sizeof *r->below);
    memset(r->not_above, 0, (n + 1) * sizeof *r->not_above);
    for (uint32_t i = 0; i < n_items; i++)
        if (!taken[i]) {
            r->below[count_below(r->positive, n, score[i], false)]++;
            r->not_above[count_below(r->positive, n, score[i], true)]++;
            others++;
        }
    /* From the best positive down: others above it have more than t positives below them. */
    for (uint32_t t = n; t-- > 0;) {
        above += r->below[t + 1];
        equal += r->not_above[t + 1] - r->below[t + 1];
        const float x = r->positive[t].score;
        const double better = n - count_below(r->positive, n, x, true);
        const double alike = n - better - 1 - count_below(r->positive, n, x, false);
        wrong += above + equal / 2;
        sum += r->positive[t].gain * (above + better + (equal + alike) / 2);
        gains += r->positive[t].gain;
    }
    *auc = others > 0 ? 1 - wrong / (n * others) : NAN;
    *expected = others + n > 1 ? sum / gains / (others + n - 1) : NAN;
}

static void take(const struct csr *mask, uint32_t user, uint8_t *taken, float *score)
{
    for (int64_t e = mask->ptr[user]; e < mask->ptr[user + 1]; e++) {
        taken[mask->idx[e]] = 1;
        score[mask->idx[e]] = -INFINITY;
    }
}

static enum status one_user(float *score, uint32_t n_items, uint32_t user, const struct csr *const masks[2],
                            const struct csr *candidates, const struct relevance *relevance, uint8_t *taken,
                            struct room *r, const struct metric_at *measures, size_t n_measures,
                            size_t n_users, double *values)
{
    const struct csr *items = &relevance->items;
    double auc = NAN, expected = NAN;
    uint32_t n = 0;
    memset(taken, candidates != NULL, n_items);
    for (int64_t e = candidates != NULL ? candidates->ptr[user] : 0;
         candidates != NULL && e < candidates->ptr[user + 1]; e++)
        taken[candidates->idx[e]] = 0;
    for (int m = 0; m < 2; m++)
        if (masks[m] != NULL)
            take(masks[m], user, taken, score);
    for (int64_t e = items->ptr[user]; e < items->ptr[user + 1]; e++) {
        r->positive[n++] =
            (struct positive){score[items->idx[e]], relevance->gain != NULL ? relevance->gain[e] : 1};
        taken[items->idx[e]] = 1;
    }
    for (uint32_t i = 0; i < n_items; i++)
        if (isnan(score[i]))
            return status_fail(STATUS_SYSTEM, "user %u and item %u (counted from 0) have a score that is NaN",
                               user, i);
    if (n > 0)
        measure(score, n_items, taken, r, n, &auc, &expected);
    for (size_t m = 0; m < n_measures; m++)
        values[m * n_users] = measures[m].metric == &metric_auc ? auc : expected;
    return STATUS_OK;
}

enum status positions_compute(const struct model_type *type, const void *state, const struct backend *backend,
                              uint32_t n_items, const uint32_t *users, uint32_t n_users,
                              const struct csr *const masks[2], const struct csr *candidates,
                              const struct relevance *relevance, const struct metric_at *measures,
                              size_t n_measures, double *values)
{
    size_t most = 0;
    for (uint32_t u = 0; u < n_users; u++) {
        const size_t n = (size_t)(relevance->items.ptr[users[u] + 1] - relevance->items.ptr[users[u]]);
        most = n > most ? n : most;
    }
    const size_t ld = ((size_t)n_items + 31) / 32 * 32;
    float *scores = malloc(BLOCK_USERS * ld * sizeof *scores + 1);
    uint8_t *taken = malloc((size_t)n_items + 1);
    double *room = malloc((2 * most + 2) * sizeof *room);
    struct room r = {malloc((most + 1) * sizeof *r.positive), room, room + most + 1};
    enum status status = scores != NULL && taken != NULL && room != NULL && r.positive != NULL
                             ? STATUS_OK
                             : status_fail(STATUS_SYSTEM, "memory is out: scores of %d users x %u items",
                                           BLOCK_USERS, n_items);
    for (uint32_t first = 0; first < n_users && status == STATUS_OK; first += BLOCK_USERS) {
        const uint32_t n = n_users - first < BLOCK_USERS ? n_users - first : BLOCK_USERS;
        const struct tile tile = {.scores = scores, .ld = ld, .n_items = n_items};
        status = model_score_users(type, state, backend, users + first, n, &tile);
        for (uint32_t u = 0; u < n && status == STATUS_OK; u++)
            status = one_user(scores + u * ld, n_items, users[first + u], masks, candidates, relevance, taken,
                              &r, measures, n_measures, n_users, values + first + u);
    }
    free(scores), free(taken), free(room), free(r.positive);
    return status;
}
