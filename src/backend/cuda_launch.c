/*
 * cuda_launch.c - puts a kernel of team.h on a CUDA device: how many teams a block, where their scratch is.
 *
 * A team is a warp, or a block where team_size says so.  A block has up to four warps as teams, fewer when their scratch would not fit its shared memory.  Scratch of one team
 * that exceeds a block's shared memory (a Cholesky factor of rank 256, a row of similarities to 20,000 items) lies in device
 * memory instead, one arena a running team; the kernel is then the one compiled for that (TEAM_KERNEL_LARGE).  Each team
 * computes rows in steps of the number of teams, so results do not depend on either choice.
 */
#include <cuda_runtime_api.h>

#include "backend/cuda_launch.h"

enum {
    WARP = 32,
    TEAMS_MOST = 4,            /* a block: TEAM_BLOCK of team.h */
    BLOCK_COLLECTIVES = 1024,  /* bytes of shared memory that collectives of a block take, and more */
    BLOCKS_A_PROCESSOR = 16,   /* enough to fill a multiprocessor of any occupancy */
    SHARED_WITHOUT_ASKING = 48 /* KiB; more has to be asked for, kernel by kernel */
};
#define ARENAS_MOST ((size_t)1 << 30) /* bytes of scratch in device memory; fewer teams run at once beyond */

size_t cuda_shared_limit;
long cuda_launch_first;
void *cuda_launch_stream;

static size_t shared_memory(int device)
{
    int bytes = 0;
    if (cuda_shared_limit > 0)
        return cuda_shared_limit;
    if (cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) != cudaSuccess)
        return (size_t)SHARED_WITHOUT_ASKING << 10;
    return (size_t)bytes;
}

int team_cuda_launch(const void *kernel, const void *large, const void *args, long n_rows, size_t scratch,
                     int team_size)
{
    int device = 0, processors = 1;
    char *arena = NULL;
    size_t teams = team_size > WARP ? 1 : TEAMS_MOST, shared;
    long first = cuda_launch_first;
    cudaStream_t stream = cuda_launch_stream;

    if (n_rows <= first)
        return 0;
    if (cudaGetDevice(&device) != cudaSuccess ||
        cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device) != cudaSuccess)
        return (int)cudaGetLastError();
    scratch = (scratch + 15) & ~(size_t)15;
    const size_t limit = shared_memory(device), own = team_size > WARP ? BLOCK_COLLECTIVES : 0;
    while (teams > 1 && teams * scratch > limit)
        teams /= 2;
    shared = teams * scratch;
    size_t blocks = ((size_t)(n_rows - first) + teams - 1) / teams;
    const size_t most = (size_t)processors * BLOCKS_A_PROCESSOR;
    if (blocks > most)
        blocks = most;
    if (shared + own > limit) {
        if (large == NULL)
            return (int)cudaErrorInvalidConfiguration;
        while (blocks > 1 && blocks * teams * scratch > ARENAS_MOST)
            blocks = (blocks + 1) / 2;
        kernel = large, shared = 0;
        if (cudaMallocAsync((void **)&arena, blocks * teams * scratch, stream) != cudaSuccess)
            return (int)cudaGetLastError();
    } else if (shared + own > (size_t)SHARED_WITHOUT_ASKING << 10 &&
               cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared) !=
                   cudaSuccess) {
        return (int)cudaGetLastError();
    }
    void *parameters[] = {(void *)args, &first, &n_rows, &scratch, &arena};
    const dim3 grid = {(unsigned)blocks, 1, 1}, block = {(unsigned)(teams * (size_t)team_size), 1, 1};
    const cudaError_t launched = cudaLaunchKernel(kernel, grid, block, parameters, shared, stream);
    if (arena != NULL && cudaFreeAsync(arena, stream) != cudaSuccess)
        return (int)cudaGetLastError();
    return (int)launched;
}
