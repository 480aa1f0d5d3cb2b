/*
 * decode.h - arguments of the kernels that a decoder needs beside its products (decode.cu).
 */
#ifndef DECODE_H
#define DECODE_H
#include <stddef.h>

#include "nn.h"

/* A row is a token.  x += add, or, with `post`, x += rms(add) * post; then out = norm(x) * gamma + beta, where norm is x over its
 * root mean square, or, with `centre`, (x - mean) over the standard deviation. */
struct decoder_norm {
    float *x;                  /* [n_tokens x width] */
    const float *add, *post;   /* NULL: nothing is added; add goes in as it is */
    float *out;                /* [n_tokens x width] */
    const float *gamma, *beta; /* [width]; beta NULL: none */
    long ldx, ld_add, ld_out;
    int width, centre;
    float eps;
};

/* A row is a token and one of its heads: n_heads queries, n_kv keys, n_kv values, side by side in qkv.  Queries and keys are
 * divided by their root mean square and multiplied by q_norm or k_norm (NULL: not), then turned pairwise by angles (Su et al.
 * 2021); queries, times q_scale, stay in place, keys and values go to the token's cell of the cache. */
struct decoder_rope {
    float *qkv;                   /* [n_tokens x ld] */
    const float *angle;           /* [n_tokens][n_rotated / 2][2]: cosine, sine */
    const float *q_norm, *k_norm; /* [head_size] or NULL */
    float *keys, *values;         /* [cells x n_kv * head_size] */
    const unsigned *cell;         /* [n_tokens] */
    long ld;
    int n_heads, n_kv, head_size;
    int n_rotated;   /* numbers of a head that turn, from the first; even */
    int interleaved; /* pairs (2 i, 2 i + 1); else (i, i + n_rotated / 2) */
    float eps, q_scale;
};

/* Tokens of one sequence, side by side.  Their keys: positions 0 .. shared - 1 in the cells of the same number, from `shared` on in
 * cells own, own + 1, ... */
struct decoder_tile {
    unsigned first, n; /* tokens of the batch */
    unsigned position; /* of the first */
    unsigned shared, own;
};

/* out = softmax(q K') V over the cache, causal: a token at position p sees positions p - window + 1 .. p (window 0: all up to p).
 * A row is a tile and a key head, which n_heads / n_kv query heads share.  cap > 0: scores become cap tanh(score / cap).
 * Scratch: decoder_attention_scratch(). */
struct decoder_attention {
    const float *q;                  /* [n_tokens x ld], scaled, heads side by side */
    const float *keys, *values;      /* [cells x n_kv * head_size] */
    float *out;                      /* [n_tokens x ld_out] */
    const struct decoder_tile *tile; /* [n_tiles] */
    long ld, ld_out;
    int n_heads, n_kv, head_size; /* head_size: a multiple of NN_TILE_COLS */
    int window;
    float cap;
};
/* Tokens a tile at most, for that many query heads a key head. */
static inline int decoder_tile_tokens(int group)
{
    return group >= NN_TILE_ROWS ? 1 : NN_TILE_ROWS / group;
}
static inline size_t decoder_attention_scratch(size_t most_keys, size_t head_size)
{
    return sizeof(float) * (NN_TILE_ROWS * (size_t)NN_PAD_COLS(most_keys) + 3 * NN_TILE_ROWS * head_size) +
           4 * 64;
}

enum decoder_curve { DECODER_SILU, DECODER_GELU_TANH, DECODER_GELU_ERF };

/* A row is a token: the first `width` numbers become f(x), times the next `width` where gated.  width: a multiple of 32. */
struct decoder_gate {
    float *x; /* [n_tokens x width, or 2 width where gated] */
    long ldx;
    int width, gated, curve;
};

/* A row is a token: most = max(most, y), sum = sum of exp(y - most) over all columns seen so far.  Columns n .. NN_PAD_COLS(n) - 1 are
 * set to -1e30. */
struct decoder_logsum {
    float *y;          /* [n_tokens x ldy] */
    float *most, *sum; /* [n_tokens] */
    long ldy;
    int n;
};

#endif
