/*
 * lanes.h - the lanes of a team as a type, for the few kernels whose speed hangs on how a sum over lanes is
 * made.
 *
 *                 CUDA, CHECK                    CPU
 *   lanes_f       one float: this lane's         a vector of 16 floats: all lanes
 *   LANES         TEAM_SIZE                      16
 *   lanes_load    p[lane]                        p[0 .. 15]
 *   lanes_sum4    four butterflies               one transposing tree for four sums
 *
 * Why: with LANE_SUM the compiler ends each sum by its own tree (8 operations); a tree that transposes needs
 * 13 for four.  In als_cg that is the difference between 37 and about 70 GFLOP/s a core.  Arrays that
 * lanes_load reads have a length that LANES divides: ranks are multiples of 32.
 *
 * The CPU form is GNU vectors, which gcc and clang lower to whatever the machine has (AVX-512, two AVX2, four
 * SSE).
 */
#ifndef LANES_H
#define LANES_H
#include "team.h"

/* sqrtf without <math.h> in kernel files: one instruction on either machine. */
#if defined(__CUDACC__)
#define TEAM_SQRT(x) sqrtf(x)
#else
#define TEAM_SQRT(x) __builtin_sqrtf(x)
#endif

#if defined(__CUDACC__) || defined(TEAM_CHECK)

#define LANES TEAM_SIZE
typedef float lanes_f;

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
#define lanes_sum4(t, a, b, c, d, out)                                                                       \
    ((out)[0] = team_sum(t, a), (out)[1] = team_sum(t, b), (out)[2] = team_sum(t, c),                        \
     (out)[3] = team_sum(t, d))

#else

#define LANES                          16
typedef float lanes_f __attribute__((vector_size(64)));
typedef float lanes_memory __attribute__((vector_size(64), aligned(4), may_alias));
typedef float lanes_half __attribute__((vector_size(32)));
typedef float lanes_quarter __attribute__((vector_size(16)));

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
/* The four quarters of x, added. */
TEAM_FN lanes_quarter lanes_fold(lanes_f x)
{
    const lanes_half h = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
                         __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
    return __builtin_shufflevector(h, h, 0, 1, 2, 3) + __builtin_shufflevector(h, h, 4, 5, 6, 7);
}
TEAM_FN float lanes_sum_cpu(lanes_f x)
{
    const lanes_quarter q = lanes_fold(x);
    return (q[0] + q[2]) + (q[1] + q[3]);
}
#define lanes_sum(t, x)                ((void)(t), lanes_sum_cpu(x))
/* out[i] = sum of the lanes of the i-th vector. */
TEAM_FN void lanes_sum4_cpu(lanes_f a, lanes_f b, lanes_f c, lanes_f d, float *out)
{
    /* unpack within quarters: each step halves the number of vectors and of terms */
    const lanes_f ab =
        __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
        __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    const lanes_f cd =
        __builtin_shufflevector(c, d, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
        __builtin_shufflevector(c, d, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    const lanes_f abcd =
        __builtin_shufflevector(ab, cd, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
        __builtin_shufflevector(ab, cd, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    const lanes_quarter s = lanes_fold(abcd);
    out[0] = s[0], out[1] = s[1], out[2] = s[2], out[3] = s[3];
}
#define lanes_sum4(t, a, b, c, d, out) ((void)(t), lanes_sum4_cpu(a, b, c, d, out))

#endif
#endif
