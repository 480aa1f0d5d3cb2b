/*
 * lanes.h - the lanes of a team as a type, for the few kernels whose speed hangs on how a sum over lanes is made.
 *
 *                 CUDA, CHECK                    CPU
 *   lanes_f       one float: this lane's         a vector of 16 floats: all lanes
 *   LANES         TEAM_SIZE                      16
 *   lanes_load    p[lane]                        p[0 .. 15]
 *   lanes_4       four floats, all lanes alike   a vector that holds the four in each of its quarters
 *   lanes_sum4    four butterflies               one transposing tree for four sums
 *   lanes_pick    the m-th of the four           the m-th of the four in every lane: one shuffle
 *
 * Why: with LANE_SUM the compiler ends each sum by a tree of its own (8 operations) and broadcasts it; here four sums
 * take 15 and come out as a vector.  Arrays that lanes_load reads have a length that LANES divides: ranks are multiples
 * of 32.  The CPU form is GNU vectors, which gcc and clang lower to what the machine has (AVX-512, AVX2, SSE).
 */
#ifndef LANES_H
#define LANES_H
#include "team.h"
#if TEAM_WARPS > 1
#error "lanes.h is for teams of one warp: its vectors have a warp's length"
#endif

/* sqrtf without <math.h> in kernel files: one instruction on either machine. */
#if defined(__CUDACC__)
#define TEAM_SQRT(x) sqrtf(x)
#else
#define TEAM_SQRT(x) __builtin_sqrtf(x)
#endif

#if defined(__CUDACC__) || defined(TEAM_CHECK)

#define LANES TEAM_SIZE
typedef float lanes_f;
typedef struct {
    float v[4];
} lanes_4;

TEAM_FN lanes_f lanes_load(const float *p)
{
    return p[TEAM_LANE];
}
TEAM_FN void lanes_store(float *p, lanes_f x)
{
    p[TEAM_LANE] = x;
}
TEAM_FN lanes_f lanes_zero(void)
{
    return 0.0f;
}
#define lanes_sum(t, x) team_sum(t, x)

TEAM_FN lanes_4 lanes_make4(float a, float b, float c, float d)
{
    const lanes_4 r = {{a, b, c, d}};
    return r;
}
TEAM_FN lanes_4 lanes_load4(const float *p)
{
    return lanes_make4(p[0], p[1], p[2], p[3]);
}
/* p [4] = x: by one lane. */
TEAM_FN void lanes_store4(float *p, lanes_4 x)
{
    p[0] = x.v[0], p[1] = x.v[1], p[2] = x.v[2], p[3] = x.v[3];
}
TEAM_FN lanes_4 lanes_scale4(float k, lanes_4 w)
{
    return lanes_make4(k * w.v[0], k * w.v[1], k * w.v[2], k * w.v[3]);
}
TEAM_FN lanes_4 lanes_add4(lanes_4 x, lanes_4 y)
{
    return lanes_make4(x.v[0] + y.v[0], x.v[1] + y.v[1], x.v[2] + y.v[2], x.v[3] + y.v[3]);
}
TEAM_FN lanes_4 lanes_multiply4(lanes_4 x, lanes_4 y)
{
    return lanes_make4(x.v[0] * y.v[0], x.v[1] * y.v[1], x.v[2] * y.v[2], x.v[3] * y.v[3]);
}
#define lanes_sum4(t, a, b, c, d) lanes_make4(team_sum(t, a), team_sum(t, b), team_sum(t, c), team_sum(t, d))
#define lanes_pick(x, m)          ((x).v[m])

#else

#ifdef __AVX512F__
#include <immintrin.h>
#endif
#define LANES           16
typedef float lanes_f __attribute__((vector_size(64)));
typedef float lanes_memory __attribute__((vector_size(64), aligned(4), may_alias));
typedef float lanes_quarter __attribute__((vector_size(16)));
typedef lanes_f lanes_4;

TEAM_FN lanes_f lanes_load(const float *p)
{
    return *(const lanes_memory *)p;
}
TEAM_FN void lanes_store(float *p, lanes_f x)
{
    *(lanes_memory *)p = x;
}
TEAM_FN lanes_f lanes_zero(void)
{
    return (lanes_f){0};
}
/* The quarters of x, added: the sum in each of them. */
TEAM_FN lanes_f lanes_fold(lanes_f x)
{
    const lanes_f h = x + __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    return h + __builtin_shufflevector(h, h, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
}
TEAM_FN float lanes_sum_cpu(lanes_f x)
{
    const lanes_f q = lanes_fold(x);
    return (q[0] + q[2]) + (q[1] + q[3]);
}
#define lanes_sum(t, x) ((void)(t), lanes_sum_cpu(x))

TEAM_FN lanes_4 lanes_load4(const float *p)
{
#ifdef __AVX512F__ /* what the shuffle below means; gcc 12 makes it through memory, with a stall */
    return _mm512_broadcast_f32x4(_mm_loadu_ps(p));
#else
    const lanes_quarter q = {p[0], p[1], p[2], p[3]};
    return __builtin_shufflevector(q, q, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
#endif
}
TEAM_FN void lanes_store4(float *p, lanes_4 x)
{
    p[0] = x[0], p[1] = x[1], p[2] = x[2], p[3] = x[3];
}
TEAM_FN lanes_4 lanes_scale4(float k, lanes_4 w)
{
    return k * w;
}
TEAM_FN lanes_4 lanes_add4(lanes_4 x, lanes_4 y)
{
    return x + y;
}
TEAM_FN lanes_4 lanes_multiply4(lanes_4 x, lanes_4 y)
{
    return x * y;
}
/* Unpacks within quarters (each step halves the number of vectors and of terms), then adds the quarters. */
TEAM_FN lanes_4 lanes_sum4_cpu(lanes_f a, lanes_f b, lanes_f c, lanes_f d)
{
    const lanes_f ab =
        __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
        __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    const lanes_f cd =
        __builtin_shufflevector(c, d, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
        __builtin_shufflevector(c, d, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    return lanes_fold(
        __builtin_shufflevector(ab, cd, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
        __builtin_shufflevector(ab, cd, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31));
}
#define lanes_sum4(t, a, b, c, d) ((void)(t), lanes_sum4_cpu(a, b, c, d))
/* m is a constant. */
#define lanes_pick(x, m)                                                                                     \
    __builtin_shufflevector(x, x, m, m, m, m, (m) + 4, (m) + 4, (m) + 4, (m) + 4, (m) + 8, (m) + 8, (m) + 8, \
                            (m) + 8, (m) + 12, (m) + 12, (m) + 12, (m) + 12)

#endif
#endif
