/* liked.c - see liked.h. */
#include "experiment/liked.h"

#include <stdlib.h>

static int best_first(const void *a, const void *b)
{
    const struct liked *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    if (x->time != y->time)
        return x->time > y->time ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

enum status liked_items(const struct view *view, uint32_t user, struct arena *arena, struct liked **out,
                        size_t *n)
{
    const struct csr *train = view->by_user;
    const int64_t from = train->ptr[user];
    *n = (size_t)(train->ptr[user + 1] - from);
    ARENA_NEW(*out, arena, *n);
    for (size_t k = 0; k < *n; k++) {
        const int64_t e = from + (int64_t)k;
        (*out)[k] = (struct liked){train->val != NULL ? train->val[e] : 1,
                                   view->time != NULL ? view->time[e] : 0, train->idx[e]};
    }
    if (*n > 0)
        qsort(*out, *n, sizeof **out, best_first);
    return STATUS_OK;
}
