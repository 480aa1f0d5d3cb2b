/*
 * nn8.h - dense layers with weights of 8 bits: arguments of the kernels in nn8.cu.
 *
 * A weight is q * scale, q a signed byte, one scale for each output and 64 inputs.  An activation is a * scale, a of 16 bits, one
 * scale a token: 8 bits of activations cost MiniLM more than 8 bits of weights do (docs/encoder.md).  Sums over 64 inputs are whole
 * numbers below 2^31, so they are the same in any order and on any machine; blocks are added in float32, in rising order.
 */
#ifndef NN8_H
#define NN8_H
#include "nn.h"

#define NN8_BLOCK 64
#define NN8_ROWS  16 /* tokens a tile */
/* Inputs rounded up to whole blocks, tokens to whole tiles. */
#define NN8_PAD_K(k)    (((k) + NN8_BLOCK - 1) / NN8_BLOCK * NN8_BLOCK)
#define NN8_PAD_ROWS(n) (((n) + NN8_ROWS - 1) / NN8_ROWS * NN8_ROWS)

/* Ways to the same bits. */
enum nn8_path {
    NN8_PORTABLE,
    NN8_VNNI, /* AVX-512 VNNI: 32 products of 16 bits an instruction */
    NN8_AMX   /* tiles of 16 x 16 sums over 64 bytes; activations in two planes of bytes */
};

/* Packs W [n x k], row-major (outputs down).  A row is an output, of NN_PAD_COLS(n); those beyond n become zeros. */
struct nn8_pack {
    const float *w;
    signed char *q; /* [panels of NN_TILE_COLS outputs][NN8_PAD_K(k) / 4][NN_TILE_COLS][4] */
    float *scale;   /* [panels][NN8_PAD_K(k) / NN8_BLOCK][NN_TILE_COLS] */
    int n, k;
};

/* A row is a token: a = round(x / scale), scale = max |x| / 32767; zeros from k on. */
struct nn8_quantize {
    const float *x; /* [n_tokens x k] */
    short *a; /* [n_tokens x NN8_PAD_K(k)]; planes: as bytes, all high ones of a token, then all low ones */
    float *scale; /* [n_tokens] */
    long ldx;
    int k, planes;
};

/* y = f(x W' + bias).  A row is a tile of NN8_ROWS tokens by one group of panels; launch n_tiles * ceil(n_panels / group) rows,
 * tiles fastest. */
struct nn8_linear {
    const short *a; /* [n_tiles * NN8_ROWS x k] as nn8_quantize wrote it; planes where path is NN8_AMX */
    const float *a_scale; /* [n_tokens] */
    const signed char *q; /* as nn8_pack */
    const float *scale;   /* as nn8_pack */
    const float *bias;    /* [n_panels * NN_TILE_COLS] */
    float *y;             /* [n_tokens x n_panels * NN_TILE_COLS] */
    long ldy, n_tokens, n_tiles;
    int k; /* a multiple of NN8_BLOCK, at most 65,536 */
    int n_panels, group;
    int gelu; /* as nn_linear */
    int path; /* enum nn8_path; on the CPU only */
};

#endif
