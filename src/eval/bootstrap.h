/*
 * bootstrap.h - confidence intervals of means over users, bias-corrected and accelerated (BCa).
 */
#ifndef EVAL_BOOTSTRAP_H
#define EVAL_BOOTSTRAP_H
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct interval {
    double mean, low, high;
};
/* Intervals of the means of n_series series over the same n users: the same resamples serve all of them, so that comparing
 * two is paired.  series: [n_series] of pointers to [n] values; a value NaN leaves the user out of that series (the resample's
 * others count).  level: 0.95 ...; n_draws resamples by Philox(seed).  A constant series has its own value as interval;
 * one without values NaN.  STATUS_USAGE for n_draws < 100 or a level outside of (0, 1); STATUS_SYSTEM: memory.  Holds 8 bytes a
 * draw and series. */
enum status bootstrap_means(const double *const *series, size_t n_series, uint32_t n, uint32_t n_draws,
                            double level, uint64_t seed, struct interval *out);

#endif
