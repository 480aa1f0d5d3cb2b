/*
 * als.h - arguments of the kernels of alternating least squares: als_cg_*, als_cholesky_*, als_block_*, gram, gram_sum.
 *
 * A launch's row u solves for x = X[u], given Y:
 *     (G + sum_i w_ui y_i y_i' + ridge_u Id) x = sum_i (base + w_ui) y_i        over the entries i of row u,
 * with w_ui = alpha val[e] (alpha where val is NULL).  Hu, Koren, Volinsky 2008, eq. 4: G = Y'Y, base 1, w =
 * c - 1; Rendle et al. 2022: G = alpha0 Y'Y, base 0, w = 1.  Ratings (Zhou, Wilkinson, Schreiber, Pan 2008): G = 0, w =
 * 1, base the rating - 1 of each entry, so that the right side is sum_i rating y_i.  A row without entries gets zeros.
 *
 * als_block_32 and _64 (iALS++: Rendle, Krichene, Zhang, Koren 2021) solve for columns first .. first + 31 (63) of x alone, the
 * others fixed: from what stands in X one Newton step, which is exact there.  prediction holds x . y of each entry: made anew
 * where first is 0, kept up with the step; so the blocks of a row are launched from 0 on.
 *
 * X, Y, G have rank columns and 64-byte aligned rows; rank is a multiple of ALS_PAD, columns that no factor
 * uses are zero and stay zero.
 */
#ifndef ALS_H
#define ALS_H
#include <stddef.h>
#include <stdint.h>

#define ALS_PAD         32
#define ALS_RANK_MAX    256 /* the largest compiled rank; above: als_cg_any, als_cholesky_any */
#define ALS_CHUNK       32  /* entries that als_cholesky packs at a time */
#define ALS_GRAM_ROWS   8   /* rows of G that one launch row of gram computes */
#define ALS_GRAM_BLOCKS 64  /* at most so many partial sums */

struct als {
    float *X;              /* [n_rows x rank] solved for; als_cg and als_block start from what stands here */
    const float *Y;        /* [n_columns x rank] */
    const float *G;        /* [rank x rank] symmetric, scaled; NULL: 0 */
    const float *ridge;    /* [n_rows] */
    const int64_t *ptr;    /* [n_rows + 1] */
    const uint32_t *idx;   /* [nnz] columns */
    const float *val;      /* [nnz], or NULL */
    const float *bases;    /* [nnz] base of each entry; NULL: base */
    float *prediction;     /* [nnz] of als_block_*; else NULL */
    const uint32_t *order; /* [n_rows] the row that launch row i solves (longest first: even load); NULL: i */
    float alpha, base;
    long n_columns;  /* rows of Y */
    int first;       /* of als_block_*: a multiple of ALS_PAD */
    int rank, steps; /* steps of als_cg; it ends sooner when the residual has fallen by 1e-9 */
};

/* Shared memory a team needs. */
static inline size_t als_cg_scratch(int rank)
{
    return 5 * (size_t)rank * sizeof(float) + 512;
}
static inline size_t als_cholesky_scratch(int rank)
{
    return ((size_t)rank * ((size_t)rank + ALS_CHUNK + 2)) * sizeof(float) + 512;
}

/* Partial Gram matrices: launch row r = (block, tile), tile rows 8 tile .. 8 tile + 7 of
 *     part[block] = sum of y y' over the rows of Y in that block.
 * n_blocks x (rank / ALS_GRAM_ROWS) launch rows; the blocks depend on n alone, so the sum's order does too.
 */
struct gram {
    const float *Y; /* [n x rank] */
    float *part;    /* [n_blocks x rank x rank] */
    long n;
    int rank, n_blocks;
};
static inline int gram_blocks(long n)
{
    const long blocks = (n + 255) / 256;
    return blocks < 1 ? 1 : blocks > ALS_GRAM_BLOCKS ? ALS_GRAM_BLOCKS : (int)blocks;
}
/* G = scale sum of part, blocks in rising order; launch rows: rank. */
struct gram_sum {
    const float *part; /* [n_blocks x rank x rank] */
    float *G;          /* [rank x rank] */
    float scale;
    int rank, n_blocks;
};

#endif
