/* gradient_rows.c - see gradient_rows.h. */
#include "models/gradient_rows.h"

#include "mf.h"

size_t gradient_rank(int columns)
{
    return columns <= 32    ? 32
           : columns <= 64  ? 64
           : columns <= 128 ? 128
                            : ((size_t)columns + MF_PAD - 1) / MF_PAD * MF_PAD;
}

const struct kernel *gradient_kernel(size_t rank)
{
    return rank == 32    ? &kernel_mf_rows_32
           : rank == 64  ? &kernel_mf_rows_64
           : rank == 128 ? &kernel_mf_rows_128
                         : &kernel_mf_rows_any;
}

bool gradient_finite(const float *x, size_t n)
{
    float sum = 0.0f; /* 0 unless one is infinite or no number */
    for (size_t i = 0; i < n; i++)
        sum += 0.0f * x[i];
    return sum == 0.0f;
}
