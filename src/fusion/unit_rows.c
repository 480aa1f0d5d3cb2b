/* unit_rows.c - see unit_rows.h. */
#include "fusion/unit_rows.h"

#include <math.h>

void unit_rows(float *x, size_t rows, size_t k, float *norm)
{
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t c = 0; c < k; c++)
            sum += (double)x[r * k + c] * (double)x[r * k + c];
        norm[r] = (float)sqrt(sum);
        for (size_t c = 0; c < k; c++)
            x[r * k + c] = sum > 0 ? (float)((double)x[r * k + c] / sqrt(sum)) : 0;
    }
}

void unit_rows_backward(const float *x, const float *norm, size_t rows, size_t k, float *of)
{
#pragma omp parallel for schedule(static)
    for (size_t r = 0; r < rows; r++) {
        float *g = of + r * k;
        const float *f = x + r * k;
        double dot = 0;
        for (size_t c = 0; c < k; c++)
            dot += (double)g[c] * (double)f[c];
        for (size_t c = 0; c < k; c++)
            g[c] = norm[r] > 0 ? (float)(((double)g[c] - dot * (double)f[c]) / (double)norm[r]) : 0;
    }
}
