/*
 * spmm.h - arguments of the kernels in spmm.cu: products of sparse and dense matrices.
 */
#ifndef SPMM_H
#define SPMM_H
#include <stddef.h>
#include <stdint.h>

/* out[r] = sum over entries e of row rows[r] of A of  val[e] B[idx[e]];  row r of out is written whole. */
struct spmm_csr_dense {
    const int64_t *ptr;   /* [rows of A + 1] */
    const uint32_t *idx;  /* [nnz] */
    const float *val;     /* [nnz]; NULL: ones */
    const uint32_t *rows; /* [n_rows] rows of A; NULL: 0, 1, 2 ... */
    const float *B;       /* [columns of A x ldb] */
    float *out;           /* [n_rows x ldo] */
    size_t ldb, ldo;
    int cols; /* of B and out */
};

/* out[r] = sum over entries e of row rows[r] of A of  val[e] S[idx[e]], with S sparse too and out
 * dense. */
struct spmm_csr_csr {
    const int64_t *ptr;
    const uint32_t *idx;
    const float *val;     /* NULL: ones */
    const uint32_t *rows; /* NULL: 0, 1, 2 ... */
    const int64_t *s_ptr; /* S [columns of A x cols] */
    const uint32_t *s_idx;
    const float *s_val;
    float *out; /* [n_rows x ldo] */
    size_t ldo;
    int cols;
};

/* out[r][i] = D[r] . S[i]: dense rows times the transpose of a sparse matrix. */
struct spmm_dense_csr {
    const float *D; /* [n_rows x ldd] */
    size_t ldd;
    const int64_t *s_ptr; /* S [n x columns of D] */
    const uint32_t *s_idx;
    const float *s_val;
    float *out; /* [n_rows x ldo] */
    size_t ldo;
    int n;
};

/* Divides each row of X by its L2 norm; a row of norm 0 stays. */
struct spmm_normalize {
    float *X; /* [n_rows x ld] */
    size_t ld;
    int cols;
};

#endif
