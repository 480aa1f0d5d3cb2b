/*
 * corrected.h - what measures over all items would be, estimated from lists of sampled candidates.
 *
 * Krichene, Rendle, On Sampled Metrics for Item Recommendation, KDD 2020 (Communications of the ACM 65(7), 2022), section 5.  A measure
 * is a sum over the user's relevant items of a function of their places; the place among all items is p, the place among the
 * user's relevant items (known), plus a, the number of the N other items ahead; of the m sampled ones A are ahead.
 *
 *   unbiased_rank   takes p + N A / m, whose mean is right, for the place
 *   cls             constrained least squares: the function f of A whose mean, given a, is nearest to the measure's, over a = 0 .. N
 *                   alike, among functions that don't rise with A and are never negative
 *   bv              bias and variance: (1 - gamma) bias^2 + gamma variance, both over a = 0 .. N alike, is least
 *
 * Negatives are drawn without replacement, so A is hypergeometric (the paper's, drawn with replacement, are binomial).  Where they
 * are drawn by popularity A counts each for 1 / its chance (Horvitz, Thompson 1952); only the first estimator is there then.
 */
#ifndef EVAL_CORRECTED_H
#define EVAL_CORRECTED_H
#include "eval/candidates.h"

/* Has the metric an estimate? */
bool corrected_has(const struct metric_type *metric);
/* Measures whose dialect is an estimator (dialect.h): values[m * n_users + u] of users[u], NaN for a user with nothing relevant.
 * candidates->score holds the model's scores; equal ones are told apart by a hash of (seed, user, item).  More than 32 different N
 * are taken together where they differ by less than 0.5 %. */
enum status corrected_score(const struct candidates *candidates, const uint32_t *users, uint32_t n_users,
                            const struct relevance *relevance, uint64_t seed, double gamma,
                            const struct metric_at *measures, size_t n_measures, double *values);

#endif
