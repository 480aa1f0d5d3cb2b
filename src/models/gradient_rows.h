/*
 * gradient_rows.h - what the models that descend by whole rows (kernels/mf.h) share: the kernel for a rank.
 */
#ifndef MODELS_GRADIENT_ROWS_H
#define MODELS_GRADIENT_ROWS_H
#include "backend/backend.h"

/* Floats of a row of so many columns: a compiled rank, or the next multiple of MF_PAD. */
size_t gradient_rank(int columns);
const struct kernel *gradient_kernel(size_t rank);

#endif
