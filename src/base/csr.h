/*
 * csr.h - sparse matrices in compressed rows.
 */
#ifndef BASE_CSR_H
#define BASE_CSR_H
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* Row r holds entries ptr[r] .. ptr[r + 1] - 1, columns rising within a row, no column twice. */
struct csr {
    uint32_t n_rows, n_cols;
    int64_t nnz;
    const int64_t *ptr;  /* [n_rows + 1] */
    const uint32_t *idx; /* [nnz] */
    const float *val;    /* [nnz]; NULL: all ones */
};

/* From triples in any order.  value NULL: no values kept.  Of a pair that occurs more than once the last is
 * kept (in the order given); *n_duplicates (may be NULL) counts those dropped.  Indices must be in range. */
enum status csr_from_triples(uint32_t n_rows, uint32_t n_cols, uint64_t n, const uint32_t *row,
                             const uint32_t *col, const float *value, struct arena *arena, struct csr *out,
                             uint64_t *n_duplicates);
/* As above from rows that are grouped: row[0 .. n) never falls.  Takes no memory for the entries: they are sorted where they
 * lie, and `col` and `value` (may be NULL) are the matrix's from then on. */
enum status csr_from_grouped(uint32_t n_rows, uint32_t n_cols, uint64_t n, const uint32_t *row, uint32_t *col,
                             float *value, struct arena *arena, struct csr *out, uint64_t *n_duplicates);
/* The transpose: O(nnz + n_rows + n_cols), columns rising. */
enum status csr_transpose(const struct csr *a, struct arena *arena, struct csr *out);
/* Is column `col` in row `row`?  Binary search. */
int csr_has(const struct csr *a, uint32_t row, uint32_t col);

#endif
