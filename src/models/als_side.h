/*
 * als_side.h - one side of implicit alternating least squares (kernels/als.h), which ials and the models that add to its right side share: its
 * Gram matrix, its system, a half-sweep.
 */
#ifndef MODELS_ALS_SIDE_H
#define MODELS_ALS_SIDE_H
#include "als.h"
#include "models/als_rows.h"
#include "models/model.h"

struct als_side_options {
    double alpha0; /* weight of every pair, observed or not */
    int solver, cg_steps;
    int block_width;             /* of ALS_BLOCK: 32 or 64 */
    const struct kernel *kernel; /* of als_rank() */
    size_t ld;
};
struct als_side {
    struct als a;
    struct gram gram;
    struct gram_sum sum;
    const struct kernel *kernel;
    size_t scratch;
    long n_rows;
    int block_width; /* 0: whole rows at once */
};

/* X [rows of a x ld] from Y [columns of a x ld], of whose rows the first n_gram make the Gram matrix; ridge: [rows of a].  Entries weigh a's
 * value (NULL: 1), and what a model's are beside that (alpha, base, bases) it sets in s->a. */
enum status als_side_new(struct als_side *s, const struct csr *a, uint32_t n_gram,
                         const struct als_side_options *o, const float *ridge, float *X, const float *Y,
                         struct arena *scratch);
/* regularization (entries + alpha0 n_columns)^nu of each row (Rendle, Krichene, Zhang, Koren 2022): [rows of a]. */
enum status als_side_ridge(const struct csr *a, double regularization, double alpha0, double nu,
                           struct arena *scratch, float **out);
/* On a device the matrices stay from sweep to sweep; the model then says what it changed, and fetches. */
enum status als_side_keep(const struct als_side *s, const struct backend *b);
/* A half-sweep.  STATUS_STOPPED when cancelled. */
enum status als_side_solve(const struct als_side *s, struct run *run);

#endif
