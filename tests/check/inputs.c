/*
 * inputs.c - what the cases are made of, for every harness that runs them: the checking build (check.c) and CUDA devices
 * (tests/cuda/device.c).  Arrays come from the harness's check_buffer().
 */
#include <string.h>

#include "check.h"
#include "philox.h"

float check_unit(uint32_t stream, uint64_t i)
{
    return philox_unit(philox4x32(4, stream, i).v[0]);
}
uint32_t check_whole(uint32_t stream, uint64_t i, uint32_t n)
{
    return philox4x32(5, stream, i).v[0] % n;
}

float *check_floats(const char *name, size_t n, uint32_t stream)
{
    float *x = check_buffer(name, n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = 2.0f * check_unit(stream, i) - 1.0f;
    return x;
}

void check_sparse(uint32_t stream, int n_rows, int n_cols, double density, int64_t **ptr, uint32_t **idx)
{
    int64_t n = 0;
    *ptr = check_buffer("ptr", (size_t)n_rows + 1, sizeof **ptr);
    for (int r = 0; r < n_rows; r++)
        for (int c = 0; c < n_cols; c++)
            n += r != 1 && check_unit(stream, (uint64_t)r * 4096 + (uint64_t)c) < density;
    *idx = check_buffer("idx", (size_t)n, sizeof **idx);
    n = 0;
    for (int r = 0; r < n_rows; r++) {
        for (int c = 0; c < n_cols; c++)
            if (r != 1 && check_unit(stream, (uint64_t)r * 4096 + (uint64_t)c) < density)
                (*idx)[n++] = (uint32_t)c;
        (*ptr)[r + 1] = n;
    }
}

const struct check_kernel *check_find(const char *name)
{
    static const struct check_kernel *const families[] = {
#define FAMILY(name) check_##name,
#include "families.h"
#undef FAMILY
    };
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const struct check_kernel *k = families[f]; k->name != NULL; k++)
            if (strcmp(k->name, name) == 0)
                return k;
    return NULL;
}
