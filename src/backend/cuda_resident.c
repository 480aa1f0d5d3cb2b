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

static void end(struct cuda_resident *r)
{
    cuda_give(r->device);
    *r = table[--n_entries];
}

cudaError_t resident_drop(struct cuda_resident *r)
{
    const cudaError_t e = resident_fetch(r);
    end(r);
    return e;
}

void resident_forget(struct cuda_resident *r)
{
    if (--r->keepers <= 0)
        end(r);
}

void resident_gone(const char *low, const char *high)
{
    for (int i = n_entries; i-- > 0;)
        if (low < table[i].host + table[i].bytes && high > table[i].host)
            end(&table[i]);
}

static bool make_room(void)
{
    const int more = room > 0 ? 2 * room : 32;
    struct cuda_resident *grown = n_entries < room ? table : realloc(table, (size_t)more * sizeof *table);
    if (grown == NULL)
        return false;
    room = n_entries < room ? room : more, table = grown;
    return true;
}

cudaError_t resident_keep(const void *p, size_t bytes)
{
    char *low = (char *)p, *high = low + bytes;
    struct cuda_resident *clash, *r = resident_find(low, high, &clash);
    int keepers = 1;
    if (bytes == 0)
        return cudaSuccess;
    for (; r == NULL && clash != NULL; r = resident_find(low, high, &clash)) { /* what they hold together */
        low = clash->host < low ? clash->host : low;
        high = clash->host + clash->bytes > high ? clash->host + clash->bytes : high;
        keepers += clash->keepers;
        const cudaError_t e = resident_drop(clash);
        if (e != cudaSuccess)
            return e;
    }
    if (r != NULL)
        r->keepers++;
    else if (make_room())
        table[n_entries++] = (struct cuda_resident){
            .host = low, .bytes = (size_t)(high - low), .host_newer = true, .keepers = keepers};
    return cudaSuccess;
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
