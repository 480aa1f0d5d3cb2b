/*
 * backend.h - the machine under the models: threads, BLAS, kernel launches, random numbers.
 *
 * Results never depend on the number of threads: kernels write only their own rows; a product is cut into
 * fixed tiles, each computed by one-threaded BLAS (measured: sgemm of OpenBLAS on 2 threads gives other bits
 * than on 1).
 */
#ifndef BACKEND_H
#define BACKEND_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "kernels.h"

struct backend {
    const char *name; /* "cpu" */
    int threads;
    enum status (*launch)(const struct backend *b, const struct kernel *kernel, const void *args, long n_rows,
                          size_t scratch);
    enum status (*sgemm)(const struct backend *b, bool transpose_a, bool transpose_b, size_t m, size_t n,
                         size_t k, float alpha, const float *A, size_t lda, const float *B, size_t ldb,
                         float beta, float *C, size_t ldc);
};

/* device "auto" or "cpu"; "cuda" is STATUS_USAGE with what to do where this build has none.  threads 0: all
 * cores. Also sets the number of OpenMP threads of the calling thread and OpenBLAS to one thread. */
enum status backend_open(const char *device, int threads, const struct backend **out);

static inline enum status backend_launch(const struct backend *b, const struct kernel *kernel,
                                         const void *args, long n_rows, size_t scratch)
{
    return b->launch(b, kernel, args, n_rows, scratch);
}

/* C [m x n] = alpha op(A) op(B) + beta C, row-major; op(A) is [m x k], op(B) [k x n].  Leading dimensions in
 * elements. Same bits for any number of threads.  Called from inside a parallel region it runs on the calling
 * thread. */
static inline enum status backend_sgemm(const struct backend *b, bool transpose_a, bool transpose_b, size_t m,
                                        size_t n, size_t k, float alpha, const float *A, size_t lda,
                                        const float *B, size_t ldb, float beta, float *C, size_t ldc)
{
    return b->sgemm(b, transpose_a, transpose_b, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc);
}

/* Random numbers are named by what they are for: Philox4x32-10, key = seed, counter = {index, purpose}.  Each draw is a
 * function of (seed, purpose, index): no state, the same in any thread.  One line a use; never renumber: results change. */
enum random_purpose {
    RANDOM_TIES = 1,
    RANDOM_SPLIT = 2,
    RANDOM_MODEL = 3, /* the random recommender's scores */
    RANDOM_INIT = 4,  /* factors, weights */
    RANDOM_ORDER = 5, /* the order of samples in an epoch */
    RANDOM_NEGATIVES = 6,
    RANDOM_VALIDATION = 7,
    RANDOM_SYNTH = 8, /* the generator takes 8 .. 31 */
    RANDOM_SHUFFLED_TEXT = 32
};
/* epoch: sub-stream (0 where there is none). */
uint32_t random_u32(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint64_t index);
/* In (0, 1), 52 bits. */
double random_unit(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint64_t index);
/* Standard normal (Box and Muller 1958). */
double random_normal(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint64_t index);
/* A permutation of 0 .. n - 1 (Fisher and Yates). */
void random_permutation(uint64_t seed, enum random_purpose purpose, uint32_t epoch, uint32_t n,
                        uint32_t *out);

#endif
