/* pages.c - see pages.h. */
#include "base/pages.h"

#include <sys/mman.h>

enum { HUGE = 4 << 20 }; /* smaller arrays don't ask for huge pages */

void *pages_grow(void *pages, size_t before, size_t bytes)
{
    void *grown = pages == NULL ? mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                                : mremap(pages, before, bytes, MREMAP_MAYMOVE);
    if (grown == MAP_FAILED)
        return NULL;
    if (bytes >= HUGE)
        madvise(grown, bytes, MADV_HUGEPAGE);
    return grown;
}

void pages_free(void *pages, size_t bytes)
{
    if (pages != NULL)
        munmap(pages, bytes);
}
