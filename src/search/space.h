/*
 * space.h - what a search may try: a box of parameters, each point of the unit cube being one setting of them.
 *
 * The decoding is the search's only view of a parameter: reals and integers between two ends, evenly or in their logarithm, or one of a
 * list of choices.
 */
#ifndef SEARCH_SPACE_H
#define SEARCH_SPACE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

enum { SEARCH_DIMENSIONS = 32, SEARCH_LEVELS = 100000 };

enum search_kind { SEARCH_REAL, SEARCH_INTEGER, SEARCH_CHOICE };
struct search_dimension {
    enum search_kind kind;
    double low, high; /* inclusive; of a choice: 0 and the number of choices - 1 */
    bool log;         /* even in the logarithm; low > 0 */
    uint32_t
        steps; /* a grid's values of a number: this many, from low to high (an integer's: where rounding lets them differ) */
};
struct search_space {
    size_t n; /* 1 to SEARCH_DIMENSIONS */
    const struct search_dimension *dimension;
};

/* The value at u in [0, 1] of one dimension: each integer and each choice has an equal share (integers on a log scale: as their interval
 * [i - 1/2, i + 1/2] in the logarithm). */
double search_value(const struct search_dimension *d, double u);
/* The middle of what decodes to the value: search_value(d, search_unit(d, value)) is value. */
double search_unit(const struct search_dimension *d, double value);
/* The value number `level` of a grid, and how many there are. */
double search_level(const struct search_dimension *d, uint32_t level);
uint32_t search_levels(const struct search_dimension *d);
/* Points of the whole grid; SIZE_MAX: beyond counting. */
size_t search_grid_size(const struct search_space *space);
/* Point `point` of the grid into x [n] values: the last dimension changes fastest. */
void search_grid_point(const struct search_space *space, size_t point, double *x);

/* How a Gaussian process sees values x [n]: numbers as their place in the unit interval (integers rounded first, so that one setting is one
 * place: Garrido-Merchan, Hernandez-Lobato 2020), a choice as a 0 / 1 for each.  Columns: search_columns(). */
size_t search_columns(const struct search_space *space);
void search_encode(const struct search_space *space, const double *x, double *out);
/* column [search_columns()]: the dimension that each belongs to. */
void search_column_owners(const struct search_space *space, uint32_t *owner);

#endif
