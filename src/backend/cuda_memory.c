/*
 * cuda_memory.c - blocks of device memory, and copies through pinned memory.
 *
 * Blocks: cudaMalloc costs some 100 us and waits for the device, and launches ask for the same sizes again and again, so blocks
 * given back are kept and handed out for the same size; when the device has no room they go first.
 *
 * Copies: the device reads and writes pinned memory at the bus's speed without the host; what programs have is pageable.  So a
 * copy goes through a lane's pinned buffer in pieces: while the device moves one, the host fills or empties the other.
 */
#include "backend/cuda_memory.h"

#include <stdlib.h>
#include <string.h>

enum { SPARE_MOST = 64, HALF = CUDA_STAGE / 2 };

struct cuda_lane cuda_lanes[CUDA_LANES];
bool cuda_memory_strict;

static struct block {
    char *data;
    size_t bytes;
    bool spare; /* given back */
} * blocks;
static int n_blocks, room_for_blocks;
static size_t limit, taken, held; /* bytes: at most; handed out; from the device */

static void drop(int i)
{
    cudaFree(blocks[i].data);
    held -= blocks[i].bytes;
    blocks[i] = blocks[--n_blocks];
}

void cuda_trim(void)
{
    for (int i = n_blocks; i-- > 0;)
        if (blocks[i].spare)
            drop(i);
}

static char *from_device(size_t bytes)
{
    void *p = NULL;
    if (limit > 0 && held + bytes > limit)
        return NULL;
    if (cudaMalloc(&p, bytes) != cudaSuccess) {
        cudaGetLastError(); /* no room is no lasting error */
        return NULL;
    }
    return p;
}

char *cuda_take(size_t bytes)
{
    for (int i = 0; i < n_blocks; i++)
        if (blocks[i].spare && blocks[i].bytes == bytes) {
            blocks[i].spare = false;
            taken += bytes;
            return blocks[i].data;
        }
    if (n_blocks == room_for_blocks) {
        const int more = room_for_blocks > 0 ? 2 * room_for_blocks : 64;
        struct block *grown = realloc(blocks, (size_t)more * sizeof *blocks);
        if (grown == NULL)
            return NULL;
        blocks = grown, room_for_blocks = more;
    }
    char *p = from_device(bytes);
    if (p == NULL) {
        cuda_trim();
        p = from_device(bytes);
    }
    if (p == NULL)
        return NULL;
    blocks[n_blocks++] = (struct block){p, bytes, false};
    taken += bytes, held += bytes;
    return p;
}

void cuda_give(char *block)
{
    int spare = 0, at = -1;
    if (block == NULL)
        return;
    for (int i = 0; i < n_blocks; i++) {
        spare += blocks[i].spare;
        at = blocks[i].data == block ? i : at;
    }
    taken -= blocks[at].bytes;
    blocks[at].spare = true;
    if (cuda_memory_strict)
        drop(at);
    else if (spare >= SPARE_MOST)
        cuda_trim();
}

size_t cuda_taken(void)
{
    return taken;
}

/* Pinned where the system gives it; pageable memory works as well, more slowly. */
static char *pinned(size_t bytes)
{
    void *p = NULL;
    if (cudaMallocHost(&p, bytes) == cudaSuccess)
        return p;
    cudaGetLastError();
    return malloc(bytes);
}

cudaError_t cuda_memory_open(int device, size_t limit_bytes)
{
    cudaError_t e = cudaSetDevice(device);
    limit = limit_bytes;
    for (int l = 0; l < CUDA_LANES && e == cudaSuccess; l++) {
        struct cuda_lane *lane = &cuda_lanes[l];
        if (lane->stream == NULL)
            e = cudaStreamCreateWithFlags(&lane->stream, cudaStreamNonBlocking);
        for (int h = 0; h < 2 && e == cudaSuccess; h++)
            if (lane->up_free[h] == NULL)
                e = cudaEventCreateWithFlags(&lane->up_free[h], cudaEventDisableTiming);
        if (lane->up == NULL)
            lane->up = pinned(CUDA_STAGE);
        if (lane->down == NULL)
            lane->down = pinned(CUDA_STAGE);
        if (e == cudaSuccess && (lane->up == NULL || lane->down == NULL))
            e = cudaErrorMemoryAllocation;
    }
    if (e != cudaSuccess)
        return e;
    char *block = cuda_take(4096);
    if (block == NULL)
        return cudaErrorMemoryAllocation;
    cuda_give(block);
    return cudaSuccess;
}

cudaError_t cuda_up(struct cuda_lane *lane, char *device, const char *host, size_t bytes)
{
    cudaError_t e = cudaSuccess;
    for (size_t at = 0; at < bytes && e == cudaSuccess; at += HALF) {
        const size_t n = bytes - at < HALF ? bytes - at : HALF;
        char *stage = lane->up + (size_t)lane->half * HALF;
        e = cudaEventSynchronize(lane->up_free[lane->half]);
        if (e != cudaSuccess)
            break;
        memcpy(stage, host + at, n);
        e = cudaMemcpyAsync(device + at, stage, n, cudaMemcpyHostToDevice, lane->stream);
        if (e == cudaSuccess)
            e = cudaEventRecord(lane->up_free[lane->half], lane->stream);
        lane->half ^= 1;
    }
    return e;
}

cudaError_t cuda_down_later(struct cuda_lane *lane, char *host, const char *device, size_t bytes)
{
    const cudaError_t e =
        cudaMemcpyAsync(lane->down + lane->down_used, device, bytes, cudaMemcpyDeviceToHost, lane->stream);
    lane->piece[lane->n_pieces].host = host;
    lane->piece[lane->n_pieces].at = lane->down_used;
    lane->piece[lane->n_pieces].bytes = bytes;
    lane->n_pieces++;
    lane->down_used += bytes;
    return e;
}

cudaError_t cuda_down_finish(struct cuda_lane *lane)
{
    const cudaError_t e = lane->n_pieces > 0 ? cudaStreamSynchronize(lane->stream) : cudaSuccess;
    for (int i = 0; i < lane->n_pieces && e == cudaSuccess; i++)
        memcpy(lane->piece[i].host, lane->down + lane->piece[i].at, lane->piece[i].bytes);
    lane->n_pieces = 0, lane->down_used = 0;
    return e;
}

/* The two halves of `down` in turn: the host empties one while the device fills the other. */
cudaError_t cuda_down(struct cuda_lane *lane, char *host, const char *device, size_t bytes)
{
    cudaEvent_t there[2] = {NULL, NULL};
    cudaError_t e = cudaSuccess;
    size_t before = 0;
    if (bytes <= HALF) {
        e = cuda_down_later(lane, host, device, bytes);
        const cudaError_t finished = cuda_down_finish(lane);
        return e != cudaSuccess ? e : finished;
    }
    for (int h = 0; h < 2 && e == cudaSuccess; h++)
        e = cudaEventCreateWithFlags(&there[h], cudaEventDisableTiming);
    for (size_t at = 0; before < bytes && e == cudaSuccess; at += HALF) {
        const int half = (int)(at / HALF % 2);
        if (at < bytes) {
            e = cudaMemcpyAsync(lane->down + (size_t)half * HALF, device + at,
                                bytes - at < HALF ? bytes - at : HALF, cudaMemcpyDeviceToHost, lane->stream);
            if (e == cudaSuccess)
                e = cudaEventRecord(there[half], lane->stream);
        }
        if (at > 0 && e == cudaSuccess) { /* the piece before this one */
            const size_t n = bytes - before < HALF ? bytes - before : HALF;
            e = cudaEventSynchronize(there[half ^ 1]);
            if (e == cudaSuccess)
                memcpy(host + before, lane->down + (size_t)(half ^ 1) * HALF, n);
            before += n;
        }
    }
    for (int h = 0; h < 2; h++)
        if (there[h] != NULL)
            cudaEventDestroy(there[h]);
    return e;
}

cudaError_t cuda_wait(void)
{
    cudaError_t e = cudaSuccess;
    for (int l = 0; l < CUDA_LANES; l++) {
        const cudaError_t mine = cudaStreamSynchronize(cuda_lanes[l].stream);
        e = e != cudaSuccess ? e : mine;
    }
    return e;
}
