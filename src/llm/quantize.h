/*
 * quantize.h - float32 rows into the blocks of quant.h.
 */
#ifndef LLM_QUANTIZE_H
#define LLM_QUANTIZE_H
#include <stdbool.h>
#include <stddef.h>

#include "quant.h"

/* What weights can be made into.  COMPRESS_INT8_ROW: one scale a row, in Q8_0's blocks, which all get the same. */
enum { COMPRESS_INT8_ROW = 1000 };

/* The type of a name ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_k", "int8_row"), or -1; and back. */
int quantize_type(const char *name);
const char *quantize_name(int type);
/* The type that blocks of `type` have in a file whose rows have k weights: where k is no whole blocks of Q4_K, Q5_0 takes its place, as
 * in llama.cpp's files. */
int quantize_stored(int type, size_t k);

/* k weights as a row of quantize_stored(type, k), quant_row_bytes() of that type.  importance: the mean square of what each weight is
 * multiplied with, [k], or NULL; Q4_0, Q5_0 and Q4_K take the scale with the least error weighted by it, after llama.cpp's
 * make_qx_quants and make_qkx2_quants (ggml-quants.c).  x finite. */
void quantize_row(int type, const float *x, const float *importance, size_t k, unsigned char *out);

#endif
