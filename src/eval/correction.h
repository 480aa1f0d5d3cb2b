/*
 * correction.h - p values of a family of tests, corrected for their number.
 */
#ifndef EVAL_CORRECTION_H
#define EVAL_CORRECTION_H
#include <stddef.h>

#include "base/status.h"

enum correction {
    CORRECTION_HOLM,       /* family-wise error, step-down (Holm 1979) */
    CORRECTION_BONFERRONI, /* family-wise error (Dunn 1961) */
    CORRECTION_BH          /* false discovery rate (Benjamini, Hochberg 1995) */
};
/* p, out: [n]; out may not be p.  STATUS_SYSTEM: memory. */
enum status correct_p(enum correction how, const double *p, size_t n, double *out);

#endif
