/*
 * neighbours.c - see neighbours.h.  Similarities and selection are the kernel knn_similar, scores
 * knn_profile_sparse (kernels/knn.cu).
 *
 * Sources: cosine and shrinkage as in the framework of Ferrari Dacrema, Cremonesi, Jannach (RecSys 2019),
 * without its 1e-6 in the denominator; the others stand in neighbours.h.  Limits: n below 2^24 rows.
 */
#include "models/neighbours.h"

#include <math.h>

#include "knn.h"
#include "models/history.h"
#include "models/model_io.h"

enum { ROWS_A_LAUNCH = 4096 }; /* between two looks at run->cancelled */

static enum status refuse(const struct node *where, const char *sentence, double value)
{
    return where != NULL ? node_fail(where, sentence, value) : status_fail(STATUS_USAGE, sentence, value);
}

enum status knn_check(const void *params, const struct node *where)
{
    const struct knn_params *p = params;
    const bool compares = p->similarity >= SIMILARITY_ADJUSTED_COSINE && p->similarity <= SIMILARITY_MSD;

    if (p->similarity == SIMILARITY_BM25 && p->shrinkage != 0)
        return refuse(where, "shrinkage is %g, but bm25 has no norm to add it to: set shrinkage: 0",
                      p->shrinkage);
    if (p->similarity == SIMILARITY_DOT && p->shrinkage != 0)
        return refuse(where, "shrinkage is %g, but dot has no norm to add it to: set shrinkage: 0",
                      p->shrinkage);
    if (compares && p->binary)
        return refuse(where,
                      "adjusted_cosine, pearson, pearson_baseline and msd compare ratings, but binary is %g: "
                      "set binary: "
                      "false",
                      1.0);
    if (compares && p->weighting != WEIGHTING_NONE)
        return refuse(where,
                      "adjusted_cosine, pearson, pearson_baseline and msd compare ratings, but weighting is "
                      "number %g of "
                      "its choices: set weighting: none",
                      p->weighting);
    if (p->similarity == SIMILARITY_BM25 && p->weighting == WEIGHTING_TF_IDF)
        return refuse(where,
                      "weighting is tf_idf, but similarity bm25 weighs by itself (choice %g): take dot",
                      p->similarity);
    return STATUS_OK;
}

static double value_at(const struct csr *a, int64_t e)
{
    return a->val == NULL ? 1.0 : (double)a->val[e];
}

/* [n] sums of squares to that power; the square roots are Euclidean lengths. */
static enum status row_norms(const struct csr *a, double power, struct arena *arena, const float **out)
{
    float *norm;
    ARENA_NEW(norm, arena, a->n_rows);
    for (uint32_t r = 0; r < a->n_rows; r++) {
        double sum = 0;
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++)
            sum += value_at(a, e) * value_at(a, e);
        norm[r] = (float)(power == 1 ? sum : power == 0.5 ? sqrt(sum) : sum > 0 ? pow(sum, power) : 0);
    }
    *out = norm;
    return STATUS_OK;
}

/* [n] each: a row's sum over the root of the number of columns, and its length less its mean over all of them. */
static enum status row_deviations(const struct csr *a, struct arena *arena, const float **sums,
                                  const float **lengths)
{
    float *sum, *length;
    ARENA_NEW(sum, arena, a->n_rows);
    ARENA_NEW(length, arena, a->n_rows);
    for (uint32_t r = 0; r < a->n_rows; r++) {
        double s = 0, squares = 0;
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++)
            s += value_at(a, e), squares += value_at(a, e) * value_at(a, e);
        const double apart = squares - s * s / a->n_cols;
        sum[r] = (float)(s / sqrt(a->n_cols));
        length[r] = apart > 1e-9 * squares ? (float)sqrt(apart)
                                           : 0; /* 0: alike in every column, without correlation */
    }
    *sums = sum, *lengths = length;
    return STATUS_OK;
}

/* The kernel's matrices, norms and similarity. */
static enum status prepare(const struct csr *a, const struct csr *transpose, const struct knn_params *p,
                           struct arena *scratch, struct knn_similar *k)
{
    k->a = (struct knn_rows){a->ptr, a->idx, a->val};
    k->transpose = (struct knn_rows){transpose->ptr, transpose->idx, transpose->val};
    k->shrinkage = (float)p->shrinkage;
    switch (p->similarity) {
    case SIMILARITY_JACCARD:
    case SIMILARITY_TANIMOTO:
        k->similarity = KNN_JACCARD;
        return row_norms(a, 1, scratch, &k->norm);
    case SIMILARITY_DICE:
        k->similarity = KNN_RATIO;
        k->scale = 2, k->own = 1, k->others = 1, k->both = 0;
        return row_norms(a, 1, scratch, &k->norm);
    case SIMILARITY_TVERSKY:
        k->similarity = KNN_RATIO;
        k->scale = 1, k->own = (float)p->tversky_alpha, k->others = (float)p->tversky_beta;
        k->both = (float)(1 - p->tversky_alpha - p->tversky_beta);
        return row_norms(a, 1, scratch, &k->norm);
    case SIMILARITY_ASYMMETRIC_COSINE:
        k->similarity = KNN_COSINE;
        TRY(row_norms(a, 1 - p->asymmetric_alpha, scratch, &k->other));
        return row_norms(a, p->asymmetric_alpha, scratch, &k->norm);
    case SIMILARITY_MSD:
        k->similarity = KNN_MSD;
        return STATUS_OK;
    case SIMILARITY_CORRELATION:
        k->similarity = KNN_CORRELATION;
        return row_deviations(a, scratch, &k->other, &k->norm);
    case SIMILARITY_BM25:
    case SIMILARITY_DOT:
        k->similarity = KNN_DOT;
        return STATUS_OK;
    default:
        k->similarity = p->similarity == SIMILARITY_PEARSON_BASELINE ? KNN_SUPPORT : KNN_COSINE;
        return row_norms(a, 0.5, scratch, &k->norm);
    }
}

/* Each row's values divided by their sum or largest. */
static void normalize_rows(const struct csr *lists, int norm, float *val)
{
    for (uint32_t r = 0; r < lists->n_rows && norm != NORM_NONE; r++) {
        double by = 0;
        for (int64_t e = lists->ptr[r]; e < lists->ptr[r + 1]; e++)
            by = norm == NORM_SUM ? by + (double)val[e] : fmax(by, (double)val[e]);
        for (int64_t e = lists->ptr[r]; e < lists->ptr[r + 1] && by > 0; e++)
            val[e] = (float)((double)val[e] / by);
    }
}

/* The kernel's lists as compressed rows, columns rising. */
static enum status pack(const struct knn_similar *k, struct arena *arena, struct csr *out)
{
    int64_t *ptr;
    uint32_t *idx;
    float *val;

    ARENA_NEW(ptr, arena, (size_t)k->n + 1);
    for (uint32_t r = 0; r < k->n; r++)
        ptr[r + 1] = ptr[r] + k->count[r];
    ARENA_NEW(idx, arena, (size_t)ptr[k->n]);
    ARENA_NEW(val, arena, (size_t)ptr[k->n]);
    for (uint32_t r = 0; r < k->n; r++)
        for (uint32_t i = 0; i < k->count[r];
             i++) { /* the kernel's lanes each write rising columns: nearly sorted */
            const uint32_t c = k->neighbour[(size_t)r * k->k + i];
            const float v = k->value[(size_t)r * k->k + i];
            int64_t at = ptr[r] + i;
            for (; at > ptr[r] && idx[at - 1] > c; at--) {
                idx[at] = idx[at - 1];
                val[at] = val[at - 1];
            }
            idx[at] = c;
            val[at] = v;
        }
    *out = (struct csr){k->n, k->n, ptr[k->n], ptr, idx, val};
    return STATUS_OK;
}

enum status knn_launch(struct knn_similar *k, struct run *run, struct csr *out)
{
    const uint32_t n = k->n;

    k->seed = run->seed;
    k->stream = RANDOM_TIES;
    ARENA_NEW(k->neighbour, run->scratch, (size_t)n * k->k);
    ARENA_NEW(k->value, run->scratch, (size_t)n * k->k);
    ARENA_NEW(k->count, run->scratch, n);
    TRY(backend_keep_launch(run->backend, &kernel_knn_similar, k, n));
    for (uint32_t first = 0; first < n; first += ROWS_A_LAUNCH) {
        if (*run->cancelled)
            return STATUS_STOPPED;
        k->first = first;
        TRY(backend_launch(run->backend, &kernel_knn_similar, k,
                           n - first < ROWS_A_LAUNCH ? n - first : ROWS_A_LAUNCH, KNN_SIMILAR_SCRATCH(n)));
    }
    TRY(backend_fetch(run->backend, k->neighbour));
    TRY(backend_fetch(run->backend, k->value));
    TRY(backend_fetch(run->backend, k->count));
    return pack(k, run->arena, out);
}

enum status knn_neighbours(const struct view *train, bool items, const struct knn_params *p, struct run *run,
                           struct csr *out)
{
    const uint32_t n = items ? train->n_items : train->n_users;
    struct knn_similar k = {.n = n, .k = (uint32_t)p->k < n ? (uint32_t)p->k : n};
    struct csr a, transpose;

    if (n >= 1u << 24)
        return status_fail(
            STATUS_USAGE, "neighbourhood models take fewer than %u users or items, here are %u", 1u << 24, n);
    TRY(knn_weigh(train, items, p, run, &a, &transpose));
    TRY(prepare(&a, &transpose, p, run->scratch, &k));
    TRY(knn_launch(&k, run, out));
    normalize_rows(out, p->normalize, (float *)(uintptr_t)out->val);
    return STATUS_OK;
}

enum status knn_score_users(const void *state, const uint32_t *users, size_t n, const struct tile *out)
{
    const struct knn_state *s = state;
    const struct knn_profile k = {.profile = {s->profile.ptr, s->profile.idx, s->profile.val},
                                  .rows = users,
                                  .sparse = {s->matrix.ptr, s->matrix.idx, s->matrix.val},
                                  .n_columns = s->n_items,
                                  .out = out->scores,
                                  .ld = out->ld};

    TRY(backend_keep_csr(s->backend, &s->profile));
    TRY(backend_keep_csr(s->backend, &s->matrix));
    return backend_launch(s->backend, &kernel_knn_profile_sparse, &k, (long)n, 0);
}

enum status knn_save(const void *state, struct model_writer *w)
{
    const struct knn_state *s = state;
    const uint32_t shape[4] = {s->profile.n_cols, s->profile.val != NULL, s->n_items, s->matrix.val != NULL};

    TRY(model_put(w, "shape", ARRAY_U32, 4, 1, shape));
    TRY(csr_put(w, "profile", &s->profile));
    return csr_put(w, "matrix", &s->matrix);
}

enum status knn_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct knn_state *s = state;
    uint64_t rows = 4, cols = 1;
    const void *array;

    (void)params;
    TRY(model_get(r, "shape", ARRAY_U32, &rows, &cols, &array));
    const uint32_t *shape = array;
    TRY(csr_get(r, "profile", shape[0], shape[1], &s->profile));
    TRY(csr_get(r, "matrix", shape[2], shape[3], &s->matrix));
    if (s->profile.n_cols != s->matrix.n_rows)
        return status_fail(STATUS_DATA,
                           "the model file's profile has %u columns and its matrix %u rows, expected the "
                           "same: the file is damaged",
                           s->profile.n_cols, s->matrix.n_rows);
    s->n_items = shape[2];
    s->backend = run->backend;
    return STATUS_OK;
}

void knn_cost(const struct knn_params *p, uint32_t rows, uint32_t columns, uint64_t nnz, double *bytes,
              double *flops)
{
    const double meet = (double)nnz / (columns > 0 ? columns : 1);
    const double kept = (double)rows * ((uint32_t)p->k < rows ? (uint32_t)p->k : rows);
    *bytes = 16.0 * kept + 12.0 * rows * 2 + 8.0 * (double)nnz;
    *flops = 16.0 * (double)nnz * meet; /* scattered adds: about a sixteenth of the rate of a product */
}
