/*
 * cuda_resident.h - which host arrays have a copy on the device, and which side has the newer one (backend_keep() and the rest,
 * backend.h).  Called by the thread that holds the device.
 */
#ifndef BACKEND_CUDA_RESIDENT_H
#define BACKEND_CUDA_RESIDENT_H
#include "backend/cuda_memory.h"

struct cuda_resident {
    char *host;
    size_t bytes;
    char *device; /* NULL: not there yet, or put off when room was short */
    bool device_newer, host_newer;
    int keepers;        /* resident_keep() without resident_forget() */
    unsigned long used; /* the last launch that needed it */
};

/* An entry that holds the array, made or grown where there is none.  Where host memory is out there is none, and the array is
 * copied at each launch. */
cudaError_t resident_keep(const void *p, size_t bytes);
/* The entry that holds all of [low, high), or NULL.  *clash: one holds a part of it. */
struct cuda_resident *resident_find(const char *low, const char *high, struct cuda_resident **clash);
/* Makes the host's copy good. */
cudaError_t resident_fetch(struct cuda_resident *r);
/* Makes the host's copy good and ends the entry. */
cudaError_t resident_drop(struct cuda_resident *r);
/* Undoes one resident_keep(). */
void resident_forget(struct cuda_resident *r);
/* Ends all entries that hold some of the bytes, without a look at the host's memory. */
void resident_gone(const char *low, const char *high);
/* Puts device memory under it, with the array's bytes where `filled`.  cudaErrorMemoryAllocation: no room. */
cudaError_t resident_ready(struct cuda_resident *r, bool filled);
/* Takes the device memory of all entries not used by launch `now`, written back first.  *freed: bytes. */
cudaError_t resident_evict(unsigned long now, size_t *freed);

#endif
