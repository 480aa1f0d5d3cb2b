/*
 * encoder_lora_parts.h - what encoder_lora.c (memory, weights) and encoder_lora_pass.c (forward, backward) share; not for others.
 */
#ifndef LLM_ENCODER_LORA_PARTS_H
#define LLM_ENCODER_LORA_PARTS_H
#include "llm/encoder_internal.h"
#include "llm/encoder_lora.h"

/* A layer that carries adapters.  Rank is padded with zeros to a whole panel (`padded`), so that products are nn_linear's. */
struct lora_layer {
    const struct encoder_layer *base;
    int heads;                      /* n_heads * head_size */
    float *A[2], *B[2];             /* of queries and values, in lora->weights */
    float *of_A[2], *of_B[2];       /* in lora->gradient */
    struct encoder_dense to_rank;   /* A: hidden -> 2 padded */
    struct encoder_dense qkv;       /* (x, A x) -> queries, keys, values: W with scale B beside it */
    struct encoder_dense back_B[2]; /* heads -> padded: scale B' */
    struct encoder_dense back_A;    /* 2 padded -> hidden: A' */
    struct encoder_dense back_qkv, back_out, back_up, back_down; /* the base's matrices transposed */
    /* Kept by the way forward. */
    float *x;                    /* [tokens x hidden + 2 padded] the layer's input, A x behind it */
    float *dropped;              /* [tokens x hidden] dropout(x); NULL: no dropout */
    float *projected;            /* [tokens x 3 heads] queries, keys, values */
    float *before;               /* [tokens x feed_forward padded] GELU's input */
    float *normal[2], *scale[2]; /* of the two layer norms: [tokens x hidden], [tokens] */
};

struct encoder_lora_parts {
    const struct encoder *e;
    struct encoder_lora_options o;
    int padded, n_layers;                /* n_layers: that carry adapters */
    uint32_t n_texts, most, most_tokens; /* of a batch */
    uint64_t *first;                     /* [n_texts + 1] tokens */
    float *states;                       /* [tokens x hidden] below the adapted layers */
    struct lora_layer *layer;
    double bytes;
    /* The last batch. */
    uint32_t n, n_tokens, longest, step;
    bool drops;
    unsigned *start;    /* [most + 1] */
    unsigned long *row; /* [most] 0, 1, 2 ... */
    uint32_t *place;    /* [most_tokens] the token's number among all */
    float *last;        /* [tokens x hidden] the top state */
    /* Room of one layer's passing. */
    float *mixed, *middle, *wide, *y;
    float *of, *z, *z2, *of_wide, *of_mixed, *of_projected, *of_rank;
};

#endif
