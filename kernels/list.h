/* Every kernel, one line each: KERNEL(name).  See kernels.h. */
