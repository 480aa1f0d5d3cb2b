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
    return k / (size_t)quant_block_weights(type) * (size_t)quant_block_bytes(type);
}

#endif
