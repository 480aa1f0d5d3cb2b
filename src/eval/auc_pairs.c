/*
 * auc_pairs.c - see auc_pairs.h.  Two passes of scoring: the relevant pairs' scores are kept and sorted, then every other pair is looked up
 * among them, so that nothing of the size users x items is held.
 *
 * Scores of different users are compared with one another.  That says something only of models whose scores are on one scale for all
 * (probabilities, likelihoods, dot products), and rewards a model for knowing which users like much.
 */
#include "eval/auc_pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/metrics_list.h"

/* A user's parts: the share of others that are ahead of the user's positives, summed, and positives; the share of positives that are behind
 * the user's others, summed, and others; the whole share, and 1.  To first order it is what the first two sums say each (Obuchowski,
 * Biometrics 53, 1997: clustered data); a sum over pairs of users would cost a pass over all pairs for each resample. */
enum { BEHIND, POSITIVES, AHEAD, OTHERS, WHOLE, ONE, AREA_PARTS };
static double area_of(const double *sum)
{
    if (!(sum[POSITIVES] > 0 && sum[OTHERS] > 0))
        return NAN;
    return 1 - (sum[BEHIND] / sum[POSITIVES] + sum[AHEAD] / sum[OTHERS] - sum[WHOLE] / sum[ONE]);
}

const struct metric_type metric_auc_pairs = {
    .name = "auc_pairs",
    .formula =
        "share of (relevant pair, other pair) with the higher score on the relevant one, over all users' "
        "pairs together; equal: half; no cut-off",
    .source = "Hanley, McNeil, Radiology 143, 1982",
    .kind = METRIC_POOLED,
    .n_parts = AREA_PARTS,
    .of_parts = area_of};

enum { BLOCK_USERS = 32 };
enum { LEFT_OUT, OTHER, RELEVANT };

/* A relevant pair: its score, its user's place. */
struct positive {
    float score;
    uint32_t owner;
};

/* One user's pairs. */
struct account {
    double positives, others;
    double ahead, behind; /* (mine relevant, other ahead of it), (relevant, mine ahead of it) */
};

/* The question, and room. */
struct judged {
    uint32_t n_items;
    const struct csr *const *masks;
    const struct csr *candidates;
    const uint8_t *items;
    const struct csr *relevant;
    uint8_t *kind;             /* [n_items] of one user */
    struct positive *positive; /* [n_positive] sorted in the second pass */
    double *ahead; /* [n_positive + 1] others ahead of each, as the difference to the one before */
    size_t n_positive;
    struct account *account; /* [n_users] */
    double wrong, others;    /* pairs of a positive and another pair with more; other pairs */
};

static int rising(const void *a, const void *b)
{
    const float x = ((const struct positive *)a)->score, y = ((const struct positive *)b)->score;
    return (x > y) - (x < y);
}

static void mark(const struct csr *of, uint32_t user, uint8_t kind, uint8_t *out)
{
    for (int64_t e = of->ptr[user]; e < of->ptr[user + 1]; e++)
        out[of->idx[e]] = kind;
}

/* What each item is to the user. */
static void sort_items(struct judged *j, uint32_t user)
{
    memset(j->kind, j->candidates == NULL ? OTHER : LEFT_OUT, j->n_items);
    if (j->candidates != NULL)
        mark(j->candidates, user, OTHER, j->kind);
    mark(j->relevant, user, RELEVANT, j->kind);
    for (int m = 0; m < 2; m++)
        if (j->masks[m] != NULL)
            mark(j->masks[m], user, LEFT_OUT, j->kind);
    for (uint32_t i = 0; i < j->n_items && j->items != NULL; i++)
        j->kind[i] = j->items[i] ? j->kind[i] : LEFT_OUT;
}

static size_t first_from(const struct judged *j, float score, bool above)
{
    size_t low = 0, high = j->n_positive;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const float x = j->positive[middle].score;
        if (x < score || (above && x == score))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* An other pair: ahead of the positives below it, half ahead of equal ones. */
static double count_other(struct judged *j, float score)
{
    const size_t below = first_from(j, score, false), not_above = first_from(j, score, true);
    j->ahead[0]++;
    j->ahead[below] -= 0.5;
    j->ahead[not_above] -= 0.5;
    return (double)below + (double)(not_above - below) / 2;
}

static enum status one_user(struct judged *j, uint32_t place, uint32_t user, const float *score, bool second)
{
    struct account *mine = &j->account[place];
    sort_items(j, user);
    for (uint32_t i = 0; i < j->n_items; i++) {
        if (j->kind[i] == LEFT_OUT)
            continue;
        if (isnan(score[i]))
            return status_fail(STATUS_SYSTEM, "user %u and item %u (counted from 0) have a score that is NaN",
                               user, i);
        if (second && j->kind[i] == OTHER)
            mine->others++, mine->behind += count_other(j, score[i]);
        else if (!second && j->kind[i] == RELEVANT)
            mine->positives++, j->positive[j->n_positive++] = (struct positive){score[i], place};
    }
    j->wrong += second ? mine->behind : 0;
    j->others += second ? mine->others : 0;
    return STATUS_OK;
}

static enum status pass(struct judged *j, const struct model_type *type, const void *state,
                        const struct backend *backend, const uint32_t *users, uint32_t n_users,
                        const struct tile *tile, bool second)
{
    for (uint32_t first = 0; first < n_users; first += BLOCK_USERS) {
        const uint32_t n = n_users - first < BLOCK_USERS ? n_users - first : BLOCK_USERS;
        TRY(model_score_users(type, state, backend, users + first, n, tile));
        for (uint32_t u = 0; u < n; u++)
            TRY(one_user(j, first + u, users[first + u], tile->scores + u * tile->ld, second));
    }
    return STATUS_OK;
}

static enum status judge(struct judged *j, const struct model_type *type, const void *state,
                         const struct backend *backend, const uint32_t *users, uint32_t n_users,
                         const struct tile *tile)
{
    TRY(pass(j, type, state, backend, users, n_users, tile, false));
    qsort(j->positive, j->n_positive, sizeof *j->positive, rising);
    TRY(pass(j, type, state, backend, users, n_users, tile, true));
    double ahead = 0;
    for (size_t i = 0; i < j->n_positive; i++)
        j->account[j->positive[i].owner].ahead += ahead += j->ahead[i];
    return STATUS_OK;
}

static void keep(const struct judged *j, uint32_t n_users, size_t n_measures, double *out, double *parts)
{
    const double positives = (double)j->n_positive, others = j->others;
    const double whole = positives > 0 && others > 0 ? j->wrong / (positives * others) : NAN;
    for (size_t m = 0; m < n_measures; m++) {
        out[m] = 1 - whole;
        for (uint32_t u = 0; u < n_users && parts != NULL; u++, parts += AREA_PARTS) {
            const struct account *a = &j->account[u];
            parts[BEHIND] = others > 0 ? a->ahead / others : 0, parts[POSITIVES] = a->positives;
            parts[AHEAD] = positives > 0 ? a->behind / positives : 0, parts[OTHERS] = a->others;
            parts[WHOLE] = isnan(whole) ? 0 : whole, parts[ONE] = 1;
        }
    }
}

enum status auc_pairs_compute(const struct model_type *type, const void *state, const struct backend *backend,
                              uint32_t n_items, const uint32_t *users, uint32_t n_users,
                              const struct csr *const masks[2], const struct csr *candidates,
                              const uint8_t *items, const struct relevance *relevance, size_t n_measures,
                              double *out, double *parts)
{
    const size_t ld = ((size_t)n_items + 31) / 32 * 32, nnz = (size_t)relevance->items.nnz;
    struct judged j = {.n_items = n_items,
                       .masks = masks,
                       .candidates = candidates,
                       .items = items,
                       .relevant = &relevance->items};
    if (n_measures == 0)
        return STATUS_OK;
    const struct tile tile = {malloc(BLOCK_USERS * ld * sizeof(float) + 1), ld, n_items};
    j.kind = malloc((size_t)n_items + 1);
    j.positive = malloc((nnz + 1) * sizeof *j.positive);
    j.ahead = calloc(nnz + 1, sizeof *j.ahead);
    j.account = calloc((size_t)n_users + 1, sizeof *j.account);
    const bool room =
        tile.scores != NULL && j.kind != NULL && j.positive != NULL && j.ahead != NULL && j.account != NULL;
    const enum status status =
        room ? judge(&j, type, state, backend, users, n_users, &tile)
             : status_fail(STATUS_SYSTEM, "memory is out: scores of %d users x %u items", BLOCK_USERS,
                           n_items);
    if (status == STATUS_OK)
        keep(&j, n_users, n_measures, out, parts);
    free(tile.scores), free(j.kind), free(j.positive), free(j.ahead), free(j.account);
    return status;
}
