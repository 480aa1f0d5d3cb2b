/*
 * unit_rows.h - rows of length 1, and the gradient through the division.
 */
#ifndef FUSION_UNIT_ROWS_H
#define FUSION_UNIT_ROWS_H
#include <stddef.h>

/* x [rows x k]: each row by its length, which goes into norm [rows]; a row of zeros stays. */
void unit_rows(float *x, size_t rows, size_t k, float *norm);
/* of [rows x k], the gradient by such rows x, becomes the one by the rows before: (of - (of . x) x) / norm; 0 where norm is. */
void unit_rows_backward(const float *x, const float *norm, size_t rows, size_t k, float *of);

#endif
