/*
 * nn_back.h - arguments of the kernels through which gradients go back through a transformer's layers (nn_back.cu): layer norm, GELU, pooling;
 * and dropout.  Products are nn_linear's with the transposed weights, attention's way back is attention_back.h.
 *
 * Widths of GELU and dropout are multiples of NN_TILE_COLS.  A matrix has one row a token and a leading dimension of its own.
 */
#ifndef NN_BACK_H
#define NN_BACK_H
#include <stddef.h>
#include <stdint.h>

#include "nn.h"

/* As nn_layer_norm, with the same bits, out of place: y = normal * gamma + beta, normal = (s - mean) * scale, s = x + add,
 * scale = 1 / sqrt(variance + eps).  A row is a token; normal and scale are what nn_norm_backward reads. */
struct nn_norm_keep {
    const float *x, *add; /* [n_tokens x width] */
    const float *gamma, *beta;
    float *y, *normal; /* [n_tokens x width] */
    float *scale;      /* [n_tokens] */
    long ldx, ld_add, ldy, ld_normal;
    int width;
    float eps;
};

/* From the gradient by y, of + add (NULL: of alone), to the gradient by s, into `of` (Ba, Kiros, Hinton 2016):
 *     of = scale (g - mean(g) - normal mean(g normal)),  g = (of + add) gamma */
struct nn_norm_backward {
    float *of;        /* [n_tokens x width] */
    const float *add; /* [n_tokens x width] */
    const float *gamma, *normal, *scale;
    long ld_of, ld_add, ld_normal;
    int width;
};

/* A row is a token: y = gelu(x), as nn_linear has it. */
struct nn_gelu {
    const float *x;
    float *y; /* [n_tokens x width] */
    long ldx, ldy;
    int width;
};

/* A row is a token: of = of gelu'(x), gelu'(x) = Phi(x) + x phi(x). */
struct nn_gelu_backward {
    const float *x;
    float *of; /* [n_tokens x width] */
    long ldx, ld_of;
    int width;
};

/* A row is a text: from the gradient by its vector of length 1 (nn_pool) to that by its tokens' states.  Scratch:
 * nn_pool_backward_scratch(width). */
struct nn_pool_backward {
    const float *x;        /* [n_tokens x width] the states that were pooled */
    const unsigned *first; /* [n_texts + 1] */
    const float *of_out;   /* [n_texts x width] */
    float *of_x;           /* [n_tokens x width] */
    long ldx, ld_of;
    int width, cls;
};
static inline size_t nn_pool_backward_scratch(int width)
{
    return sizeof(float) * (size_t)width + 64;
}

/* Inverted dropout (Srivastava et al. 2014): y = (add ? y : 0) + x / (1 - p) where the element is kept, which its name alone decides:
 * element j of a token is word j % 4 of Philox(seed, stream, place[token] * width / 4 + j / 4), kept where that is at least p 2^32. */
struct nn_dropout {
    const float *x;
    float *y;              /* [n_tokens x width] */
    const uint32_t *place; /* [n_tokens] */
    uint64_t seed, stream;
    long ldx, ldy;
    int width, add;
    uint32_t below; /* p 2^32; 0: all are kept */
    float scale;    /* 1 / (1 - p) */
};

#endif
