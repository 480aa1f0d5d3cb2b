/* factor_rows.c - see factor_rows.h. */
#include "models/factor_rows.h"

#include "backend/backend.h"

void factor_rows_start(float *x, size_t ld, uint32_t n_rows, const struct csr *some, uint32_t factors,
                       double mean, double std, uint64_t seed, uint32_t stream)
{
#pragma omp parallel for schedule(static)
    for (uint32_t r = 0; r < n_rows; r++)
        for (uint32_t k = 0; k < factors && (some == NULL || some->ptr[r] < some->ptr[r + 1]); k++)
            x[r * ld + k] =
                (float)(mean + std * random_normal(seed, RANDOM_INIT, stream, (uint64_t)r * factors + k));
}

bool factor_rows_finite(const float *x, size_t n)
{
    float sum = 0.0f; /* 0 unless one is infinite or no number */
    for (size_t i = 0; i < n; i++)
        sum += 0.0f * x[i];
    return sum == 0.0f;
}
