/*
 * p3alpha.c - P3alpha: three steps of a random walk, the probabilities of a step raised to alpha (Cooper, Lee,
 * Radinsky, Siantos 2014, "Random Walks in Recommender Systems").  Definition in walk.h, with beta 0.
 */
#include "models/walk.h"

static const struct param p3alpha_params[] = {WALK_PARAMS, PARAM_END};

static enum status p3alpha_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    return walk_fit(state, "p3alpha", params, train, run);
}

const struct model_type model_p3alpha = {.name = "p3alpha",
                                         .family = "graph",
                                         .source = "Cooper, Lee, Radinsky, Siantos 2014",
                                         .help = "random walk of three steps",
                                         .version = 1,
                                         .params = p3alpha_params,
                                         .params_size = sizeof(struct walk_params),
                                         .state_size = sizeof(struct knn_state),
                                         .cost = walk_cost,
                                         .fit = p3alpha_fit,
                                         .set_history = walk_set_history,
                                         .score_users = knn_score_users,
                                         .save = knn_save,
                                         .load = knn_load};
