/*
 * rp3beta.c - RP3beta: the random walk of p3alpha, with popular items discounted by |U_j|^beta (Paudel,
 * Christoffel, Newell, Bernstein 2017, "Updatable, Accurate, Diverse, and Scalable Recommendations for
 * Interactive Applications").  Definition in walk.h.
 */
#include "models/walk.h"

static const struct param rp3beta_params[] = {
    WALK_PARAMS,
    PARAM_REAL(struct walk_params, beta, 0.6, -100, 100, "popular items are discounted by the power of this"),
    PARAM_END};

static enum status rp3beta_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    return walk_fit(state, "rp3beta", params, train, run);
}

const struct model_type model_rp3beta = {.name = "rp3beta",
                                         .family = "graph",
                                         .source = "Paudel, Christoffel, Newell, Bernstein 2017",
                                         .help = "random walk of three steps, popular items discounted",
                                         .version = 1,
                                         .params = rp3beta_params,
                                         .params_size = sizeof(struct walk_params),
                                         .state_size = sizeof(struct knn_state),
                                         .cost = walk_cost,
                                         .fit = rp3beta_fit,
                                         .set_history = walk_set_history,
                                         .score_users = knn_score_users,
                                         .save = knn_save,
                                         .load = knn_load};
