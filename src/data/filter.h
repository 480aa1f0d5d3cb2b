/*
 * filter.h - filters that run before the split, in the order of the config: `filter: [{min_rating: 4},
 * {kcore: 10}]`.
 */
#ifndef DATA_FILTER_H
#define DATA_FILTER_H
#include <stdbool.h>

#include "base/param.h"
#include "data/dataset.h"

struct filter_type {
    const char *name; /* the key in the config */
    const char *help;
    double minimum, maximum; /* of its one number */
    bool whole;              /* the number counts something: 2.5 is refused */
    /* Keeps rows of `in` (same order, same dense ids: users and items without rows stay in the id space). */
    enum status (*apply)(double value, const struct dataset *d, const struct interactions *in,
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
