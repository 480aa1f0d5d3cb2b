/*
 * quant.h - weights as model files hold them: the types of GGUF that are read, their blocks, and the arguments of the kernels
 * over them (quant.cu).
 *
 * A row of weights is a run of blocks; each type can be taken 32 weights at a time, in place: nothing is unpacked beforehand.
 * The numbers of the types are the file format's (ggml.h, enum ggml_type).
 */
#ifndef QUANT_H
#define QUANT_H
#include <stddef.h>

enum quant_type {
    QUANT_F32 = 0,
    QUANT_F16 = 1,
    QUANT_Q4_0 = 2, /* 32 weights: half d, 16 bytes of nibbles (0-15 low, 16-31 high); d (q - 8) */
    QUANT_Q5_0 = 6, /* 32: half d, 4 bytes of fifth bits, 16 bytes of nibbles; d (q - 16) */
    QUANT_Q8_0 = 8, /* 32: half d, 32 signed bytes; d q */
    QUANT_Q4_K =
        12, /* 256: half d, half m, 12 bytes of 6-bit scales and minima, 128 of nibbles; d s q - m t */
    QUANT_Q5_K = 13, /* the same with 32 bytes of fifth bits */
    QUANT_Q6_K = 14, /* 256: 128 + 64 bytes of 6-bit q, 16 signed scales, half d; d s (q - 32) */
    QUANT_BF16 = 30
};

/* Weights a block and bytes a block; 0 and 0 for a type that is not read. */
static inline int quant_block_weights(int type)
{
    return type == QUANT_F32 || type == QUANT_F16 || type == QUANT_BF16     ? 1
           : type == QUANT_Q4_0 || type == QUANT_Q5_0 || type == QUANT_Q8_0 ? 32
           : type == QUANT_Q4_K || type == QUANT_Q5_K || type == QUANT_Q6_K ? 256
                                                                            : 0;
}
static inline int quant_block_bytes(int type)
{
    return type == QUANT_F32                         ? 4
           : type == QUANT_F16 || type == QUANT_BF16 ? 2
           : type == QUANT_Q4_0                      ? 18
           : type == QUANT_Q5_0                      ? 22
           : type == QUANT_Q8_0                      ? 34
           : type == QUANT_Q4_K                      ? 144
           : type == QUANT_Q5_K                      ? 176
           : type == QUANT_Q6_K                      ? 210
                                                     : 0;
}
/* Bytes of a row of k weights; k is whole blocks. */
static inline size_t quant_row_bytes(int type, size_t k)
{
    const size_t weights = (size_t)quant_block_weights(type);
    return weights > 0 ? k / weights * (size_t)quant_block_bytes(type) : 0;
}

/* Outputs that are summed together, and tokens that go through them at once. */
#define QUANT_OUTPUTS 4
#if defined(__AVX512F__) || defined(TEAM_CHECK) || defined(__CUDACC__)
#define QUANT_TOKENS 6 /* 24 sums of 16 in 32 registers */
#else
#define QUANT_TOKENS 1
#endif

struct quant_matrix {
    const unsigned char *w; /* [n rows of k weights], row_bytes apart */
    const float *bias;      /* [n], or NULL */
    long row_bytes;
    long column; /* of y, where its outputs begin */
    int type, n;
};

/* y = x W' + bias, for up to three W over the same x.  A row of the kernel is `group` outputs (a multiple of QUANT_OUTPUTS) of
 * one matrix; launch quant_linear_rows(), scratch quant_linear_scratch().  k is a multiple of 32.  An output's bits depend on its
 * token and its weights alone, not on how many tokens there are. */
struct quant_linear {
    const float *x; /* [n_tokens x k] */
    float *y;       /* [n_tokens x ...] */
    long ldx, ldy;
    int n_tokens, k, group, n_matrices;
    struct quant_matrix m[3];
};
static inline long quant_linear_rows(const struct quant_linear *a)
{
    long rows = 0;
    for (int i = 0; i < a->n_matrices; i++)
        rows += (a->m[i].n + a->group - 1) / a->group;
    return rows;
}
/* One token goes straight through the weights; for more a group is unpacked once. */
static inline size_t quant_linear_scratch(const struct quant_linear *a)
{
    return a->n_tokens > 1 ? sizeof(float) * (size_t)a->group * (size_t)a->k + 64 : 0;
}

/* A row is a token: x = scale * (row ids[token] of W) + row places[token] of P (NULL: nothing).  k is a multiple of 32. */
struct quant_rows {
    const unsigned char *w, *p;
    const unsigned *ids, *places; /* [n_tokens] */
    float *x;                     /* [n_tokens x k] */
    long row_bytes, row_bytes_p, ldx;
    int type, type_p, k;
    float scale;
};

/* Can weights of that type meet activations in 8 bits? */
static inline int quant_is_whole(int type)
{
    return quant_block_weights(type) > 1;
}

/* Activations in 8 bits.  A row is a token: each 32 numbers become q, the nearest whole numbers to x / d, with d = max |x| / 127;
 * part: d, d times the sum of the 32 q, of the first 16, of the last 16. */
struct quant_round {
    const float *x; /* [n_tokens x k] */
    signed char *q; /* [n_tokens x k] */
    float *part;    /* [n_tokens x k / 32 x 4] */
    long ldx, ldq, ld_part;
    int k;
};
/* Leading dimensions that keep the tokens of a tile in different sets of the cache. */
static inline long quant_round_ldq(long k)
{
    return k + 64;
}
static inline long quant_round_ld_part(long k)
{
    return k / 32 * 4 + 16;
}

/* y = x W' + bias for up to three W over the same x, which quant_round has rounded.  A row of the kernel is `group` outputs (a
 * multiple of QUANT_INT8_OUTPUTS) of one matrix; launch quant_int8_rows(), scratch quant_int8_scratch().  k is a multiple of 32;
 * types: quant_is_whole().  Products of 32 (Q6_K: 16) are exact whole numbers; they are scaled and added in rising order, so that an
 * output's bits depend on its token and its weights alone. */
#define QUANT_INT8_OUTPUTS 16
struct quant_int8 {
    const signed char *q; /* [n_tokens x k] */
    const float *part;    /* [n_tokens x k / 32 x 4] */
    float *y;             /* [n_tokens x ...] */
    long ldq, ld_part, ldy;
    int n_tokens, k, group, n_matrices;
    struct quant_matrix m[3];
};
static inline long quant_int8_rows(const struct quant_int8 *a)
{
    long rows = 0;
    for (int i = 0; i < a->n_matrices; i++)
        rows += (a->m[i].n + a->group - 1) / a->group;
    return rows;
}
/* One token goes straight through the weights; for more a group becomes bytes, and scales and minima of every 16, once. */
static inline size_t quant_int8_scratch(const struct quant_int8 *a)
{
    return a->n_tokens > 1 ? (size_t)a->group * ((size_t)a->k + (size_t)a->k / 32 * 4 * sizeof(float)) + 128
                           : 0;
}

#endif
