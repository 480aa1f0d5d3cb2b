/*
 * bootstrap.h - confidence intervals over users, bias-corrected and accelerated (BCa).
 */
#ifndef EVAL_BOOTSTRAP_H
#define EVAL_BOOTSTRAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct interval {
    double value, low, high; /* value: of the data */
    bool jackknife;          /* value +- Student's quantile x the jackknife's standard error; else BCa */
};
/* STATUS_USAGE for n_draws < 100 or a level outside of (0, 1). */
enum status bootstrap_check(uint32_t n_draws, double level);
/* How often resample `draw` of n holds each of them: count [n], by Philox(seed). */
void bootstrap_resample(uint32_t n, uint64_t seed, uint64_t draw, uint32_t *count);
/* The acceleration from what leaving each of n out changes (NaN: it can't be left out). */
double bootstrap_acceleration(const double *change, uint32_t n);
/* The interval of anything from its values in n_draws resamples, which are sorted here (NaN: not defined in that one), and from what
 * leaving out each of n changes.  BCa, where |z0| <= 0.5: the resamples' median lies within half a standard deviation of the value.  Beyond
 * that, what is measured is biased by holding fewer different users (no resample has an item that no list had, so coverage falls in all
 * of them); BCa would shift further than resamples can show, and the interval is the jackknife's, about the value for as many users.  One
 * value in all resamples is its own interval. */
struct interval bootstrap_interval(double value, const double *change, uint32_t n, double *values,
                                   uint32_t n_draws, double level);

#endif
