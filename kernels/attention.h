/*
 * attention.h - arguments of the attention kernel (attention.cu).
 */
#ifndef ATTENTION_H
#define ATTENTION_H
#include <stddef.h>

#include "nn.h"

/* Softmax attention of texts laid end to end, each looking at itself alone, both ways (an encoder).  A row is one text
 * and one head: row = text * n_heads + head.  Scratch: attention_scratch(). */
struct attention {
    const float *qkv; /* [n_tokens + NN_TILE_ROWS x ld]: queries, keys, values of all heads side by side */
    const unsigned *first; /* [n_texts + 1]: text i is tokens first[i] .. first[i + 1] - 1 */
    float *out;            /* [n_tokens x n_heads * head_size] */
    long ld, ld_out;
    int n_heads, head_size; /* head_size: a multiple of NN_TILE_COLS */
    float scale;            /* of the scores: 1 / sqrt(head_size) */
};

/* Bytes of scratch for texts of at most `longest` tokens: keys transposed, scores of a tile, outputs of a tile. */
static inline size_t attention_scratch(size_t longest, size_t head_size)
{
    const size_t padded = NN_PAD_COLS(longest);
    return sizeof(float) * (padded * head_size + NN_TILE_ROWS * padded + NN_TILE_ROWS * head_size) + 4 * 64;
}

#endif
