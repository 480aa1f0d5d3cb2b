/*
 * mf.h - arguments of mf_rows_* and mf_move: gradient steps of whole rows of one side of a matrix factorization, the other
 * side fixed.
 *
 * A launch's row r has x = X[r] and the direction, over its entries e with y = Y[idx[e]], s = x . y, sigma the logistic function,
 *     logistic   d = sum val_e (1 - sigma(s)) y - sum over drawn negatives sigma(s) y - regularization x
 *                (Johnson 2014, equation 4: up the log likelihood of taken, weight val, and not taken)
 *     squared    d = sum (val_e - s) y - regularization x
 *     sigmoid    d = sum (val_e - sigma(s)) sigma(s) (1 - sigma(s)) y - regularization x
 *                (Salakhutdinov, Mnih 2008, equation 4: down half the squared error; val within [0, 1])
 * (weighted: regularization times the row's entries) and makes a step of it:
 *     adagrad    S[r] += d^2, X[r] += rate d / sqrt(1e-6 + S[r])
 *     momentum   S[r] = momentum S[r] + rate d, X as it is: mf_move adds S to X when both sides have theirs
 * Column `fixed` (-1: none) of x does not move.  A row without entries is left as it is.
 *
 * Negatives: of a row with n entries min(n_columns, n negatives) columns, each that of an entry of the whole matrix drawn
 * uniformly, so as often as it occurs (as in `implicit`); draw j of row r is word j mod 4 of Philox(seed, stream, r 2^32 + j / 4).
 */
#ifndef MF_H
#define MF_H
#include <stddef.h>
#include <stdint.h>

#define MF_PAD   32
#define MF_CHUNK 32 /* entries whose scores are taken at once */

enum mf_loss { MF_LOGISTIC, MF_SQUARED, MF_SIGMOID };
enum mf_update { MF_ADAGRAD, MF_MOMENTUM };

struct mf_rows {
    float *X;              /* [n_rows x rank] */
    float *S;              /* [n_rows x rank] */
    const float *Y;        /* [n_columns x rank] */
    const int64_t *ptr;    /* [n_rows + 1] */
    const uint32_t *idx;   /* [nnz] */
    const float *val;      /* [nnz]; NULL: 1 */
    const uint32_t *drawn; /* [n_drawn] columns to draw negatives from; read where `negatives` > 0 */
    int64_t n_drawn;
    uint64_t seed, stream;
    float rate, regularization, momentum;
    long n_columns;
    int loss, update, fixed, negatives, weighted, rank;
};

/* Shared memory a team needs. */
static inline size_t mf_scratch(int rank)
{
    return 3 * (size_t)rank * sizeof(float) + 4 * MF_CHUNK * sizeof(float) + 512;
}

/* X[r] += S[r] */
struct mf_move {
    float *X;
    const float *S;
    int rank;
};

#endif
