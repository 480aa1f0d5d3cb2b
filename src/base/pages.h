/*
 * pages.h - large arrays that grow without being copied: whole pages from the system, huge ones where it gives them.
 *
 * Pages that were never touched cost nothing, so such an array may be asked for larger than it is likely to become.
 */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H
#include <stddef.h>

/* The array of `before` bytes (NULL, 0: none yet) with `bytes` of them; what is new is zero.  It may move.  NULL when memory
 * is out: the old one stays. */
void *pages_grow(void *pages, size_t before, size_t bytes);
void pages_free(void *pages, size_t bytes); /* takes NULL */

#endif
