/*
 * kernels.h - the only door to the kernels.
 *
 * A kernel is a row function over a team (team.h), in a .cu file that gcc compiles as C (and nvcc, and the
 * checking build).  kernels/list.h names every kernel once; each name has a descriptor kernel_NAME.  Hosts
 * launch through backend_launch() with a pointer to the kernel's argument struct, which stands in a header
 * beside the .cu file (als.h, topk.h, ...) that C and CUDA both take.
 */
#ifndef KERNELS_H
#define KERNELS_H
#include <stddef.h>

#include "buffers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Computes rows 0 .. n_rows - 1; `scratch` bytes of shared memory a team.  0, or nonzero when memory is out.
 */
typedef int kernel_launcher(const void *args, long n_rows, size_t scratch);

typedef void kernel_declaration(const void *args, long n_rows, struct kernel_buffers *out);

struct kernel {
    const char *name;
    kernel_launcher *cpu;
    /* NULL in a build without CUDA.  The pointers in args are the device's; returns a cudaError_t, and before the kernel
     * has ended. */
    kernel_launcher *cuda;
    /* What `args`, in host memory, points to, for a launch of n_rows. */
    kernel_declaration *buffers;
};

#define KERNEL(name, args)                                                                                   \
    kernel_launcher name##_cpu, name##_cuda;                                                                 \
    kernel_declaration args##_buffers;                                                                       \
    extern const struct kernel kernel_##name;
#include "list.h"
#undef KERNEL

/* All of them, NULL-ended. */
extern const struct kernel *const kernels_all[];

#ifdef __cplusplus
}
#endif

#endif
