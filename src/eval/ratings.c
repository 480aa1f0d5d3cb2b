/*
 * ratings.c - see ratings.h.  A user is predicted at once and its errors are added in order of the items, in double.
 */
#include "eval/ratings.h"

#include <math.h>
#include <stdlib.h>

/* Room for one user's rows. */
struct room {
    uint32_t *users; /* [longest] the same one */
    float *scores;   /* [longest] */
};

static uint32_t longest_row(const uint32_t *users, uint32_t n_users, const struct csr *test)
{
    int64_t longest = 1;
    for (uint32_t u = 0; u < n_users; u++)
        if (test->ptr[users[u] + 1] - test->ptr[users[u]] > longest)
            longest = test->ptr[users[u] + 1] - test->ptr[users[u]];
    return (uint32_t)longest;
}

static double error_of(const struct metric_type *metric, const float *score, const float *value, uint32_t n,
                       float low, float high)
{
    double sum = 0;
    for (uint32_t e = 0; e < n; e++) {
        const double clipped = (double)(score[e] < low ? low : score[e] > high ? high : score[e]);
        const double d = fabs(clipped - (double)value[e]);
        sum += metric->power == 2 ? d * d : d;
    }
    return n == 0 ? NAN : metric->power == 2 ? sqrt(sum / n) : sum / n;
}

enum status ratings_compute(const struct model_type *type, const void *state, const struct backend *backend,
                            const uint32_t *users, uint32_t n_users, const struct csr *test, float low,
                            float high, const struct metric_type *const *metrics, size_t n_metrics,
                            double *values)
{
    for (size_t v = 0; v < n_metrics * n_users; v++)
        values[v] = NAN;
    if (!(type->needs & NEEDS_RATINGS))
        return STATUS_OK;
    if (test->val == NULL)
        return status_fail(STATUS_DATA, "the test rows have no ratings: %s can't be had on this dataset",
                           metrics[0]->name);
    const uint32_t longest = longest_row(users, n_users, test);
    struct room room = {malloc(longest * sizeof *room.users), malloc(longest * sizeof *room.scores)};
    enum status status = room.users != NULL && room.scores != NULL
                             ? STATUS_OK
                             : status_fail(STATUS_SYSTEM, "memory is out: %u predictions", longest);
    for (uint32_t u = 0; u < n_users && status == STATUS_OK; u++) {
        const int64_t first = test->ptr[users[u]];
        const uint32_t n = (uint32_t)(test->ptr[users[u] + 1] - first);
        for (uint32_t e = 0; e < n; e++)
            room.users[e] = users[u];
        status = model_score_pairs(type, state, backend, room.users, test->idx + first, n, test->n_cols,
                                   room.scores);
        for (size_t m = 0; m < n_metrics && status == STATUS_OK; m++)
            values[m * n_users + u] = error_of(metrics[m], room.scores, test->val + first, n, low, high);
    }
    free(room.users);
    free(room.scores);
    return status;
}
