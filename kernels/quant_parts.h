/*
 * quant_parts.h - the scales in the blocks of quant.h, for the kernels over them.
 */
#ifndef QUANT_PARTS_H
#define QUANT_PARTS_H
#include "quant.h"
#include "team.h"

/* IEEE binary16, exactly, but for infinities and NaN, which no file that was let in holds. */
TEAM_FN float quant_half(const unsigned char *p)
{
    union {
        unsigned u;
        float f;
    } both;
    const unsigned h = p[0] | (unsigned)p[1] << 8;
    both.u = (h & 0x7fffu) << 13;
    both.f *= 5.192296858534828e33f; /* 2^112 */
    both.u |= (h & 0x8000u) << 16;
    return both.f;
}

/* The 6-bit scale (which = 0) or minimum (1) of stretch s of 8, from 12 bytes. */
TEAM_FN int quant_scale(const unsigned char *q, int s, int which)
{
    if (s < 4)
        return q[s + 4 * which] & 63;
    return which == 0 ? (q[s + 4] & 15) | (q[s - 4] >> 6) << 4 : q[s + 4] >> 4 | (q[s] >> 6) << 4;
}

#endif
