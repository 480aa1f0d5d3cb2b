/*
 * gram.cu - G = scale Y'Y for tall Y, in a fixed order of sums: partial matrices of fixed blocks of rows,
 * then their sum block by block.  The shape of the work depends on n and rank alone, so the bytes do too.
 */
#include "als.h"
#include "lanes.h"

/* ALS_GRAM_ROWS rows of one block's partial matrix, two vectors of columns at a time. */
TEAM_FN void gram_row(const struct gram *a, long r, struct team *t)
{
    const int rank = a->rank, nv = rank / LANES, tiles = rank / ALS_GRAM_ROWS;
    const long block = r / tiles;
    const int i0 = (int)(r % tiles) * ALS_GRAM_ROWS;
    const long size = (a->n + a->n_blocks - 1) / a->n_blocks;
    const long first = block * size, last = first + size < a->n ? first + size : a->n;
    float *out = a->part + ((size_t)block * (size_t)rank + (size_t)i0) * (size_t)rank;
    (void)t;

    MUTANT_LEAVE(gram_leaves, TEAM_LANE == 9);
    for (int v = 0; v < nv; v += 2) {
        const int two = v + 1 < nv; /* CUDA's ranks of an odd number of vectors: the last alone */
        lanes_f s0[ALS_GRAM_ROWS], s1[ALS_GRAM_ROWS];
        TEAM_UNROLL
        for (int m = 0; m < ALS_GRAM_ROWS; m++)
            s0[m] = lanes_zero(), s1[m] = lanes_zero();
        for (long e = first; e < last - MUTANT(gram_index, 1, 0); e++) {
            const float *y = a->Y + (size_t)e * (size_t)rank;
            const lanes_f y0 = lanes_load(y + v * LANES), y1 = lanes_load(y + (v + two) * LANES);
            TEAM_UNROLL
            for (int m = 0; m < ALS_GRAM_ROWS; m++) {
                s0[m] += y[i0 + m] * y0;
                s1[m] += y[i0 + m] * y1;
            }
        }
        TEAM_UNROLL
        for (int m = 0; m < ALS_GRAM_ROWS; m++) {
            lanes_store(out + m * rank + v * LANES + MUTANT(gram_outside, 1, 0), s0[m]);
            if (two)
                lanes_store(out + m * rank + (v + 1) * LANES, s1[m]);
        }
    }
}

TEAM_FN void gram_sum_row(const struct gram_sum *a, long i, struct team *t)
{
    const int rank = a->rank, nv = rank / LANES;
    (void)t;

    for (int v = 0; v < nv; v++) {
        lanes_f s = lanes_zero();
        for (int b = MUTANT(gram_sum_index, 1, 0); b < a->n_blocks; b++)
            s += lanes_load(a->part + ((size_t)b * (size_t)rank + (size_t)i) * (size_t)rank + v * LANES);
        lanes_store(a->G + (size_t)(i + MUTANT(gram_sum_outside, 1, 0)) * (size_t)rank + v * LANES,
                    a->scale * s);
    }
}

TEAM_KERNEL(gram, struct gram, gram_row(a, row, t))
TEAM_KERNEL(gram_sum, struct gram_sum, gram_sum_row(a, row, t))
