/*
 * cuda.h - a CUDA device behind backend.h.  In programs built with CUDA (make CUDA=1).
 */
#ifndef BACKEND_CUDA_H
#define BACKEND_CUDA_H
#include "backend/backend.h"

/* The device's backend, or NULL and why there is none.  Environment: RECFUSE_CUDA_DEVICE, its number (default 0);
 * RECFUSE_CUDA_MEMORY, bytes of its memory to use at most, as 500M or 8G (default: all); RECFUSE_CUBLAS=none, multiply by kernels/gemm.cu. */
const struct backend *backend_cuda_open(int threads, const char **why);

/* What the launches so far did, for tests and benches. */
struct cuda_counts {
    unsigned long launches, in_ranges, on_cpu;
    double up, down; /* bytes copied to the device, and back */
};
extern struct cuda_counts cuda_counts;

/* Launches with more bytes of rows than this go in ranges that copy and compute at once; at most CUDA_STAGE.  Tests lower it. */
extern size_t cuda_range_bytes;

/* Is there cuBLAS?  Shall products go to it, where there is? */
bool cuda_has_blas(void);
void cuda_use_blas(bool use);

#endif
