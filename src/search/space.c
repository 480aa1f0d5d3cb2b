/* space.c - see space.h. */
#include "search/space.h"

#include <math.h>

/* The ends on the scale that is even: integers reach half a step further. */
static void ends(const struct search_dimension *d, double *low, double *high)
{
    const double reach = d->kind == SEARCH_REAL ? 0 : 0.5;
    *low = d->low - reach;
    *high = d->high + reach;
    if (d->log) {
        *low = log(d->low - reach * (d->low >= 1)); /* low >= 1 of an integer */
        *high = log(*high);
    }
}

double search_value(const struct search_dimension *d, double u)
{
    double low, high;
    ends(d, &low, &high);
    u = fmin(fmax(u, 0), 1);
    double x = low + u * (high - low);
    x = d->log ? exp(x) : x;
    if (d->kind != SEARCH_REAL)
        x = floor(x + 0.5);
    return fmin(fmax(x, d->low), d->high);
}

double search_unit(const struct search_dimension *d, double value)
{
    double low, high;
    ends(d, &low, &high);
    if (high <= low)
        return 0.5;
    return fmin(fmax(((d->log ? log(value) : value) - low) / (high - low), 0), 1);
}

uint32_t search_levels(const struct search_dimension *d)
{
    const double all = d->kind == SEARCH_REAL ? d->steps : d->high - d->low + 1;
    if (d->kind == SEARCH_CHOICE || d->steps == 0 || all < d->steps)
        return (uint32_t)all;
    if (d->kind == SEARCH_REAL)
        return d->steps;
    uint32_t n = 0; /* distinct after rounding */
    double before = NAN;
    for (uint32_t i = 0; i < d->steps; i++) {
        const double t = d->steps > 1 ? i / (d->steps - 1.0) : 0;
        const double x = round(d->log ? d->low * pow(d->high / d->low, t) : d->low + t * (d->high - d->low));
        n += !(x == before);
        before = x;
    }
    return n;
}

double search_level(const struct search_dimension *d, uint32_t level)
{
    if (d->kind == SEARCH_CHOICE || (d->kind == SEARCH_INTEGER && d->steps == 0) ||
        (d->kind == SEARCH_INTEGER && d->high - d->low + 1 < d->steps))
        return d->low + level;
    double before = NAN, x = d->low;
    for (uint32_t i = 0, n = 0; i < d->steps; i++) {
        const double t = d->steps > 1 ? i / (d->steps - 1.0) : 0;
        x = d->log ? d->low * pow(d->high / d->low, t) : d->low + t * (d->high - d->low);
        x = i + 1 == d->steps && d->steps > 1 ? d->high : x;
        x = d->kind == SEARCH_INTEGER ? round(x) : x;
        if (!(x == before) && n++ == level)
            return x;
        before = x;
    }
    return x;
}

size_t search_grid_size(const struct search_space *space)
{
    size_t n = 1;
    for (size_t i = 0; i < space->n; i++) {
        const size_t levels = search_levels(&space->dimension[i]);
        if (levels == 0 || n > SIZE_MAX / levels)
            return levels == 0 ? 0 : SIZE_MAX;
        n *= levels;
    }
    return n;
}

void search_grid_point(const struct search_space *space, size_t point, double *x)
{
    for (size_t i = space->n; i-- > 0;) {
        const size_t levels = search_levels(&space->dimension[i]);
        x[i] = search_level(&space->dimension[i], (uint32_t)(point % levels));
        point /= levels;
    }
}

static size_t width(const struct search_dimension *d)
{
    return d->kind == SEARCH_CHOICE ? (size_t)d->high + 1 : 1;
}

size_t search_columns(const struct search_space *space)
{
    size_t n = 0;
    for (size_t i = 0; i < space->n; i++)
        n += width(&space->dimension[i]);
    return n;
}

void search_encode(const struct search_space *space, const double *x, double *out)
{
    for (size_t i = 0; i < space->n; i++) {
        const struct search_dimension *d = &space->dimension[i];
        for (size_t c = 0; c < width(d); c++)
            *out++ = d->kind == SEARCH_CHOICE ? (double)(x[i] == (double)c) : search_unit(d, x[i]);
    }
}

void search_column_owners(const struct search_space *space, uint32_t *owner)
{
    for (size_t i = 0; i < space->n; i++)
        for (size_t c = 0; c < width(&space->dimension[i]); c++)
            *owner++ = (uint32_t)i;
}
