/*
 * cuda_blas.h - cuBLAS, where the machine has it.
 */
#ifndef BACKEND_CUDA_BLAS_H
#define BACKEND_CUDA_BLAS_H
#include <cuda_runtime_api.h>
#include <stdbool.h>

#include "gemm.h"

/* Loads it; false: not there (or RECFUSE_CUBLAS=none), and kernels/gemm.cu multiplies. */
bool cuda_blas_open(cudaStream_t stream);
/* The product on the device, in the stream: false when cuBLAS refuses. */
bool cuda_blas_gemm(const struct gemm *a);

#endif
