/*
 * reduce.c - truncated singular value decomposition, made of products and of one small symmetric
 * eigenproblem (gsl_eigen_symmv), so that it needs no LAPACK and gives the same bits for any number of
 * threads.
 *
 * Dense: X'X = V diag(s^2) V', out = X V.  Sparse: subspace iteration (Rutishauser 1969; Halko,
 * Martinsson, Tropp 2011, section 4.5) on X'X from a Gaussian start with OVERSAMPLING more columns than
 * asked, then the same small problem.  Of a TF-IDF matrix that is latent semantic analysis (Deerwester
 * et al. 1990).
 * Limits: Gram matrices in single precision lose singular values below about 1e-3 of the
 * largest; such directions come out as zero columns.
 */
#include "models/reduce.h"

#include <gsl/gsl_eigen.h>
#include <math.h>

#include "spmm.h"

enum { OVERSAMPLING = 16 };
static const double RANK_LIMIT = 1e-6; /* of the largest eigenvalue */

/* Eigenvectors of the symmetric G [l x l] into the columns of V [l x l] by falling eigenvalue, signed. */
static enum status eigen(const float *G, size_t l, double *value, float *V)
{
    gsl_matrix *g = gsl_matrix_alloc(l, l), *vectors = gsl_matrix_alloc(l, l);
    gsl_vector *values = gsl_vector_alloc(l);
    gsl_eigen_symmv_workspace *work = gsl_eigen_symmv_alloc(l);
    enum status status = STATUS_OK;
    if (g == NULL || vectors == NULL || values == NULL || work == NULL) {
        status = status_fail(STATUS_SYSTEM, "out of memory for the eigenvectors of %zu columns", l);
        goto done;
    }
    for (size_t i = 0; i < l; i++)
        for (size_t j = 0; j < l; j++)
            gsl_matrix_set(g, i, j, 0.5 * ((double)G[i * l + j] + (double)G[j * l + i]));
    gsl_eigen_symmv(g, values, vectors, work);
    gsl_eigen_symmv_sort(values, vectors, GSL_EIGEN_SORT_VAL_DESC);
    for (size_t j = 0; j < l; j++) {
        double largest = 0;
        for (size_t i = 0; i < l; i++)
            if (fabs(gsl_matrix_get(vectors, i, j)) > fabs(largest))
                largest = gsl_matrix_get(vectors, i, j);
        value[j] = gsl_vector_get(values, j);
        for (size_t i = 0; i < l; i++)
            V[i * l + j] =
                (float)(largest < 0 ? -gsl_matrix_get(vectors, i, j) : gsl_matrix_get(vectors, i, j));
    }
done:
    gsl_eigen_symmv_free(work);
    gsl_vector_free(values);
    gsl_matrix_free(vectors);
    gsl_matrix_free(g);
    return status;
}

/* Right singular vectors of X [n x l] into V; columns past the rank are zeroed, the others scaled by 1 /
 * singular value when `whiten` (then X V is orthonormal). */
static enum status right_vectors(const struct backend *b, const float *X, size_t n, size_t l, bool whiten,
                                 struct arena *scratch, float *V)
{
    float *G = NULL;
    double *value = NULL;
    ARENA_NEW(G, scratch, l * l);
    ARENA_NEW(value, scratch, l);
    TRY(backend_sgemm(b, true, false, l, l, n, 1, X, l, X, l, 0, G, l));
    TRY(eigen(G, l, value, V));
    for (size_t j = 0; j < l; j++) {
        const bool kept = value[j] > RANK_LIMIT * value[0] && value[j] > 0;
        const float scale = !kept ? 0.0F : whiten ? (float)(1 / sqrt(value[j])) : 1.0F;
        for (size_t i = 0; i < l; i++)
            V[i * l + j] *= scale;
    }
    return STATUS_OK;
}

static enum status reduce(const struct backend *b, const float *X, uint32_t n, uint32_t d,
                          uint32_t dimensions, bool whiten, float scale, struct arena *scratch, float *out,
                          float *vectors)
{
    float *V = NULL;
    const uint32_t kept = dimensions < d ? dimensions : d;
    ARENA_NEW(V, scratch, (size_t)d * d);
    TRY(right_vectors(b, X, n, d, whiten, scratch, V));
    for (size_t i = 0; i < (size_t)n * dimensions; i++)
        out[i] = 0;
    for (size_t i = 0; vectors != NULL && i < (size_t)d * dimensions; i++)
        vectors[i] = i % dimensions < kept ? scale * V[i / dimensions * d + i % dimensions] : 0;
    return backend_sgemm(b, false, false, n, kept, d, scale, X, d, V, d, 0, out, dimensions);
}

enum status reduce_dense(const struct backend *b, const float *X, uint32_t n, uint32_t d, uint32_t dimensions,
                         struct arena *scratch, float *out, float *vectors)
{
    return reduce(b, X, n, d, dimensions, false, 1.0F, scratch, out, vectors);
}

enum status reduce_whiten(const struct backend *b, const float *X, uint32_t n, uint32_t d,
                          uint32_t dimensions, uint32_t rows, struct arena *scratch, float *out,
                          float *vectors)
{
    return reduce(b, X, n, d, dimensions, true, sqrtf((float)rows), scratch, out, vectors);
}

static enum status sparse_times(const struct backend *b, const struct csr *A, const float *B, size_t l,
                                float *out)
{
    const struct spmm_csr_dense args = {A->ptr, A->idx, A->val, NULL, B, out, l, l, (int)l};
    return backend_launch(b, &kernel_spmm_csr_dense, &args, (long)A->n_rows, 0);
}

enum status reduce_sparse(const struct backend *b, const struct csr *X, uint32_t dimensions, int iterations,
                          uint64_t seed, struct arena *scratch, float *out, float *vectors)
{
    const size_t n = X->n_rows, m = X->n_cols, least = n < m ? n : m,
                 l = dimensions + OVERSAMPLING < least ? dimensions + OVERSAMPLING : least;
    struct csr T;
    float *Q = NULL, *Y = NULL, *Z = NULL, *V = NULL;
    for (size_t i = 0; i < n * dimensions; i++)
        out[i] = 0;
    for (size_t i = 0; vectors != NULL && i < m * dimensions; i++)
        vectors[i] = 0;
    if (l == 0 || X->nnz == 0)
        return STATUS_OK;
    TRY(csr_transpose(X, scratch, &T));
    ARENA_NEW(Q, scratch, m * l);
    ARENA_NEW(Y, scratch, n * l);
    ARENA_NEW(Z, scratch, m * l);
    ARENA_NEW(V, scratch, l * l);
    for (size_t i = 0; i < m * l; i++)
        Q[i] = (float)random_normal(seed, RANDOM_INIT, 0, i);
    for (int iteration = 0; iteration < iterations; iteration++) {
        TRY(sparse_times(b, X, Q, l, Y));
        TRY(sparse_times(b, &T, Y, l, Z));
        TRY(right_vectors(b, Z, m, l, true, scratch, V));
        TRY(backend_sgemm(b, false, false, m, l, l, 1, Z, l, V, l, 0, Q, l));
    }
    TRY(sparse_times(b, X, Q, l, Y));
    TRY(right_vectors(b, Y, n, l, false, scratch, V));
    const size_t kept = dimensions < l ? dimensions : l;
    if (vectors != NULL)
        TRY(backend_sgemm(b, false, false, m, kept, l, 1, Q, l, V, l, 0, vectors, dimensions));
    return backend_sgemm(b, false, false, n, kept, l, 1, Y, l, V, l, 0, out, dimensions);
}
