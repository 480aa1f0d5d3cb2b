/*
 * cuda_memory.h - a CUDA device's memory: blocks, and copies between host and device.
 *
 * Every function here is called by the thread that holds the device (cuda.c); none is safe from two at once.
 */
#ifndef BACKEND_CUDA_MEMORY_H
#define BACKEND_CUDA_MEMORY_H
#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>

#include "buffers.h"

enum {
    CUDA_LANES = 2,       /* one copies while the other computes */
    CUDA_STAGE = 4 << 20, /* bytes of pinned memory a lane has for each direction */
    CUDA_PIECES = BUFFERS_MOST
};

/* A stream with its pinned memory: the host fills or empties one part while the device copies another. */
struct cuda_lane {
    cudaStream_t stream;
    char *up, *down;        /* [CUDA_STAGE] pinned */
    cudaEvent_t up_free[2]; /* nothing copies from that half of `up` any more */
    int half;               /* of `up`, used next */
    size_t down_used;
    int n_pieces;
    struct {
        void *host;
        size_t at, bytes;
    } piece[CUDA_PIECES]; /* what lies in `down` for the host */
};
extern struct cuda_lane cuda_lanes[CUDA_LANES];

/* Takes device number `device` into use, with at most `limit` bytes of blocks (0: what the device has).  cudaSuccess, or why
 * not. */
cudaError_t cuda_memory_open(int device, size_t limit);

/* A block of device memory, of exactly so many bytes (more than 0), or NULL: no room.  Given back, it may be handed out again at
 * once: work on it is ordered by lane 0, or was waited for. */
char *cuda_take(size_t bytes);
void cuda_give(char *block); /* takes NULL */
/* Blocks given back return to the device. */
void cuda_trim(void);
/* Bytes in blocks that are handed out. */
size_t cuda_taken(void);

/* Host to device, in lane order; the host's bytes are read before it returns. */
cudaError_t cuda_up(struct cuda_lane *lane, char *device, const char *host, size_t bytes);
/* Device to host; waits until they are there. */
cudaError_t cuda_down(struct cuda_lane *lane, char *host, const char *device, size_t bytes);
/* Starts it; together at most CUDA_STAGE bytes and CUDA_PIECES calls until cuda_down_finish() puts them in place. */
cudaError_t cuda_down_later(struct cuda_lane *lane, char *host, const char *device, size_t bytes);
cudaError_t cuda_down_finish(struct cuda_lane *lane);
cudaError_t cuda_wait(void); /* for all lanes */

/* true: blocks given back return to the device at once, so that an emulator sees every access to one. Set by tests. */
extern bool cuda_memory_strict;

#endif
