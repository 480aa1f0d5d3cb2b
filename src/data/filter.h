/*
 * filter.h - filters that run before the split, in the order of the config: `filter: [{min_rating: 4},
 * {kcore: 10}, {sample_users: {n: 1000, seed: 7}}]`.
 */
#ifndef DATA_FILTER_H
#define DATA_FILTER_H
#include <stdbool.h>

#include "base/param.h"
#include "data/dataset.h"

struct filter_type {
    const char *name; /* the key in the config */
    const char *help; /* what it keeps */
    /* Its parameters.  {NAME: value} sets the first, {NAME: {parameter: value, ...}} any. */
    const struct param *params;
    size_t params_size;
    bool needs_time; /* a dataset without times is an error that says so */
    /* Checks what the parameters alone can tell; may be NULL. */
    enum status (*check)(const void *params, const struct node *where);
    /* Keeps rows of `in` (same order, same dense ids: users and items without rows stay in the id space). */
    enum status (*apply)(const void *params, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct interactions *out);
};
extern const struct filter_type *const filter_types[]; /* NULL-ended */

/* Applies the list; `filters` NULL: none.  Unknown names: STATUS_USAGE with the nearest.  STATUS_DATA when no
 * row is left (says after which filter).  *json (may be NULL): the filters as canonical JSON for the cell's
 * key. */
enum status filters_check(const struct node *filters, struct arena *arena, char **json);
enum status filters_apply(const struct node *filters, const struct dataset *d, struct arena *arena,
                          struct interactions *out);

#endif
