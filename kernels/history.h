/*
 * history.h - arguments of the kernels of a user tower: a user is the weighted mean of the vectors of his history, one item left out.
 *
 *     h = sum_j a_j y_j,  a = softmax over the history without `skip` of score_j;  no scores: equal weights.
 *
 * A launch row is a question: a user and the item that is asked about.  A history that is empty then gives zeros.
 */
#ifndef HISTORY_H
#define HISTORY_H
#include <stddef.h>
#include <stdint.h>

#define HISTORY_NONE UINT32_MAX /* nothing is left out */

/* history_pool writes h of each row.  history_back, which needs scores, writes the gradient by the scores' query, where score_j =
 * y_j . query:  sum_j a_j (of . y_j - of . h) y_j, of the row alone. */
struct history {
    const int64_t *ptr;   /* [n_users + 1] */
    const uint32_t *idx;  /* [nnz] the items of each user */
    const uint32_t *user; /* [n_rows]; NULL: row r is user r */
    const uint32_t *skip; /* [n_rows] an item, or HISTORY_NONE; NULL: none anywhere */
    const float *score;   /* [n_items]; NULL: equal weights */
    const float *items;   /* [n_items x d] y */
    const float *h,
        *of;    /* history_back: [n_rows x d] what history_pool wrote, and the gradient by it; else NULL */
    float *out; /* [n_rows x d] */
    int d;
};

#endif
