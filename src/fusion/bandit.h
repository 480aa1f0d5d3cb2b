/*
 * bandit.h - contextual bandits: what is known of a user's taste from feedback alone, and how sure that is.
 *
 * LinUCB (Li, Chu, Langford, Schapire, WWW 2010, algorithm 1, disjoint models with a user for an arm's model): the reward of showing item i to
 * user u is theta_u . x_i; A_u = ridge I + sum x x', b_u = sum r x, theta_u = A_u^-1 b_u.  A^-1 is kept and changed by Sherman and Morrison
 * (1950) at each event, in double.
 */
#ifndef FUSION_BANDIT_H
#define FUSION_BANDIT_H
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

enum { BANDIT_MOST = 64 }; /* dimensions, at most */

struct bandit {
    uint32_t n_users, d;
    double ridge;
    double *inverse; /* [n_users x d x d] A^-1 */
    double *b;       /* [n_users x d] */
};

/* n_users posteriors at their prior, in the arena.  1 <= d <= BANDIT_MOST, ridge > 0. */
enum status bandit_new(uint32_t n_users, uint32_t d, double ridge, struct arena *arena, struct bandit *out);
/* Learns a reward of weight w >= 0 (w 0: nothing) for features x [d]. */
void bandit_update(struct bandit *m, uint32_t user, const float *x, double reward, double w);
/* theta_u . x, and *uncertainty = sqrt(x' A^-1 x) / sqrt(x' x / ridge): 1 before any feedback, towards 0 as it comes; 0 for x = 0.  theta
 * [d] by bandit_theta(). */
double bandit_mean(const struct bandit *m, const double *theta, const float *x);
double bandit_uncertainty(const struct bandit *m, uint32_t user, const float *x);
void bandit_theta(const struct bandit *m, uint32_t user, double *theta);

#endif
