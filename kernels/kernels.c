/* kernels.c - the descriptors of list.h. */
#include "kernels.h"

#define KERNEL(name) const struct kernel kernel_##name = {#name, name##_cpu};
#include "list.h"
#undef KERNEL

const struct kernel *const kernels_all[] = {
#define KERNEL(name) &kernel_##name,
#include "list.h"
#undef KERNEL
    NULL};
