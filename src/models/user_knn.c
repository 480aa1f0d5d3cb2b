/*
 * user_knn.c - user neighbourhoods: an item is worth what the nearest users have done with it.
 *
 *     score(u, i) = sum over v in N_k(u) with i in I_v of sim(u, v) r_vi
 *
 * with N_k(u) the k users most similar to u (neighbours.h) and r_vi 1 where `binary`, else the rating
 * (Resnick et al. 1994 and Herlocker et al. 1999 without the mean-centring and the normalisation of rating
 * prediction, which do harm to rankings: Cremonesi et al. 2010).
 */
#include "models/history.h"
#include "models/neighbours.h"

static const struct param user_knn_params[] = {KNN_PARAMS(50, "users")};

static enum status user_knn_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct knn_state *s = state;
    const struct knn_params *p = params;

    TRY(knn_neighbours(train, false, p, run, &s->profile));
    TRY(knn_profiles(train, false, p, run, &s->matrix));
    s->n_items = train->n_items;
    s->backend = run->backend;
    return STATUS_OK;
}

static void user_knn_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                          double *flops)
{
    knn_cost(params, n_users, n_items, nnz, bytes, flops);
}

const struct model_type model_user_knn = {
    .name = "user_knn",
    .family = "neighbourhood",
    .source = "Resnick et al. 1994; Herlocker et al. 1999; similarities: see neighbours.h",
    .help = "what the most similar users like",
    .version = 2,
    .params = user_knn_params,
    .params_size = sizeof(struct knn_params),
    .state_size = sizeof(struct knn_state),
    .check = knn_check,
    .cost = user_knn_cost,
    .fit = user_knn_fit,
    .score_users = knn_score_users,
    .save = knn_save,
    .load = knn_load};
