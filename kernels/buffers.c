/*
 * buffers.c - the declarations of buffers.h, one a family of arguments: void NAME_buffers(const void *, long n_rows, ...).
 *
 * Sizes that the struct does not hold are read from the index arrays: the largest row that a launch names.  That is a pass over
 * indices on the host, small beside what the kernel does for each; where it would not be (als, sgd, bpr) the struct has the size.
 * An output whose rows are longer than what is written is read too, so that what lies between stays.
 */
#include "buffers.h"

#include <stdint.h>

#include "als.h"
#include "attention.h"
#include "attention_back.h"
#include "bpr.h"
#include "content.h"
#include "contrast.h"
#include "decode.h"
#include "fm.h"
#include "fusion.h"
#include "gemm.h"
#include "history.h"
#include "hits.h"
#include "kernels.h"
#include "knn.h"
#include "lstm.h"
#include "mf.h"
#include "mf2020.h"
#include "nn.h"
#include "nn8.h"
#include "nn_back.h"
#include "quant.h"
#include "randomisation.h"
#include "sbpr.h"
#include "sgd.h"
#include "slim.h"
#include "spmm.h"
#include "team_ops.h"
#include "topk.h"
#include "tree.h"

#define BUFFERS(name)                                                                                        \
    void name##_buffers(const void *args, long n_rows, struct kernel_buffers *out)                           \
    {                                                                                                        \
        const struct name *a = args;                                                                         \
        const size_t rows = n_rows > 0 ? (size_t)n_rows : 0;                                                 \
        out->args_size = sizeof *a;                                                                          \
        out->n = 0;                                                                                          \
        if (rows > 0)                                                                                        \
            name##_declare(a, rows, out);                                                                    \
    }
#define DECLARE(name)                                                                                        \
    static void name##_declare(const struct name *a, size_t rows, struct kernel_buffers *out);               \
    BUFFERS(name)                                                                                            \
    static void name##_declare(const struct name *a, size_t rows, struct kernel_buffers *out)

static void add(struct kernel_buffers *out, const void *p, size_t field, int access, size_t first,
                size_t bytes, size_t row)
{
    if (p != NULL && bytes > 0 && out->n < BUFFERS_MOST)
        out->buffer[out->n++] = (struct kernel_buffer){field, access, first, bytes, row};
}
#define FIELD(f) a->f, (size_t)((const char *)&a->f - (const char *)a)
/* n elements from the start, or from element `from`. */
#define READS(f, n)            add(out, FIELD(f), BUFFER_READ, 0, (n) * sizeof *a->f, 0)
#define READS_FROM(f, from, n) add(out, FIELD(f), BUFFER_READ, (from) * sizeof *a->f, (n) * sizeof *a->f, 0)
#define WRITES(f, n)           add(out, FIELD(f), BUFFER_WRITE, 0, (n) * sizeof *a->f, 0)
#define UPDATES(f, n)          add(out, FIELD(f), BUFFER_READ | BUFFER_WRITE, 0, (n) * sizeof *a->f, 0)
/* A launch row has `stride` elements of its own, of which it touches `used`; row 0's begin at element `from`. */
#define ROWS(f, access, from, stride, used)                                                                  \
    add(out, FIELD(f), access, (from) * sizeof *a->f, ((rows - 1) * (stride) + (used)) * sizeof *a->f,       \
        (stride) * sizeof *a->f)
#define ROWS_READ(f, stride, used) ROWS(f, BUFFER_READ, 0, stride, used)
#define ROWS_WRITE(f, stride, used)                                                                          \
    ROWS(f, (stride) == (used) ? BUFFER_WRITE : BUFFER_READ | BUFFER_WRITE, 0, stride, used)
#define ROWS_UPDATE(f, stride, used) ROWS(f, BUFFER_READ | BUFFER_WRITE, 0, stride, used)

/* 1 + the largest of x[0 .. n - 1]; 0 for n = 0. */
static size_t above(const uint32_t *x, size_t n)
{
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++)
        most = x[i] > most ? x[i] : most;
    return n > 0 ? (size_t)most + 1 : 0;
}

/* Compressed rows low .. high - 1. */
#define CSR_READS(p, i, v, low, high)                                                                        \
    do {                                                                                                     \
        READS_FROM(p, low, (high) - (low) + 1);                                                              \
        READS_FROM(i, (size_t)a->p[low], (size_t)(a->p[high] - a->p[low]));                                  \
        READS_FROM(v, (size_t)a->p[low], (size_t)(a->p[high] - a->p[low]));                                  \
    } while (0)
/* 1 + the largest column of rows low .. high - 1. */
#define CSR_COLUMNS(p, i, low, high) above(a->i + a->p[low], (size_t)(a->p[high] - a->p[low]))

/* The least and 1 + the largest of rows[0 .. n - 1]; rows 0 .. n - 1 where it is NULL. */
static void span(const uint32_t *rows, size_t n, size_t *low, size_t *high)
{
    *low = 0, *high = n;
    if (rows == NULL)
        return;
    *low = rows[0], *high = 0;
    for (size_t r = 0; r < n; r++) {
        *low = rows[r] < *low ? rows[r] : *low;
        *high = rows[r] >= *high ? (size_t)rows[r] + 1 : *high;
    }
}

DECLARE(als)
{
    const size_t rank = (size_t)a->rank, nnz = (size_t)a->ptr[rows];
    UPDATES(X, rows * rank);
    READS(Y, (size_t)a->n_columns * rank);
    READS(G, rank * rank);
    READS(ridge, rows);
    READS(ptr, rows + 1);
    READS(idx, nnz);
    READS(val, nnz);
    READS(bases, nnz);
    UPDATES(prediction, nnz);
    READS(order, rows);
}

DECLARE(gemm)
{
    const size_t a_lines = a->transpose_a ? a->k : a->m, a_width = a->transpose_a ? a->m : a->k;
    const size_t b_lines = a->transpose_b ? a->n : a->k, b_width = a->transpose_b ? a->k : a->n;
    (void)rows;
    if (a->k > 0) {
        READS(A, (a_lines - 1) * a->lda + a_width);
        READS(B, (b_lines - 1) * a->ldb + b_width);
    }
    if (a->beta == 0.0f && a->ldc == a->n)
        WRITES(C, a->m * a->n);
    else
        UPDATES(C, (a->m - 1) * a->ldc + a->n);
}

DECLARE(gram)
{
    READS(Y, (size_t)a->n * (size_t)a->rank);
    WRITES(part, rows * ALS_GRAM_ROWS * (size_t)a->rank);
}

DECLARE(gram_sum)
{
    READS(part, (size_t)a->n_blocks * (size_t)a->rank * (size_t)a->rank);
    ROWS_WRITE(G, (size_t)a->rank, (size_t)a->rank);
}

DECLARE(sgd)
{
    const size_t rank = (size_t)a->rank, blocks = (size_t)a->grid * (size_t)a->grid;
    (void)rows;
    UPDATES(user, a->n_users * rank);
    UPDATES(item, a->n_items * rank);
    UPDATES(user_bias, a->n_users);
    UPDATES(item_bias, a->n_items);
    READS(sample, (size_t)a->block[blocks]);
    READS(block, blocks + 1);
}

DECLARE(bpr)
{
    const size_t rank = (size_t)a->rank, grid = (size_t)a->grid, n_items = a->part[grid];
    (void)rows;
    UPDATES(user, a->n_users * rank);
    UPDATES(item, n_items * rank);
    UPDATES(item_bias, n_items);
    READS(sample, (size_t)a->block[grid * grid]);
    READS(block, grid * grid + 1);
    READS(part, grid + 1);
    READS(part_item, n_items);
    CSR_READS(ptr, idx, idx, 0, a->n_users);
}

DECLARE(sbpr)
{
    const size_t rank = (size_t)a->rank, blocks = (size_t)a->grid * (size_t)a->grid;
    (void)rows;
    UPDATES(user, a->n_users * rank);
    UPDATES(item, a->n_items * rank);
    UPDATES(item_bias, a->n_items);
    READS(sample, (size_t)a->block[blocks]);
    READS(block, blocks + 1);
}

DECLARE(mf2020)
{
    const size_t rank = (size_t)a->rank, grid = (size_t)a->grid, n_items = a->part[grid];
    UPDATES(user, a->n_users * rank);
    UPDATES(item, n_items * rank);
    UPDATES(user_bias, a->n_users);
    UPDATES(item_bias, n_items);
    READS(bias_from, grid);
    ROWS_WRITE(bias_to, 1, 1);
    READS(sample, (size_t)a->block[grid * grid]);
    READS(block, grid * grid + 1);
    READS(part, grid + 1);
    READS(part_item, n_items);
    READS(place, n_items);
}

DECLARE(knn_similar)
{
    const size_t first = a->first, last = first + rows, k = a->k;
    CSR_READS(a.ptr, a.idx, a.val, first, last);
    CSR_READS(transpose.ptr, transpose.idx, transpose.val, 0, CSR_COLUMNS(a.ptr, a.idx, first, last));
    READS(norm, (size_t)a->n);
    READS(other, (size_t)a->n);
    ROWS(neighbour, BUFFER_READ | BUFFER_WRITE, first * k, k, k);
    ROWS(value, BUFFER_READ | BUFFER_WRITE, first * k, k, k);
    ROWS(count, BUFFER_WRITE, first, 1, 1);
}

DECLARE(knn_gram)
{
    const size_t first = a->first, last = first + rows;
    CSR_READS(a.ptr, a.idx, a.val, first, last);
    CSR_READS(transpose.ptr, transpose.idx, transpose.val, 0, CSR_COLUMNS(a.ptr, a.idx, first, last));
    ROWS(gram, BUFFER_READ | BUFFER_WRITE, first * a->ld, a->ld, last);
}

DECLARE(knn_profile)
{
    size_t low, high;
    span(a->rows, rows, &low, &high);
    const size_t columns = CSR_COLUMNS(profile.ptr, profile.idx, low, high);
    CSR_READS(profile.ptr, profile.idx, profile.val, low, high);
    ROWS_READ(rows, 1, 1);
    if (a->sparse.ptr != NULL)
        CSR_READS(sparse.ptr, sparse.idx, sparse.val, 0, columns);
    if (columns > 0)
        READS(dense, (columns - 1) * a->ld_dense + a->n_columns);
    READS(column, (size_t)a->n_columns);
    const size_t written = a->dense != NULL && a->column != NULL ? a->n_out : a->n_columns;
    ROWS_WRITE(out, a->ld, written);
}

DECLARE(content_positive)
{
    ROWS_UPDATE(X, a->ld, (size_t)a->cols);
}

DECLARE(content_bayes)
{
    ROWS_UPDATE(X, a->ld, (size_t)a->cols);
    if (a->Z != NULL)
        ROWS_READ(Z, a->ld, (size_t)a->cols);
    else
        READS(all, (size_t)a->cols);
    ROWS_READ(n_liked, 1, 1);
    ROWS_READ(n_other, 1, 1);
    ROWS_WRITE(constant, 1, 1);
}

DECLARE(mf_rows)
{
    const size_t rank = (size_t)a->rank, nnz = (size_t)a->ptr[rows];
    UPDATES(X, rows * rank);
    UPDATES(S, rows * rank);
    READS(Y, (size_t)a->n_columns * rank);
    READS(ptr, rows + 1);
    READS(idx, nnz);
    READS(val, nnz);
    READS(drawn, a->negatives > 0 ? (size_t)a->n_drawn : 0);
}

DECLARE(mf_move)
{
    UPDATES(X, rows * (size_t)a->rank);
    READS(S, rows * (size_t)a->rank);
}

DECLARE(fm_sgd)
{
    const size_t n = a->n_features, rank = (size_t)a->rank;
    (void)rows;
    UPDATES(bias, 1);
    UPDATES(weight, n);
    UPDATES(factor, n * rank);
    UPDATES(bias_squares, 1);
    UPDATES(weight_squares, n);
    UPDATES(factor_squares, n * rank);
    CSR_READS(user.ptr, user.idx, user.val, 0, a->n_users);
    CSR_READS(item.ptr, item.idx, item.val, 0, a->n_items);
    READS(sample, (size_t)a->n);
}

/* Of fm_als, fm_als_sums and fm_als_change, whatever of it each touches. */
DECLARE(fm_als)
{
    UPDATES(error, (size_t)a->n);
    UPDATES(q, (size_t)a->n);
    UPDATES(theta, ((size_t)a->n_features - 1) * (size_t)a->stride + 1);
    CSR_READS(owner.ptr, owner.idx, owner.val, 0, a->n_features);
    READS(ptr, (size_t)a->n_owners + 1);
    READS(place, (size_t)a->n);
    ROWS_UPDATE(part, 2, 2);
}

DECLARE(slim)
{
    READS(gram, ((size_t)a->n - 1) * a->ld + a->n);
    READS(diagonal, (size_t)a->n);
    ROWS_WRITE(residual, a->ld, (size_t)a->n);
    ROWS_WRITE(weight, a->ld, (size_t)a->n);
    ROWS_WRITE(swept, 1, 1);
}

DECLARE(spmm_csr_dense)
{
    size_t low, high;
    span(a->rows, rows, &low, &high);
    const size_t columns = CSR_COLUMNS(ptr, idx, low, high);
    CSR_READS(ptr, idx, val, low, high);
    ROWS_READ(rows, 1, 1);
    if (columns > 0)
        READS(B, (columns - 1) * a->ldb + (size_t)a->cols);
    ROWS_WRITE(out, a->ldo, (size_t)a->cols);
}

DECLARE(spmm_csr_csr)
{
    size_t low, high;
    span(a->rows, rows, &low, &high);
    const size_t columns = CSR_COLUMNS(ptr, idx, low, high);
    CSR_READS(ptr, idx, val, low, high);
    ROWS_READ(rows, 1, 1);
    CSR_READS(s_ptr, s_idx, s_val, 0, columns);
    ROWS_WRITE(out, a->ldo, (size_t)a->cols);
}

DECLARE(spmm_dense_csr)
{
    const size_t n = (size_t)a->n, columns = CSR_COLUMNS(s_ptr, s_idx, 0, n);
    ROWS_READ(D, a->ldd, columns);
    CSR_READS(s_ptr, s_idx, s_val, 0, n);
    ROWS_WRITE(out, a->ldo, n);
}

DECLARE(spmm_normalize)
{
    ROWS_UPDATE(X, a->ld, (size_t)a->cols);
}

DECLARE(hits)
{
    size_t low, high;
    const size_t cuts = (size_t)a->n_k + 1;
    span(a->users, rows, &low, &high);
    ROWS_READ(item, (size_t)a->ld, (size_t)a->longest);
    ROWS_READ(users, 1, 1);
    CSR_READS(ptr, idx, gain, low, high);
    READS_FROM(power, (size_t)a->ptr[low], (size_t)(a->ptr[high] - a->ptr[low]));
    READS(k, (size_t)a->n_k);
    READS(discount, (size_t)a->longest);
    READS(clipped, (size_t)a->longest);
    READS(harmonic, (size_t)a->longest + 1);
    ROWS_WRITE(out, cuts, cuts);
    ROWS_WRITE(length, 1, 1);
}

DECLARE(randomisation)
{
    READS(difference, (size_t)a->n);
    ROWS_WRITE(sum, 1, 1);
}

DECLARE(topk)
{
    size_t low, high;
    span(a->users, rows, &low, &high);
    ROWS_UPDATE(scores, a->ld, (size_t)a->n_items);
    ROWS_READ(users, 1, 1);
    READS_FROM(item_bias, (size_t)a->first_item, (size_t)a->n_items);
    for (int m = 0; m < TOPK_MASKS; m++)
        if (a->mask[m].ptr != NULL)
            CSR_READS(mask[m].ptr, mask[m].idx, mask[m].idx, low, high);
    if (a->relevant.ptr != NULL)
        CSR_READS(relevant.ptr, relevant.idx, relevant.idx, low, high);
    ROWS_UPDATE(keys, TOPK_CAPACITY(a->k), TOPK_CAPACITY(a->k));
    ROWS_UPDATE(count, 1, 1);
    ROWS_UPDATE(threshold, 1, 1);
    ROWS_UPDATE(lost, 1, 1);
    ROWS_UPDATE(bad, 1, 1);
    if (!a->last)
        return;
    ROWS_WRITE(item, (size_t)a->k, (size_t)a->k);
    ROWS_WRITE(score, (size_t)a->k, (size_t)a->k);
    ROWS_WRITE(tied, 1, 1);
}

DECLARE(fusion_features)
{
    const size_t d = (size_t)a->d, each = (size_t)a->n_candidates, extra = (size_t)a->n_extra;
    const size_t columns = (size_t)(a->product + a->difference) * d + (size_t)a->cosine + extra;
    size_t groups = 0, users = 0, items = 0, texts = 0;
    for (size_t r = 0; r < rows; r++) {
        const size_t g = (size_t)a->groups[r], of_row = above(a->item + g * each, each);
        texts = a->texts != NULL && a->text_row[g] >= texts ? (size_t)a->text_row[g] + 1 : texts;
        groups = g >= groups ? g + 1 : groups;
        users = d > 0 && a->user[g] >= users ? (size_t)a->user[g] + 1 : users;
        items = of_row > items ? of_row : items;
    }
    ROWS_READ(groups, 1, 1);
    READS(sums, users * d);
    READS(V, items * d);
    READS(user, groups);
    READS(item, groups * each);
    READS(weight, groups);
    READS(alone, groups);
    READS(extra, groups * each * extra);
    READS(texts, texts * d);
    READS(text_row, groups);
    READS(mean, columns);
    READS(scale, columns);
    if (each > 0)
        ROWS(q, columns == a->ldq ? BUFFER_WRITE : BUFFER_READ | BUFFER_WRITE, 0, each * a->ldq,
             (each - 1) * a->ldq + columns);
}

DECLARE(fusion_score)
{
    const size_t users = rows / (size_t)a->n_tiles, d = (size_t)a->d, n = (size_t)a->n_items;
    READS(A, users * d);
    READS(U, users * d);
    READS(D, d);
    READS(known, users);
    if (d > 0)
        READS(VT, (d - 1) * a->ldv + n);
    READS(item_bias, n);
    if (a->ldo == n)
        WRITES(out, users * n);
    else
        UPDATES(out, (users - 1) * a->ldo + n);
}

DECLARE(fusion_attend)
{
    READS(S, rows * a->lds);
    READS(weight, a->lds);
    WRITES(out, rows);
}

DECLARE(fusion_standardize)
{
    const size_t n = (size_t)a->n_items;
    ROWS(S, a->out == NULL ? BUFFER_READ | BUFFER_WRITE : BUFFER_READ, 0, a->lds, n);
    ROWS_UPDATE(out, a->ldo, n);
}

DECLARE(preference_forward)
{
    ROWS_READ(q, a->ldq, (size_t)a->d);
    ROWS_READ(target, 1, 1);
    READS(W, (size_t)a->d);
    ROWS_WRITE(residual, 1, 1);
    ROWS_WRITE(loss, 1, 1);
}

DECLARE(preference_gradient)
{
    if (a->n > 0) {
        READS(q, ((size_t)a->n - 1) * a->ldq + (size_t)a->d);
        READS(residual, (size_t)a->n);
    }
    ROWS_WRITE(partial, (size_t)a->d, (size_t)a->d);
}

DECLARE(nn_linear)
{
    const size_t lines = (size_t)a->n_tiles * NN_TILE_ROWS, columns = (size_t)a->n_panels * NN_TILE_COLS;
    (void)rows;
    if (lines == 0)
        return;
    READS(x, (lines - 1) * (size_t)a->ldx + (size_t)a->k);
    READS(w, columns * (size_t)a->k);
    READS(bias, columns);
    if ((size_t)a->ldy == columns)
        WRITES(y, lines * columns);
    else
        UPDATES(y, (lines - 1) * (size_t)a->ldy + columns);
}

DECLARE(nn_pack)
{
    READS(w, (size_t)a->n * (size_t)a->k);
    ROWS_WRITE(packed, (size_t)a->k * NN_TILE_COLS, (size_t)a->k * NN_TILE_COLS);
}

DECLARE(nn_layer_norm)
{
    const size_t width = (size_t)a->width;
    ROWS_UPDATE(x, (size_t)a->ldx, width);
    ROWS_READ(add, (size_t)a->ld_add, width);
    READS(gamma, width);
    READS(beta, width);
}

DECLARE(nn_embed)
{
    const size_t width = (size_t)a->width;
    ROWS_READ(ids, 1, 1);
    ROWS_READ(places, 1, 1);
    READS(words, above(a->ids, rows) * width);
    READS(positions, above(a->places, rows) * width);
    READS(type, width);
    ROWS_WRITE(x, (size_t)a->ldx, width);
}

DECLARE(nn_pool)
{
    const size_t width = (size_t)a->width, tokens = a->first[rows];
    size_t last = 0;
    for (size_t r = 0; r < rows; r++)
        last = a->row[r] > last ? a->row[r] : last;
    if (tokens > 0)
        READS(x, (tokens - 1) * (size_t)a->ldx + width);
    READS(first, rows + 1);
    ROWS_READ(row, 1, 1);
    UPDATES(out, (last + 1) * width);
}

DECLARE(nn_curve)
{
    ROWS_READ(x, NN_CURVE, NN_CURVE);
    ROWS_WRITE(y, NN_CURVE, NN_CURVE);
}

DECLARE(nn8_pack)
{
    const size_t k = (size_t)NN8_PAD_K(a->k);
    READS(w, (size_t)a->n * (size_t)a->k);
    UPDATES(q, (rows + NN_TILE_COLS - 1) / NN_TILE_COLS * NN_TILE_COLS * k);
    UPDATES(scale, (rows + NN_TILE_COLS - 1) / NN_TILE_COLS * NN_TILE_COLS * k / NN8_BLOCK);
}

DECLARE(nn8_quantize)
{
    const size_t k = (size_t)NN8_PAD_K(a->k);
    ROWS_READ(x, (size_t)a->ldx, (size_t)a->k);
    ROWS_WRITE(a, k, k);
    ROWS_WRITE(scale, 1, 1);
}

DECLARE(nn8_linear)
{
    const size_t tokens = (size_t)a->n_tokens, columns = (size_t)a->n_panels * NN_TILE_COLS;
    (void)rows;
    if (tokens == 0)
        return;
    READS(a, (size_t)a->n_tiles * NN8_ROWS * (size_t)a->k);
    READS(a_scale, tokens);
    READS(q, columns * (size_t)a->k);
    READS(scale, columns * (size_t)a->k / NN8_BLOCK);
    READS(bias, columns);
    UPDATES(y, (tokens - 1) * (size_t)a->ldy + columns);
}

DECLARE(attention)
{
    const size_t texts = rows / (size_t)a->n_heads, tokens = a->first[texts];
    const size_t width = (size_t)a->n_heads * (size_t)a->head_size;
    READS(first, texts + 1);
    READS(qkv, (tokens + NN_TILE_ROWS) * (size_t)a->ld);
    if (tokens > 0)
        UPDATES(out, (tokens - 1) * (size_t)a->ld_out + width);
}

DECLARE(team_ops)
{
    const size_t n = (size_t)a->n;
#define NUMBERS(m)                                                                                           \
    ROWS_READ(m.x, n, n);                                                                                    \
    ROWS_WRITE(m.value, TEAM_OPS_VALUES, TEAM_OPS_VALUES);                                                   \
    ROWS_WRITE(m.before, n, n);                                                                              \
    ROWS_WRITE(m.place, 1, 1)
    NUMBERS(f);
    NUMBERS(d);
    NUMBERS(i);
#undef NUMBERS
    ROWS_WRITE(positive, n, n);
}

DECLARE(tree_histogram)
{
    READS(bin, (size_t)a->n * a->ld);
    READS(index, (size_t)a->m);
    READS(gradient, (size_t)a->n);
    READS(hessian, (size_t)a->n);
    ROWS_WRITE(part, (size_t)TREE_COLUMNS * TREE_BINS * 2, (size_t)TREE_COLUMNS * TREE_BINS * 2);
    (void)rows;
}

DECLARE(tree_histogram_sum)
{
    READS(part, (size_t)a->n_chunks * (size_t)a->n_groups * TREE_COLUMNS * TREE_BINS * 2);
    ROWS_WRITE(sum, (size_t)TREE_BINS * 2, (size_t)TREE_BINS * 2);
}

DECLARE(tree_predict)
{
    ROWS_READ(x, a->ldx, a->ldx);
    READS(node, a->n_nodes);
    READS(root, (size_t)a->n_trees);
    READS(set, a->n_sets * TREE_SETS);
    ROWS_WRITE(y, 1, 1);
}

DECLARE(quant_linear)
{
    const size_t tokens = (size_t)a->n_tokens;
    size_t columns = 0;
    (void)rows;
    READS(x, (tokens - 1) * (size_t)a->ldx + (size_t)a->k);
    for (int i = 0; i < a->n_matrices; i++) {
        const size_t end = (size_t)a->m[i].column + (size_t)a->m[i].n;
        READS(m[i].w, (size_t)a->m[i].row_bytes * (size_t)a->m[i].n);
        READS(m[i].bias, (size_t)a->m[i].n);
        columns = end > columns ? end : columns;
    }
    UPDATES(y, (tokens - 1) * (size_t)a->ldy + columns);
}

DECLARE(quant_rows)
{
    const size_t k = (size_t)a->k;
    ROWS_READ(ids, 1, 1);
    READS(w, above(a->ids, rows) * (size_t)a->row_bytes);
    if (a->p != NULL) {
        ROWS_READ(places, 1, 1);
        READS(p, above(a->places, rows) * (size_t)a->row_bytes_p);
    }
    ROWS_WRITE(x, (size_t)a->ldx, k);
}

DECLARE(quant_round)
{
    const size_t k = (size_t)a->k;
    ROWS_READ(x, (size_t)a->ldx, k);
    ROWS_WRITE(q, (size_t)a->ldq, k);
    ROWS_WRITE(part, (size_t)a->ld_part, k / 32 * 4);
}

DECLARE(quant_int8)
{
    const size_t tokens = (size_t)a->n_tokens, k = (size_t)a->k;
    size_t columns = 0;
    (void)rows;
    READS(q, (tokens - 1) * (size_t)a->ldq + k);
    READS(part, (tokens - 1) * (size_t)a->ld_part + k / 32 * 4);
    for (int i = 0; i < a->n_matrices; i++) {
        const size_t end = (size_t)a->m[i].column + (size_t)a->m[i].n;
        READS(m[i].w, (size_t)a->m[i].row_bytes * (size_t)a->m[i].n);
        READS(m[i].bias, (size_t)a->m[i].n);
        columns = end > columns ? end : columns;
    }
    UPDATES(y, (tokens - 1) * (size_t)a->ldy + columns);
}

DECLARE(decoder_norm)
{
    const size_t width = (size_t)a->width;
    ROWS_UPDATE(x, (size_t)a->ldx, width);
    ROWS_READ(add, (size_t)a->ld_add, width);
    READS(post, width);
    READS(gamma, width);
    READS(beta, width);
    ROWS_WRITE(out, (size_t)a->ld_out, width);
}

DECLARE(decoder_rope)
{
    const size_t d = (size_t)a->head_size, kv = (size_t)a->n_kv * d;
    const size_t heads = (size_t)a->n_heads + 2 * (size_t)a->n_kv, tokens = rows / heads;
    const size_t cells = above(a->cell, tokens);
    UPDATES(qkv, (tokens - 1) * (size_t)a->ld + heads * d);
    READS(angle, tokens * (size_t)(a->n_rotated / 2) * 2);
    READS(q_norm, d);
    READS(k_norm, d);
    READS(cell, tokens);
    UPDATES(keys, cells * kv);
    UPDATES(values, cells * kv);
}

DECLARE(decoder_attention)
{
    const size_t tiles = rows / (size_t)a->n_kv, d = (size_t)a->head_size;
    size_t tokens = 0, cells = 0;
    for (size_t i = 0; i < tiles; i++) {
        const struct decoder_tile *t = &a->tile[i];
        const size_t end = (size_t)t->position + t->n, own = end > t->shared ? t->own + end - t->shared : 0;
        tokens = (size_t)t->first + t->n > tokens ? (size_t)t->first + t->n : tokens;
        cells = t->shared > cells ? t->shared : cells;
        cells = own > cells ? own : cells;
    }
    READS(tile, tiles);
    READS(q, (tokens - 1) * (size_t)a->ld + (size_t)a->n_heads * d);
    READS(keys, cells * (size_t)a->n_kv * d);
    READS(values, cells * (size_t)a->n_kv * d);
    UPDATES(out, (tokens - 1) * (size_t)a->ld_out + (size_t)a->n_heads * d);
}

DECLARE(decoder_gate)
{
    ROWS_UPDATE(x, (size_t)a->ldx, (size_t)a->width * (a->gated ? 2 : 1));
}

DECLARE(decoder_logsum)
{
    ROWS_UPDATE(y, (size_t)a->ldy, (size_t)NN_PAD_COLS(a->n));
    ROWS_UPDATE(most, 1, 1);
    ROWS_UPDATE(sum, 1, 1);
}

DECLARE(contrast_loss)
{
    ROWS_UPDATE(scores, a->ld, (size_t)((a->n + 31) / 32 * 32));
    ROWS_UPDATE(positive, 1, 1);
    ROWS_WRITE(loss, 1, 1);
}

DECLARE(lstm_forward)
{
    const size_t n = (size_t)a->width;
    ROWS_UPDATE(gates, 4 * n, 4 * n);
    READS(bias, 4 * n);
    ROWS_READ(c_before, n, n);
    ROWS_WRITE(c, n, n);
    ROWS_WRITE(h, n, n);
    ROWS_READ(start, 1, 1);
}

DECLARE(lstm_backward)
{
    const size_t n = (size_t)a->width;
    ROWS_READ(gates, 4 * n, 4 * n);
    ROWS_READ(c, n, n);
    ROWS_READ(c_before, n, n);
    ROWS_READ(of_h, n, n);
    ROWS_UPDATE(of_c, n, n);
    ROWS_WRITE(of_gates, 4 * n, 4 * n);
    ROWS_READ(start, 1, 1);
}

DECLARE(nn_norm_keep)
{
    const size_t width = (size_t)a->width;
    ROWS_READ(x, (size_t)a->ldx, width);
    ROWS_READ(add, (size_t)a->ld_add, width);
    READS(gamma, width);
    READS(beta, width);
    ROWS_WRITE(y, (size_t)a->ldy, width);
    ROWS_WRITE(normal, (size_t)a->ld_normal, width);
    ROWS_WRITE(scale, 1, 1);
}

DECLARE(nn_norm_backward)
{
    const size_t width = (size_t)a->width;
    ROWS_UPDATE(of, (size_t)a->ld_of, width);
    ROWS_READ(add, (size_t)a->ld_add, width);
    READS(gamma, width);
    ROWS_READ(normal, (size_t)a->ld_normal, width);
    ROWS_READ(scale, 1, 1);
}

DECLARE(nn_gelu)
{
    ROWS_READ(x, (size_t)a->ldx, (size_t)a->width);
    ROWS_WRITE(y, (size_t)a->ldy, (size_t)a->width);
}

DECLARE(nn_gelu_backward)
{
    ROWS_READ(x, (size_t)a->ldx, (size_t)a->width);
    ROWS_UPDATE(of, (size_t)a->ld_of, (size_t)a->width);
}

DECLARE(nn_pool_backward)
{
    const size_t width = (size_t)a->width, tokens = a->first[rows];
    READS(first, rows + 1);
    ROWS_READ(of_out, width, width);
    if (tokens > 0) {
        READS(x, (tokens - 1) * (size_t)a->ldx + width);
        UPDATES(of_x, (tokens - 1) * (size_t)a->ld_of + width);
    }
}

DECLARE(nn_dropout)
{
    const size_t width = (size_t)a->width;
    ROWS_READ(x, (size_t)a->ldx, width);
    ROWS_READ(place, 1, 1);
    if (a->add)
        ROWS_UPDATE(y, (size_t)a->ldy, width);
    else
        ROWS_WRITE(y, (size_t)a->ldy, width);
}

DECLARE(attention_back)
{
    const size_t texts = rows / (size_t)a->n_heads, tokens = a->first[texts];
    const size_t width = (size_t)a->n_heads * (size_t)a->head_size;
    READS(first, texts + 1);
    if (tokens > 0) {
        READS(qkv, (tokens - 1) * (size_t)a->ld + 3 * width);
        READS(of_out, (tokens - 1) * (size_t)a->ld_out + width);
        UPDATES(of_qkv, (tokens - 1) * (size_t)a->ld_of + 3 * width);
    }
}

DECLARE(history)
{
    size_t low, high;
    span(a->user, rows, &low, &high);
    const size_t items = CSR_COLUMNS(ptr, idx, low, high), d = (size_t)a->d;
    READS_FROM(ptr, low, high - low + 1);
    READS_FROM(idx, (size_t)a->ptr[low], (size_t)(a->ptr[high] - a->ptr[low]));
    ROWS_READ(user, 1, 1);
    ROWS_READ(skip, 1, 1);
    READS(score, items);
    READS(items, items * d);
    ROWS_READ(h, d, d);
    ROWS_READ(of, d, d);
    ROWS_WRITE(out, d, d);
}
