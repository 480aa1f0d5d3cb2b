/* Every kernel, one line each: KERNEL(name).  See kernels.h. */
KERNEL(spmm_csr_dense)
KERNEL(spmm_csr_csr)
KERNEL(spmm_dense_csr)
KERNEL(spmm_normalize)
KERNEL(topk)
