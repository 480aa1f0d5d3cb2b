/*
 * cuda_launch.h - between the kernels as nvcc compiles them (team.h) and the CUDA runtime.
 */
#ifndef BACKEND_CUDA_LAUNCH_H
#define BACKEND_CUDA_LAUNCH_H
#include <stddef.h>

/* Launches rows cuda_launch_first .. n_rows - 1 of a kernel of team.h on the current device, in cuda_launch_stream, and returns
 * at once: 0, or a cudaError_t. args: the kernel's argument struct, its pointers valid on the device.  scratch: bytes a team;
 * large: the kernel for scratch in device memory, NULL where there is none; team_size: threads of a team, 32 or a whole block. */
int team_cuda_launch(const void *kernel, const void *large, const void *args, long n_rows, size_t scratch,
                     int team_size);

/* What a launcher's arguments have no place for; set before each launch by whoever holds the device (cuda.c), 0 and NULL
 * otherwise. */
extern long cuda_launch_first;
extern void *cuda_launch_stream; /* a cudaStream_t */

/* Bytes of shared memory a block may take; 0: what the device says.  Tests set it to force either kind of scratch. */
extern size_t cuda_shared_limit;

#endif
