/*
 * arena.h - memory that lives and dies together: one arena a run, one scratch arena a fit.
 *
 * Allocation is zero-filled and aligned to 64 bytes; nothing is freed singly.  Not for several threads at
 * once.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H
#include <stddef.h>

struct arena;

/* A new, empty arena; NULL (reported as STATUS_SYSTEM) when memory is out. */
struct arena *arena_new(void);

/* n elements of `size` bytes, zeroed, 64-byte aligned, owned by the arena.  n = 0 gives a valid pointer. NULL
 * when n * size overflows or memory is out: already reported, so the caller returns STATUS_SYSTEM. */
void *arena_alloc(struct arena *arena, size_t n, size_t size) __attribute__((malloc));

/* Copies; NULL as arena_alloc. */
char *arena_strdup(struct arena *arena, const char *string);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void *arena_copy(struct arena *arena, const void *from, size_t n, size_t size);

/* An array of pages_grow() (base/pages.h), `mapped` bytes of which the first `used` hold something, is the arena's from now
 * on.  NULL when memory is out: it stays the caller's. */
void *arena_take_pages(struct arena *arena, void *pages, size_t mapped, size_t used);

/* Bytes handed out so far. */
size_t arena_bytes(const struct arena *arena);

/* Frees everything of the arena; takes NULL. */
void arena_free(struct arena *arena);

/* Has `gone` told of memory that an arena is about to free (NULL: nobody): who keeps copies of arrays by their address must know
 * when an address gets another meaning. */
void arena_on_free(void (*gone)(const void *data, size_t bytes));

/* Allocates into `pointer` or returns STATUS_SYSTEM from the caller. */
#define ARENA_NEW(pointer, arena, n)                                                                         \
    do {                                                                                                     \
        (pointer) = arena_alloc((arena), (n), sizeof *(pointer));                                            \
        if ((pointer) == NULL)                                                                               \
            return STATUS_SYSTEM;                                                                            \
    } while (0)

#endif
