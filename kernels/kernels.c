/* kernels.c - the descriptors of list.h. */
#include "kernels.h"

#ifdef RECFUSE_CUDA
#define KERNEL(name) const struct kernel kernel_##name = {#name, name##_cpu, name##_cuda};
#else
#define KERNEL(name) const struct kernel kernel_##name = {#name, name##_cpu, NULL};
#endif
#include "list.h"
#undef KERNEL

const struct kernel *const kernels_all[] = {
#define KERNEL(name) &kernel_##name,
#include "list.h"
#undef KERNEL
    NULL};
