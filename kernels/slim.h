/*
 * slim.h - arguments of slim_column: an elastic net by coordinate descent on the Gram matrix.
 *
 * Column j of W minimises, with w_j = 0 and, where `positive`, w >= 0,
 *     (w' G w) / 2 - G_j' w + l1 |w|_1 + (l2 / 2) |w|^2
 * which is |x_j - X w|^2 / 2 + ... for G = X'X.
 */
#ifndef KERNELS_SLIM_H
#define KERNELS_SLIM_H
#include <stddef.h>
#include <stdint.h>

struct slim {
    const float *gram;     /* [n x ld] symmetric, both triangles */
    size_t ld;             /* >= n */
    const float *diagonal; /* [n] of gram, side by side: each coordinate looks at its own */
    uint32_t n;
    uint32_t first; /* launch row r computes column first + r of W */
    float l1, l2;   /* >= 0 */
    int positive;
    int sweeps;      /* at most */
    float tolerance; /* ends when no coordinate of a sweep moved by more than this share of the largest |w| */
    float *residual; /* [rows launched x ld] scratch: G_j - G w */
    float *weight;   /* [rows launched x ld] w */
    int *swept;      /* [rows launched] sweeps made; sweeps + 1: not converged */
};

#endif
