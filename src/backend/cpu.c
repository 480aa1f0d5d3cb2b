/*
 * cpu.c - the CPU behind backend.h: kernels run as OpenMP loops over rows, products as OpenBLAS over fixed
 * tiles.
 *
 * Why tiles: sgemm of OpenBLAS on two threads gives other bits than on one.  So OpenBLAS is held to one
 * thread and a product is cut into tiles whose shape depends on m, n and k alone; OpenMP hands the tiles out.
 * Every element is then computed by the same call on the same operands whatever the number of threads.
 */
#include <cblas.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/log.h"
#ifdef RECFUSE_CUDA
#include "backend/cuda.h"
#endif

enum {
    THREADS_MAX = 1024,
    TILE_ROWS = 256, /* a tile of C at its largest; OpenBLAS packs its operands once a tile */
    TILE_COLS = 512,
    TILE_LEAST = 64,    /* no side is cut below */
    TILES_WANTED = 16,  /* cut further while there are fewer ... */
    TILE_WORK = 1 << 22 /* ... and a tile holds more multiplications than this (about 0.1 ms) */
};

/* OpenBLAS 0.3.21 knows a processor by its number: on one made after it (Emerald Rapids, say) it takes the kernels of a Pentium 4, four
 * times slower than AVX-512's.  It looks at OPENBLAS_CORETYPE when it is loaded, so the program starts once more with that. */
__attribute__((constructor)) static void choose_core(int argc, char **argv)
{
    (void)argc;
    if (getenv("OPENBLAS_CORETYPE") != NULL || strcmp(openblas_get_corename(), "Prescott") != 0)
        return;
#if defined(__x86_64__)
    const char *core = __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") ? "SkylakeX"
                       : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")        ? "Haswell"
                                                                                                : NULL;
    if (core != NULL && setenv("OPENBLAS_CORETYPE", core, 0) == 0)
        execv("/proc/self/exe", argv); /* where it fails, slowly on */
#endif
}

static enum status cpu_launch(const struct backend *b, const struct kernel *kernel, const void *args,
                              long n_rows, size_t scratch)
{
    if (!omp_in_parallel())
        omp_set_num_threads(b->threads);
    if (kernel->cpu(args, n_rows, scratch) != 0)
        return status_fail(STATUS_SYSTEM, "memory is out: kernel %s needs %zu bytes of scratch a thread",
                           kernel->name, scratch);
    return STATUS_OK;
}

/* Sides of the tiles of an m x n product over k: a function of the shape alone. */
static void tile_shape(size_t m, size_t n, size_t k, size_t *rows, size_t *cols)
{
    *rows = m < TILE_ROWS ? m : TILE_ROWS;
    *cols = n < TILE_COLS ? n : TILE_COLS;
    for (;;) {
        const size_t tiles = ((m + *rows - 1) / *rows) * ((n + *cols - 1) / *cols);
        size_t *longer = *cols >= *rows ? cols : rows;
        if (tiles >= TILES_WANTED || *rows * *cols * k <= TILE_WORK || *longer < 2 * TILE_LEAST)
            return;
        *longer = (*longer / 2 + 15) & ~(size_t)15;
    }
}

static enum status cpu_sgemm(const struct backend *b, bool transpose_a, bool transpose_b, size_t m, size_t n,
                             size_t k, float alpha, const float *A, size_t lda, const float *B, size_t ldb,
                             float beta, float *C, size_t ldc)
{
    if (m == 0 || n == 0)
        return STATUS_OK;
    if (lda > INT32_MAX || ldb > INT32_MAX || ldc > INT32_MAX || k > INT32_MAX)
        return status_fail(STATUS_SYSTEM,
                           "a matrix product of %zu x %zu over %zu is larger than BLAS can index", m, n, k);
    if (!omp_in_parallel())
        omp_set_num_threads(b->threads);
    size_t rows, cols;
    tile_shape(m, n, k, &rows, &cols);
    const long down = (long)((m + rows - 1) / rows), across = (long)((n + cols - 1) / cols);
    const enum CBLAS_TRANSPOSE ta = transpose_a ? CblasTrans : CblasNoTrans,
                               tb = transpose_b ? CblasTrans : CblasNoTrans;
#pragma omp parallel for schedule(dynamic, 1) if (down * across > 1 && !omp_in_parallel())
    for (long tile = 0; tile < down * across; tile++) {
        const size_t i = (size_t)(tile / across) * rows, j = (size_t)(tile % across) * cols;
        const size_t height = m - i < rows ? m - i : rows, width = n - j < cols ? n - j : cols;
        const float *a = transpose_a ? A + i : A + i * lda, *bb = transpose_b ? B + j * ldb : B + j;
        cblas_sgemm(CblasRowMajor, ta, tb, (int)height, (int)width, (int)k, alpha, a, (int)lda, bb, (int)ldb,
                    beta, C + i * ldc + j, (int)ldc);
    }
    return STATUS_OK;
}

enum status backend_open(const char *device, int threads, const struct backend **out)
{
    /* One entry a number of threads, so that a backend once handed out never changes. */
    static struct backend cpu[THREADS_MAX + 1], instead[THREADS_MAX + 1];
    const char *why = "this program was built without CUDA";
    const bool cuda = strcmp(device, "cuda") == 0, automatic = strcmp(device, "auto") == 0;
    if (!automatic && !cuda && strcmp(device, "cpu") != 0)
        return status_fail(STATUS_USAGE, "unknown device '%s': take auto, cpu or cuda", device);
    if (threads < 0 || threads > THREADS_MAX)
        return status_fail(STATUS_USAGE, "threads %d is out of range: take 1 to %d, or 0 for all cores",
                           threads, THREADS_MAX);
    if (threads == 0)
        threads = omp_get_num_procs();
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    openblas_set_num_threads(1);
    omp_set_num_threads(threads);
#ifdef RECFUSE_CUDA
    if (cuda || automatic)
        *out = backend_cuda_open(threads, &why);
    if ((cuda || automatic) && *out != NULL)
        return STATUS_OK;
#endif
    struct backend *b = cuda ? &instead[threads] : &cpu[threads];
    *b = (struct backend){.name = "cpu", .threads = threads, .launch = cpu_launch, .sgemm = cpu_sgemm};
    b->fallback = cuda ? why : NULL;
    if (cuda)
        log_warn("device cuda: %s; the CPU computes in its place", why);
    *out = b;
    return STATUS_OK;
}
