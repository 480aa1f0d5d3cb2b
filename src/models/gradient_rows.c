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
