/* candidates_parts.h - what candidates.c and candidates_file.c share. */
#ifndef EVAL_CANDIDATES_PARTS_H
#define EVAL_CANDIDATES_PARTS_H
#include "eval/candidates.h"

/* Rows while they are filled: user u's from ptr[u] on, length[u] of them. */
struct candidates_rows {
    int64_t *ptr;
    uint32_t *idx, *length, *n_others, *n_negatives;
    uint8_t *relevant;
    double *weight;
};
/* Puts the rows side by side. */
enum status candidates_finish(const struct candidates_of *of, struct candidates_rows *rows, bool weights,
                              struct arena *arena, struct candidates *out);
/* given: [n] user << 32 | item, rising, each once. */
enum status candidates_store(const struct candidates_of *of, const uint64_t *given, size_t n, bool uniform,
                             struct arena *arena, struct candidates *out);

#endif
