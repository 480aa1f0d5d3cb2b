/*
 * estimator.h - functions of how many of m sampled items are ahead, whose means are those of a measure over all items (corrected.h):
 * of one number of items N and one m.
 */
#ifndef EVAL_ESTIMATOR_H
#define EVAL_ESTIMATOR_H
#include <stdint.h>

/* What a measure is made of, as a function of the place. */
enum base { BASE_ONE, BASE_DISCOUNT, BASE_RECIPROCAL, N_BASES }; /* 1, 1 / log2(place + 1), 1 / place */
double base_value(enum base base, double place);

/* cls and bv are not to be had for more negatives than this, but where they are all items. */
enum { ESTIMATOR_NEGATIVES_MOST = 2000 };

struct estimator;
/* most: the largest cut-off that will be asked for, 1 or more.  NULL: memory is out (reported).  m <= n_others, at most
 * ESTIMATOR_NEGATIVES_MOST; 0 < gamma <= 1. */
struct estimator *estimator_new(uint32_t n_others, uint32_t m, uint32_t most, double gamma);
void estimator_free(struct estimator *e); /* takes NULL */
/* The estimate of base(p + a) where p + a <= k, else 0, from A = ahead (0 .. m): a of the others are ahead in truth.  p: 1 .. .
 * k: 1 .. most. */
double estimator_bv(const struct estimator *e, enum base base, uint32_t p, uint32_t k, uint32_t ahead);
/* Likewise; solved at the first call for (base, p, k): not for two threads at once.  NaN: memory is out. */
double estimator_cls(struct estimator *e, enum base base, uint32_t p, uint32_t k, uint32_t ahead);

#endif
