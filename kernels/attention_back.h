/*
 * attention_back.h - arguments of the way back through attention (attention_back.cu).
 */
#ifndef ATTENTION_BACK_H
#define ATTENTION_BACK_H
#include "attention.h"

/* From the gradient by attention's output (attention.h) to the gradient by queries, keys and values.  A row is one text and one head, as
 * there.  With P = softmax(scale Q K') and O = P V:
 *     dV = P' dO,  dP = dO V',  dS = P (dP - rowsum(P dP)),  dQ = scale dS K,  dK = scale dS' Q
 * Scratch: attention_back_scratch(). */
struct attention_back {
    const float *qkv;      /* [n_tokens x ld] as attention read it */
    const unsigned *first; /* [n_texts + 1] */
    const float *of_out;   /* [n_tokens x ld_out] */
    float *of_qkv;         /* [n_tokens x ld_of] laid out as qkv; all of a text's rows are written */
    long ld, ld_out, ld_of;
    int n_heads, head_size; /* head_size: a multiple of NN_TILE_COLS */
    float scale;            /* of the scores: 1 / sqrt(head_size) */
};

/* Bytes of scratch for texts of at most `longest` tokens: keys and values transposed, a row of P and of dS. */
static inline size_t attention_back_scratch(size_t longest, size_t head_size)
{
    const size_t padded = NN_PAD_COLS(longest);
    return sizeof(float) * (2 * padded * head_size + 2 * padded) + 4 * 64;
}

#endif
