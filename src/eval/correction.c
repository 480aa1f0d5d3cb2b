/* correction.c - see correction.h.  The i-th smallest of m: Holm counts it m - i times, Benjamini and Hochberg m / i times. */
#include "eval/correction.h"

#include <math.h>
#include <stdlib.h>

struct placed {
    double p;
    size_t at;
};
static int by_p(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

enum status correct_p(enum correction how, const double *p, size_t n, double *out)
{
    struct placed *sorted = malloc((n + 1) * sizeof *sorted);
    if (sorted == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: %zu p values", n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct placed){p[i], i};
    qsort(sorted, n, sizeof *sorted, by_p);
    double bound = how == CORRECTION_BH ? 1 : 0;
    for (size_t i = 0; i < n;
         i++) { /* Holm never less than the one before, BH never more than the one after */
        const size_t r = how == CORRECTION_BH ? n - 1 - i : i;
        const double m = (double)n;
        if (how == CORRECTION_HOLM)
            bound = fmax(bound, fmin(1, sorted[r].p * (m - (double)r)));
        else if (how == CORRECTION_BH)
            bound = fmin(bound, sorted[r].p * m / (double)(r + 1));
        else
            bound = fmin(1, sorted[r].p * m);
        out[sorted[r].at] = bound;
    }
    free(sorted);
    return STATUS_OK;
}
