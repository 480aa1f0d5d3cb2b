/* kernels.c - the descriptors of list.h. */
#include "kernels.h"

#ifdef RECFUSE_CUDA
#define KERNEL(name, args)                                                                                   \
    const struct kernel kernel_##name = {#name, name##_cpu, name##_cuda, args##_buffers};
#else
#define KERNEL(name, args) const struct kernel kernel_##name = {#name, name##_cpu, NULL, args##_buffers};
#endif
#include "list.h"
#undef KERNEL

const struct kernel *const kernels_all[] = {
#define KERNEL(name, args) &kernel_##name,
#include "list.h"
#undef KERNEL
    NULL};
