/*
 * random.c - named random numbers: each draw is Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011) of what
 * it is for.
 *
 * key = seed; counter = {index (64 bits), purpose (32), epoch (32)}.  No state, so any thread may make any
 * draw.
 */
#include <math.h>

#include "backend/backend.h"
#include "philox.h"

static struct philox block(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint64_t index)
{
    return philox4x32(seed, (uint64_t)epoch << 32 | (uint32_t)purpose, index);
}

/* (0, 1), symmetric: the 2^52 midpoints (j + 1/2) / 2^52, each exact in double. 53 bits would round to 1 at
 * the end. */
static double unit(uint32_t high, uint32_t low)
{
    const uint64_t bits = ((uint64_t)high << 32 | low) >> 12;
    return ((double)bits + 0.5) * 0x1p-52;
}

uint32_t random_u32(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint64_t index)
{
    return block(seed, purpose, epoch, index).v[0];
}

double random_unit(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint64_t index)
{
    const struct philox p = block(seed, purpose, epoch, index);
    return unit(p.v[0], p.v[1]);
}

void random_units(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint64_t first, size_t n,
                  double *out)
{
    const uint64_t stream = (uint64_t)epoch << 32 | (uint32_t)purpose;
    for (size_t k = 0; k < n; k++) {
        const struct philox p = philox4x32(seed, stream, first + k);
        out[k] = unit(p.v[0], p.v[1]);
    }
}

/* Box and Muller 1958; the sine half is left unused, so that a draw stays a function of its name. */
double random_normal(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint64_t index)
{
    const struct philox p = block(seed, purpose, epoch, index);
    return sqrt(-2.0 * log(unit(p.v[0], p.v[1]))) * cos(2.0 * M_PI * unit(p.v[2], p.v[3]));
}

void random_permutation(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint32_t n, uint32_t *out)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        const struct philox p = block(seed, purpose, epoch, i);
        const uint64_t bits = (uint64_t)p.v[0] << 32 | p.v[1];
        /* Multiply and shift: uniform on 0 .. i - 1 up to i / 2^64. */
        const uint32_t j = (uint32_t)(((unsigned __int128)bits * i) >> 64), kept = out[i - 1];
        out[i - 1] = out[j];
        out[j] = kept;
    }
}
