/*
 * cuda_resident.c - see cuda_resident.h.  A table searched from its start: a fit keeps some ten arrays.
 */
#include "backend/cuda_resident.h"

#include <stdlib.h>

static struct cuda_resident *table;
static int n_entries, room;

struct cuda_resident *resident_find(const char *low, const char *high, struct cuda_resident **clash)
{
    *clash = NULL;
    for (int i = 0; i < n_entries; i++) {
        struct cuda_resident *r = &table[i];
        if (low >= r->host && high <= r->host + r->bytes)
            return r;
        if (low < r->host + r->bytes && high > r->host)
            *clash = r;
    }
    return NULL;
}

cudaError_t resident_fetch(struct cuda_resident *r)
{
    cudaError_t e = cudaSuccess;
    if (r->device_newer)
        e = cuda_down(&cuda_lanes[0], r->host, r->device, r->bytes);
    r->device_newer = false;
    return e;
}

cudaError_t resident_drop(struct cuda_resident *r)
{
    const cudaError_t e = resident_fetch(r);
    cuda_give(r->device);
    *r = table[--n_entries];
    return e;
}

void resident_clear(void)
{
    cuda_wait();
    for (int i = 0; i < n_entries; i++)
        cuda_give(table[i].device);
    n_entries = 0;
}

cudaError_t resident_keep(const void *p, size_t bytes, bool *kept)
{
    char *host = (char *)p;
    struct cuda_resident *clash, *r = resident_find(host, host + bytes, &clash);
    cudaError_t e = cudaSuccess;
    *kept = true;
    if (bytes == 0 || r != NULL)
        return e;
    for (; clash != NULL && e == cudaSuccess; resident_find(host, host + bytes, &clash))
        e = resident_drop(clash);
    if (n_entries == room) {
        const int more = room > 0 ? 2 * room : 32;
        struct cuda_resident *grown = realloc(table, (size_t)more * sizeof *table);
        *kept = grown != NULL;
        if (grown == NULL)
            return e;
        table = grown, room = more;
    }
    table[n_entries++] = (struct cuda_resident){.host = host, .bytes = bytes, .host_newer = true};
    return e;
}

cudaError_t resident_ready(struct cuda_resident *r, bool filled)
{
    cudaError_t e = cudaSuccess;
    if (r->device == NULL) {
        r->device = cuda_take(r->bytes);
        r->host_newer = true;
    }
    if (r->device == NULL)
        return cudaErrorMemoryAllocation;
    if (filled && r->host_newer)
        e = cuda_up(&cuda_lanes[0], r->device, r->host, r->bytes);
    if (filled)
        r->host_newer = false;
    return e;
}

cudaError_t resident_evict(unsigned long now, size_t *freed)
{
    cudaError_t e = cudaSuccess;
    *freed = 0;
    for (int i = 0; i < n_entries && e == cudaSuccess; i++)
        if (table[i].device != NULL && table[i].used != now) {
            e = resident_fetch(&table[i]);
            cuda_give(table[i].device);
            table[i].device = NULL;
            *freed += table[i].bytes;
        }
    cuda_trim();
    return e;
}
