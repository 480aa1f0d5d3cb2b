/*
 * safetensors_matrix.h - matrices of a model's safetensors file, compressed ones too.
 *
 * A compressed matrix is several tensors, named and laid out as the library compressed-tensors does it:
 *   8 bits  NAME I8 [rows x cols], NAME_scale F16 [rows x 1] (one a row) or [rows x cols / 32];
 *   4 bits  NAME_packed I32 [rows x cols / 8] (column j in bits 4 (j % 8) on, 8 added), NAME_scale F16 [rows x cols / 32],
 *           NAME_shape I64 [2]: rows, cols.
 * In memory they become the blocks of quant.h that hold the same numbers, Q8_0 and Q4_0.
 */
#ifndef LLM_SAFETENSORS_MATRIX_H
#define LLM_SAFETENSORS_MATRIX_H
#include "llm/safetensors.h"

/* Where the matrix lies and its type (enum quant_type): in the file, or in the arena where it is compressed.  STATUS_DATA: as
 * safetensors_floats(), parts of a compressed one that are missing or do not fit. */
enum status safetensors_matrix(const struct safetensors *file, const char *name, uint64_t rows, uint64_t cols,
                               struct arena *arena, const unsigned char **data, int *type);
/* The same as float32 in the arena, [rows x cols]. */
enum status safetensors_matrix_floats(const struct safetensors *file, const char *name, uint64_t rows,
                                      uint64_t cols, struct arena *arena, float **out);

/* n rows of blocks (QUANT_Q8_0 or QUANT_Q4_0, cols weights each) as they go into a file: q [rows x cols] or [rows x cols / 2] bytes,
 * scale [rows x n_scales] in 16 bits, n_scales 1 (all of a row are the same) or cols / 32. */
void safetensors_matrix_split(int type, const unsigned char *blocks, uint64_t rows, uint64_t cols,
                              uint64_t n_scales, unsigned char *q, uint16_t *scale);

#endif
