/*
 * item_knn.c - item neighbourhoods: an item is worth what its nearest items in the user's history say.
 *
 *     score(u, i) = sum over j in I_u and N_k(i) of r_uj sim(i, j)
 *
 * with N_k(i) the k items most similar to i (neighbours.h) and r_uj 1 where `binary`, else the rating; the
 * sum is not normalised, which is what ranks well (Deshpande and Karypis 2004).  N_k belongs to the item
 * scored, as in the framework of Ferrari Dacrema et al. (RecSys 2019); `implicit` keeps instead the k
 * nearest of each item of the history. Stored by j, so that a score row is a sum of |I_u| sparse rows.
 */
#include "models/history.h"
#include "models/neighbours.h"

static const struct param item_knn_params[] = {KNN_PARAMS(100, "items")};

static enum status item_knn_set_history(void *state, const void *params, const struct view *history,
                                        struct run *run)
{
    return knn_profiles(history, true, params, run, &((struct knn_state *)state)->profile);
}

static enum status item_knn_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct knn_state *s = state;
    const struct knn_params *p = params;
    struct run inner = *run;
    struct csr neighbours;

    inner.arena = run->scratch; /* only the transpose is kept */
    TRY(knn_neighbours(train, true, p, &inner, &neighbours));
    TRY(csr_transpose(&neighbours, run->arena, &s->matrix));
    TRY(item_knn_set_history(s, p, train, run));
    s->n_items = train->n_items;
    s->backend = run->backend;
    return STATUS_OK;
}

static void item_knn_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                          double *flops)
{
    knn_cost(params, n_items, n_users, nnz, bytes, flops);
}

const struct model_type model_item_knn = {.name = "item_knn",
                                          .family = "neighbourhood",
                                          .source = "Deshpande, Karypis 2004; similarities: see neighbours.h",
                                          .help = "similar items to those of the user's history",
                                          .version = 2,
                                          .params = item_knn_params,
                                          .params_size = sizeof(struct knn_params),
                                          .state_size = sizeof(struct knn_state),
                                          .check = knn_check,
                                          .cost = item_knn_cost,
                                          .fit = item_knn_fit,
                                          .set_history = item_knn_set_history,
                                          .score_users = knn_score_users,
                                          .save = knn_save,
                                          .load = knn_load};
