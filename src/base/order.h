/*
 * order.h - plain numbers in order, for qsort() and bsearch(): NaN has no place among floats.
 */
#ifndef BASE_ORDER_H
#define BASE_ORDER_H

/* Smallest first. */
int rising_u32(const void *a, const void *b);
int rising_u64(const void *a, const void *b);
int rising_i64(const void *a, const void *b);
int rising_f32(const void *a, const void *b);
int rising_f64(const void *a, const void *b);
/* Largest first. */
int falling_u32(const void *a, const void *b);
int falling_u64(const void *a, const void *b);
int falling_f32(const void *a, const void *b);
int falling_f64(const void *a, const void *b);

#endif
