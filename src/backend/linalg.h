/*
 * linalg.h - dense linear algebra that neither kernels nor a plain product give.
 */
#ifndef BACKEND_LINALG_H
#define BACKEND_LINALG_H
#include <signal.h>

#include "backend/backend.h"
#include "base/arena.h"

/* Replaces the symmetric positive definite A [n x n], row-major with leading dimension ld >= n (elements),
 * of which only the lower triangle is read, by its inverse, both triangles written.  The same bits for any
 * number of threads. Scratch: 2 n x 128 floats and a little from the arena, nothing else.
 *
 * *bad: n when all went well; else the first row at which A is not positive definite to single precision
 * (its pivot is below 2e-6 of its diagonal entry): A is then destroyed and nothing is reported, for the
 * caller knows the words. STATUS_STOPPED as soon as *cancelled (may be NULL) is not zero; STATUS_SYSTEM
 * when memory is out. */
enum status linalg_inverse(const struct backend *b, size_t n, float *A, size_t ld, struct arena *scratch,
                           const volatile sig_atomic_t *cancelled, size_t *bad);

#endif
