/*
 * cuda_blas.c - cuBLAS by dlopen: it weighs half a gigabyte, and a program that links it does not start where it is missing.
 *
 * The major version must be that of the CUDA runtime in the program.  Its default arithmetic for sgemm is float (no TF32), and
 * with one stream the same call gives the same bits.
 */
#include "backend/cuda_blas.h"

#include <cublas_v2.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __typeof__(&cublasCreate_v2) create;
static __typeof__(&cublasSetStream_v2) set_stream;
static __typeof__(&cublasSgemm_v2) sgemm;
static cublasHandle_t handle;

static bool find(void *library, const char *name, void *out)
{
    void *p = dlsym(library, name);
    memcpy(out, &p, sizeof p);
    return p != NULL;
}

bool cuda_blas_open(cudaStream_t stream)
{
    const char *wanted = getenv("RECFUSE_CUBLAS");
    char names[2][64];
    void *library = NULL;
    if (handle != NULL)
        return true;
    if (wanted != NULL && strcmp(wanted, "none") == 0)
        return false;
    snprintf(names[0], sizeof names[0], "libcublas.so.%d", CUDART_VERSION / 1000);
    snprintf(names[1], sizeof names[1], "/usr/local/cuda/lib64/libcublas.so.%d", CUDART_VERSION / 1000);
    for (int i = 0; i < 2 && library == NULL; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL || !find(library, "cublasCreate_v2", &create) ||
        !find(library, "cublasSetStream_v2", &set_stream) || !find(library, "cublasSgemm_v2", &sgemm))
        return false;
    if (create(&handle) != CUBLAS_STATUS_SUCCESS || set_stream(handle, stream) != CUBLAS_STATUS_SUCCESS)
        handle = NULL;
    return handle != NULL;
}

/* cuBLAS has columns where we have rows: C' = op(B)' op(A)'. */
bool cuda_blas_gemm(const struct gemm *a)
{
    if (handle == NULL || a->m > INT_MAX || a->n > INT_MAX || a->k > INT_MAX || a->lda > INT_MAX ||
        a->ldb > INT_MAX || a->ldc > INT_MAX)
        return false;
    return sgemm(handle, a->transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                 a->transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, (int)a->n, (int)a->m, (int)a->k, &a->alpha, a->B,
                 (int)a->ldb, a->A, (int)a->lda, &a->beta, a->C, (int)a->ldc) == CUBLAS_STATUS_SUCCESS;
}
