/*
 * arena.c - see arena.h.
 *
 * Small requests are cut from chunks of 256 KiB; a request of a quarter of that or more gets a block of its
 * own from calloc, so that big zeroed arrays come as fresh pages and cost nothing until touched.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/pages.h"
#include "base/status.h"

enum { ALIGN = 64, CHUNK = 256 * 1024, HUGE = 4 * 1024 * 1024 };

struct block {
    struct block *next;
    size_t size, used; /* bytes of the data */
    char *data;        /* aligned; behind this struct, or pages of their own */
    size_t mapped;     /* bytes of those pages */
};
struct arena {
    struct block *chunks; /* the first is the one being cut */
    struct block *large;
    size_t bytes;
};

struct arena *arena_new(void)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL)
        status_fail(STATUS_SYSTEM, "out of memory: could not get %zu bytes", sizeof *arena);
    return arena;
}

static struct block *block_new(size_t size)
{
    struct block *block = calloc(1, sizeof *block + size + ALIGN);
    if (block == NULL)
        return NULL;
    uintptr_t start = (uintptr_t)(block + 1);
    block->data = (char *)((start + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1));
    block->size = size;
    if (size >= HUGE) { /* factor tables: huge pages where the system gives them */
        uintptr_t page = (start + HUGE / 2 - 1) & ~(uintptr_t)(HUGE / 2 - 1);
        madvise((void *)page, size - HUGE / 2, MADV_HUGEPAGE);
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2) {
        status_fail(STATUS_SYSTEM,
                    "out of memory: %zu elements of %zu bytes are more than this machine can address", n,
                    size);
        return NULL;
    }
    bytes = bytes == 0 ? ALIGN : (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    const bool large = bytes >= CHUNK / 4;
    struct block *block = large ? NULL : arena->chunks;
    if (block == NULL || block->size - block->used < bytes) {
        struct block **list = large ? &arena->large : &arena->chunks;
        block = block_new(large ? bytes : CHUNK);
        if (block == NULL) {
            status_fail(STATUS_SYSTEM, "out of memory: could not get %zu bytes", bytes);
            return NULL;
        }
        block->next = *list;
        *list = block;
    }
    void *result = block->data + block->used;
    block->used += bytes;
    arena->bytes += bytes;
    return result;
}

void *arena_copy(struct arena *arena, const void *from, size_t n, size_t size)
{
    void *copy = arena_alloc(arena, n, size);
    if (copy != NULL && n > 0 && size > 0)
        memcpy(copy, from, n * size);
    return copy;
}

void *arena_take_pages(struct arena *arena, void *pages, size_t mapped, size_t used)
{
    struct block *block = calloc(1, sizeof *block);
    if (block == NULL) {
        status_fail(STATUS_SYSTEM, "out of memory: could not get %zu bytes", sizeof *block);
        return NULL;
    }
    *block = (struct block){arena->large, used, used, pages, mapped};
    arena->large = block;
    arena->bytes += used;
    return pages;
}

char *arena_strdup(struct arena *arena, const char *string)
{
    return arena_copy(arena, string, strlen(string) + 1, 1);
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : arena_alloc(arena, (size_t)length + 1, 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

size_t arena_bytes(const struct arena *arena)
{
    return arena->bytes;
}

static void (*tell_gone)(const void *data, size_t bytes);

void arena_on_free(void (*gone)(const void *data, size_t bytes))
{
    tell_gone = gone;
}

static void blocks_free(struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;
        if (tell_gone != NULL)
            tell_gone(block->data, block->size);
        if (block->mapped > 0)
            pages_free(block->data, block->mapped);
        free(block);
        block = next;
    }
}

void arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    blocks_free(arena->chunks);
    blocks_free(arena->large);
    free(arena);
}
