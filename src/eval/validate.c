/* validate.c - see validate.h. */
#include "eval/validate.h"

enum status eval_quality(const struct model_type *type, const void *state, const struct backend *backend,
                         const struct csr *const masks[2], const struct csr *valid,
                         const struct metric_type *metric, uint32_t k,
                         const struct candidates_config *candidates, uint64_t seed, struct arena *arena,
                         double *out)
{
    uint32_t *users, n = 0;
    ARENA_NEW(users, arena, valid->n_rows);
    for (uint32_t u = 0; u < valid->n_rows; u++)
        if (valid->ptr[u + 1] > valid->ptr[u])
            users[n++] = u;
    if (n == 0)
        return status_fail(STATUS_DATA, "no user has a validation row: quality on them can't be measured");
    struct candidates drawn = {0};
    const struct candidates_of of = {users, n, {masks[0], masks[1]}, valid};
    if (candidates != NULL)
        TRY(candidates->kind == CANDIDATES_COLD ? candidates_cold(&of, masks[0], arena, &drawn)
            : candidates->kind == CANDIDATES_MATCHED
                ? candidates_matched(candidates, &of, masks[0], arena, &drawn)
                : candidates_sample(candidates, &of, masks[0], arena, &drawn));
    const struct rank_options options = {.k = k,
                                         .seed = seed,
                                         .masks = {masks[0], masks[1]},
                                         .candidates = candidates != NULL ? &drawn.items : NULL};
    struct lists lists;
    TRY(rank_users(type, state, backend, valid->n_cols, users, n, &options, arena, &lists));
    double *values;
    ARENA_NEW(values, arena, n);
    TRY(metrics_compute(&lists, users, valid, &metric, 1, &k, 1, values));
    *out = metrics_mean(values, n);
    return STATUS_OK;
}
