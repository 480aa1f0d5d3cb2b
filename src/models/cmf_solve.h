/*
 * cmf_solve.h - the half-sweeps of collective matrix factorization (cmf.c): one side's vectors, or those of its attributes.
 */
#ifndef MODELS_CMF_SOLVE_H
#define MODELS_CMF_SOLVE_H
#include "als.h"
#include "models/fm_design.h"

struct cmf_options {
    size_t ld;
    uint32_t own_from, own_to, shared_from, shared_to; /* columns that this side's attributes see */
    uint32_t other_from, other_to;                     /* columns of the other side's attributes alone */
    uint32_t bias_column;
    bool bias, scale_lambda;
    float lambda, lambda_attributes, w_main, weight, mean;
    int solver, cg_steps;
};

/* Users and their attributes, or items and theirs. */
struct cmf_side {
    struct cmf_options o;
    const struct csr *ratings; /* [n x n_other] */
    uint32_t n_attributes;
    float *X,
        *Y;      /* [n x ld]; [n_other + n_attributes + 1 x ld]: the other side, the attributes, their mean */
    float *bias; /* [n] */
    const float *other_bias;  /* [n_other] */
    const float *mean;        /* [n_attributes] of each attribute over all n */
    const int64_t *rating_at; /* [n] where in `rows` a row's ratings begin */
    struct als rows, attributes;
    float *row_base, *masked, *G, *kept; /* kept: [n_other x other_to - other_from] */
    struct gram gram, masked_gram;
};

/* attributes [n x all of them], of which this side's are columns from .. to - 1.  Memory of the arena. */
enum status cmf_side_new(struct cmf_side *side, const struct cmf_options *options, const struct csr *ratings,
                         const struct csr *attributes, uint32_t from, uint32_t to, float *X, float *Y,
                         float *bias, const float *other_bias, struct arena *scratch);
/* The vectors of the side's attributes from X. */
enum status cmf_solve_attributes(struct cmf_side *side, struct run *run);
/* X and biases from the other side and the attributes. */
enum status cmf_solve_rows(struct cmf_side *side, struct run *run);

#endif
