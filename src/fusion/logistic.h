/*
 * logistic.h - a ridge-penalised logistic regression by Newton's method, in double: the weights w and the constant b that minimise
 *     sum over rows of log(1 + exp(-s f)) + l2 / 2 |w|^2,    f = w . x + b,    s = 1 where y is 1, else -1
 * For few columns: it keeps a matrix of columns x columns.
 */
#ifndef FUSION_LOGISTIC_H
#define FUSION_LOGISTIC_H
#include <stdint.h>

#include "base/status.h"

/* x: [n x d] rows; y: [n] 0 or 1; weight: [d + 1] w, then b: where it starts, and what it found.  Ends when no weight moves by more than 1e-9, or
 * after 50 steps with a warning.  `who` begins the sentences.  STATUS_DATA: no finite weights (x or l2 are to blame); STATUS_SYSTEM: memory. */
enum status logistic_fit(const char *who, const float *x, const float *y, uint64_t n, uint32_t d, double l2,
                         double *weight);

#endif
