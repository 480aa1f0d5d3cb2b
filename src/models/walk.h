/*
 * walk.h - what p3alpha and rp3beta share: random walks of three steps from a user over the bipartite graph.
 *
 *     P_ui = r_ui / sum_j r_uj          a step from user to item
 *     P_iu = 1 / |U_i|                  a step from item to user
 *     W_ij = (sum over u of P_iu^alpha P_uj^alpha) / |U_j|^beta,   i != j
 *     score(u, j) = sum over i in I_u of r_ui W_ij
 *
 * r is 1 where `binary`, else the rating.  Of each row of W the k largest stay; with normalize_similarity rows
 * then sum to 1; then of each column the k largest stay.  Cooper, Lee, Radinsky, Siantos (WWW 2014): beta 0;
 * Paudel, Christoffel, Newell, Bernstein (TiiS 2017): beta.  k, normalize_similarity and the order of the two
 * cuts are those of the framework of Ferrari Dacrema, Cremonesi, Jannach (RecSys 2019).
 */
#ifndef MODELS_WALK_H
#define MODELS_WALK_H
#include "models/neighbours.h"

struct walk_params {
    double alpha, beta;
    int k;
    bool normalize_similarity, binary;
};
#define WALK_PARAMS                                                                                          \
    PARAM_REAL(struct walk_params, alpha, 1, 0, 100, "power of the probabilities of a step"),                \
        PARAM_INT(struct walk_params, k, 100, 1, 100000, "largest weights kept of a row and of a column"),   \
        PARAM_BOOL(struct walk_params, normalize_similarity, 1, "rows of the kept weights sum to 1"),        \
        PARAM_BOOL(struct walk_params, binary, 1, "every interaction counts 1, whatever its value")

/* The state is a struct knn_state, so that scores, save and load are neighbours.h's.  STATUS_DATA: a rating that
 * is not above 0, with binary false. */
enum status walk_fit(struct knn_state *s, const char *name, const struct walk_params *p,
                     const struct view *train, struct run *run);
enum status walk_set_history(void *state, const void *params, const struct view *history, struct run *run);
void walk_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
               double *flops);

#endif
