/*
 * prune.h - weights and parts of a network that go.
 */
#ifndef LLM_PRUNE_H
#define LLM_PRUNE_H
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* The weights of a row whose |w| sqrt(importance) is least become 0, floor(k * fraction) of them (Sun et al. 2024, Wanda: within an
 * output; importance NULL: by magnitude, Han et al. 2015).  Of equal ones the first go. */
void prune_row(float *w, const float *importance, size_t k, double fraction, float *scratch);
/* Of each four weights the two whose |w| sqrt(importance) is largest stay (2:4 sparsity, Mishra et al. 2021).  A rest of fewer than
 * four stays. */
void prune_row_2_4(float *w, const float *importance, size_t k);

/* How much each column of w [n x k] gives: the squares of its weights times its importance (NULL: 1), into score [k]. */
void prune_column_scores(const float *w, size_t n, size_t k, const float *importance, double *score);

/* The `n_kept` of n parts with the highest scores, rising, [n_kept]; of equal scores the first. */
enum status prune_keep(const double *score, uint32_t n, uint32_t n_kept, struct arena *arena,
                       uint32_t **kept);

#endif
