/* linear_map.c - see linear_map.h. */
#include "fusion/linear_map.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

#include "base/csr.h"

/* Rows of A [n x lda], k columns: sqrt(weight) (a - mean) into out [n x k]; mean [k] with the weights, or 0. */
static void center_rows(const float *A, size_t lda, uint32_t n, uint32_t k, const float *weight, bool to_mean,
                        float *out, double *mean)
{
    double all = 0;
    memset(mean, 0, k * sizeof *mean);
    for (uint32_t i = 0; i < n; i++) {
        const double w = weight == NULL ? 1 : (double)weight[i];
        all += w;
        for (uint32_t c = 0; c < k; c++)
            mean[c] += w * (double)A[i * lda + c];
    }
    for (uint32_t c = 0; c < k; c++)
        mean[c] = to_mean && all > 0 ? mean[c] / all : 0;
    for (uint32_t i = 0; i < n; i++) {
        const double root = weight == NULL ? 1 : sqrt((double)weight[i]);
        for (uint32_t c = 0; c < k; c++)
            out[(size_t)i * k + c] = (float)(root * ((double)A[i * lda + c] - mean[c]));
    }
}

/* Solves (x'x + ridge) W = R for x [n x d]; R [d x k] becomes W. */
static enum status solve(const struct backend *b, const char *model, const float *x, uint32_t n, uint32_t d,
                         double ridge, struct arena *scratch, float *R, uint32_t k)
{
    float *G = NULL;
    ARENA_NEW(G, scratch, (size_t)d * d);
    TRY(backend_sgemm(b, true, false, d, d, n, 1, x, d, x, d, 0, G, d));
    gsl_matrix *A = gsl_matrix_alloc(d, d), *B = gsl_matrix_alloc(d, k);
    enum status status = STATUS_OK;
    if (A == NULL || B == NULL) {
        status = status_fail(STATUS_SYSTEM, "out of memory for a linear map of %u x %u numbers", d, k);
        goto done;
    }
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < d; j++)
            gsl_matrix_set(A, i, j,
                           0.5 * ((double)G[i * d + j] + (double)G[j * d + i]) + (i == j ? ridge : 0));
    for (size_t e = 0; e < (size_t)d * k; e++)
        B->data[e] = (double)R[e];
    gsl_error_handler_t *old = gsl_set_error_handler_off();
    const bool failed = gsl_linalg_cholesky_decomp1(A) != 0;
    gsl_set_error_handler(old);
    if (failed) {
        status = status_fail(STATUS_USAGE,
                             "%s: the items' vectors depend on each other and regularization is %g: raise it",
                             model, ridge);
        goto done;
    }
    gsl_blas_dtrsm(CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, 1, A, B);
    gsl_blas_dtrsm(CblasLeft, CblasLower, CblasTrans, CblasNonUnit, 1, A, B);
    for (size_t e = 0; e < (size_t)d * k; e++)
        R[e] = (float)B->data[e];
done:
    gsl_matrix_free(A);
    gsl_matrix_free(B);
    return status;
}

enum status linear_map_fit(const struct backend *b, const char *model, const float *X, uint32_t n, uint32_t d,
                           const float *Y, size_t ldy, uint32_t k, const float *weight, double regularization,
                           bool intercept, struct arena *arena, struct arena *scratch, struct linear_map *out)
{
    float *x = NULL, *y = NULL;
    double *x_mean = NULL, *y_mean = NULL;
    *out = (struct linear_map){.d = d, .k = k};
    ARENA_NEW(out->W, arena, (size_t)d * k);
    ARENA_NEW(out->b, arena, k);
    ARENA_NEW(x, scratch, (size_t)n * d);
    ARENA_NEW(y, scratch, (size_t)n * k);
    ARENA_NEW(x_mean, scratch, d);
    ARENA_NEW(y_mean, scratch, k);
    center_rows(X, d, n, d, weight, intercept, x, x_mean);
    center_rows(Y, ldy, n, k, weight, intercept, y, y_mean);
    if (d > 0) {
        TRY(backend_sgemm(b, true, false, d, k, n, 1, x, d, y, k, 0, out->W, k));
        TRY(solve(b, model, x, n, d, regularization, scratch, out->W, k));
    }
    for (uint32_t c = 0; c < k; c++) {
        double shift = y_mean[c];
        for (uint32_t j = 0; j < d; j++)
            shift -= x_mean[j] * (double)out->W[(size_t)j * k + c];
        out->b[c] = (float)shift;
    }
    return STATUS_OK;
}

enum status linear_map_apply(const struct backend *b, const struct linear_map *map, const float *X,
                             uint32_t n, float *out, size_t ldo)
{
    for (uint32_t i = 0; i < n; i++)
        memcpy(out + i * ldo, map->b, map->k * sizeof *out);
    if (map->d == 0)
        return STATUS_OK;
    return backend_sgemm(b, false, false, n, map->k, map->d, 1, X, map->d, map->W, map->k, 1, out, ldo);
}

enum status linear_map_inverse(const struct backend *b, const char *model, const float *X, uint32_t n,
                               uint32_t d, const float *weight, double regularization, struct arena *arena,
                               struct arena *scratch, float **out)
{
    float *x = NULL;
    ARENA_NEW(*out, arena, (size_t)d * d);
    ARENA_NEW(x, scratch, (size_t)n * d);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < d; k++)
            x[(size_t)i * d + k] = sqrtf(weight == NULL ? 1 : weight[i]) * X[(size_t)i * d + k];
    for (uint32_t k = 0; k < d; k++)
        (*out)[(size_t)k * d + k] = 1;
    return solve(b, model, x, n, d, regularization, scratch, *out, d);
}

enum status linear_map_warm(const struct csr *by_item, struct arena *arena, float **weight)
{
    ARENA_NEW(*weight, arena, by_item->n_rows);
    for (uint32_t i = 0; i < by_item->n_rows; i++)
        (*weight)[i] = by_item->ptr[i + 1] > by_item->ptr[i] ? 1.0F : 0.0F;
    return STATUS_OK;
}
