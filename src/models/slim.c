/*
 * slim.c - sparse linear methods: each item's column of weights by an elastic net (Ning and Karypis 2011).
 *
 *     W_j minimises  |x_j - X w|^2 / (2 n_users) + alpha l1_ratio |w|_1 + alpha (1 - l1_ratio) / 2 |w|^2
 *     with w_j = 0 and, where `positive`, w >= 0;   score(u, .) = x_u W
 *
 * X [n_users x n_items] is 1 for an interaction (binary: false: the rating).  alpha and l1_ratio scale as in
 * scikit-learn's ElasticNet without an intercept, which the frameworks of Ferrari Dacrema et al. (RecSys 2019) and
 * Elliot fit; like theirs, of each column the k weights of largest absolute value are kept.
 *
 * Steps: the Gram matrix X'X (kernel knn_gram), then columns by coordinate descent on it (kernel slim_column),
 * which never looks at X again; columns are independent, so threads change nothing.  An item without
 * interactions has neither a column nor weight in another.
 * Memory: a float matrix [n_items x n_items] and two of [COLUMNS x n_items] while fitting.
 */
#include <math.h>
#include <time.h>

#include "knn.h"
#include "models/history.h"
#include "models/neighbours.h"
#include "models/sparsify.h"
#include "slim.h"

struct slim_params {
    int k;
    double alpha, l1_ratio;
    bool positive, binary;
    int max_iterations;
    double tolerance;
};
#define P struct slim_params
static const struct param slim_params[] = {
    PARAM_INT(P, k, 100, 1, 100000, "weights kept of an item's column"),
    PARAM_REAL(P, alpha, 0.1, 0, 1e6, "weight of the penalty, of the loss averaged over users"),
    PARAM_REAL(P, l1_ratio, 0.01, 0, 1, "share of L1 in the penalty, the rest is L2 / 2"),
    PARAM_BOOL(P, positive, 1, "weights are not negative"),
    PARAM_BOOL(P, binary, 1, "every interaction counts 1, whatever its value"),
    PARAM_INT(P, max_iterations, 100, 1, 100000, "sweeps over a column's coordinates, at most"),
    PARAM_REAL(P, tolerance, 0.0001, 1e-7, 1,
               "a column is done when no weight moved by more than this share of its largest"),
    PARAM_END};
#undef P

enum { COLUMNS = 256 }; /* a launch */

/* X'X, both triangles, [n x ld]. */
static enum status slim_gram(const struct view *train, bool binary, size_t ld, struct run *run, float **out)
{
    const struct csr *a = train->by_item, *t = train->by_user;
    const uint32_t n = train->n_items;

    ARENA_NEW(*out, run->scratch, n * ld);
    const struct knn_gram k = {.a = {a->ptr, a->idx, binary ? NULL : a->val},
                               .transpose = {t->ptr, t->idx, binary ? NULL : t->val},
                               .gram = *out,
                               .ld = ld};
    TRY(backend_launch(run->backend, &kernel_knn_gram, &k, n, 0));
#pragma omp parallel for schedule(dynamic, 16)
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = i + 1; j < n; j++)
            (*out)[i * ld + j] = (*out)[j * ld + i];
    return STATUS_OK;
}

/* The columns of one launch as rows of a sparse matrix, cut to `keep`, in `arena`. */
static enum status take(const struct slim *k, uint32_t n, uint32_t keep, uint64_t seed, struct arena *scratch,
                        struct arena *arena, struct csr *out)
{
    int64_t *ptr;
    uint32_t *idx;
    float *val;

    ARENA_NEW(ptr, scratch, (size_t)n + 1);
    for (uint32_t r = 0; r < n; r++) {
        ptr[r + 1] = ptr[r];
        for (uint32_t c = 0; c < k->n; c++)
            ptr[r + 1] += k->weight[r * k->ld + c] != 0;
    }
    ARENA_NEW(idx, scratch, (size_t)ptr[n]);
    ARENA_NEW(val, scratch, (size_t)ptr[n]);
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t c = 0, at = 0; c < k->n; c++)
            if (k->weight[r * k->ld + c] != 0) {
                idx[ptr[r] + at] = c;
                val[ptr[r] + at++] = k->weight[r * k->ld + c];
            }
    const struct csr whole = {n, k->n, ptr[n], ptr, idx, val};
    return csr_keep_largest(&whole, keep, seed + k->first, scratch, arena, out);
}

/* W from the rows of W' in pieces. */
static enum status join(const struct csr *piece, uint32_t n_pieces, uint32_t n, struct run *run,
                        struct csr *out)
{
    int64_t *ptr;
    uint32_t *idx, row = 0;
    float *val;

    ARENA_NEW(ptr, run->scratch, (size_t)n + 1);
    for (uint32_t p = 0; p < n_pieces; p++)
        for (uint32_t r = 0; r < piece[p].n_rows; r++, row++)
            ptr[row + 1] = ptr[row] + piece[p].ptr[r + 1] - piece[p].ptr[r];
    ARENA_NEW(idx, run->scratch, (size_t)ptr[n]);
    ARENA_NEW(val, run->scratch, (size_t)ptr[n]);
    for (uint32_t p = 0; p < n_pieces; p++) {
        const int64_t at = ptr[p * COLUMNS];
        for (int64_t e = 0; e < piece[p].nnz; e++) {
            idx[at + e] = piece[p].idx[e];
            val[at + e] = piece[p].val[e];
        }
    }
    const struct csr transposed = {n, n, ptr[n], ptr, idx, val};
    return csr_transpose(&transposed, run->arena, out);
}

/* How the descent went: the share of columns that still moved after a sweep, at most some 200 points.  finished: [sweeps + 2]
 * columns that ended in a sweep. */
static void tell(const struct run *run, const uint32_t *finished, int sweeps, uint32_t n)
{
    int last = sweeps;
    uint32_t moving = n - finished[0];
    while (last > 1 && finished[last] == 0 && finished[sweeps + 1] == 0)
        last--;
    const int stride = last / 200 + 1;
    for (int sweep = 1; sweep <= last && n > 0; sweep++) {
        moving -= finished[sweep];
        if (sweep % stride == 0 || sweep == last)
            run_curve(run, "columns still moving", sweep, (double)moving / n);
    }
}

/* All columns; warns of those that did not converge. */
static enum status slim_columns(struct slim *k, const struct slim_params *p, struct run *run, struct csr *out)
{
    const uint32_t n = k->n, n_pieces = (n + COLUMNS - 1) / COLUMNS;
    struct csr *piece;
    float *diagonal;
    uint32_t *finished;
    enum status status = STATUS_OK;
    time_t told = time(NULL);

    ARENA_NEW(piece, run->scratch, n_pieces);
    ARENA_NEW(k->residual, run->scratch, COLUMNS * k->ld);
    ARENA_NEW(k->weight, run->scratch, COLUMNS * k->ld);
    ARENA_NEW(k->swept, run->scratch, COLUMNS);
    ARENA_NEW(diagonal, run->scratch, n);
    ARENA_NEW(finished, run->scratch, (size_t)p->max_iterations + 2);
    for (uint32_t i = 0; i < n; i++)
        diagonal[i] = k->gram[i * k->ld + i];
    k->diagonal = diagonal;
    TRY(backend_keep(run->backend, k->gram, n * k->ld * sizeof *k->gram));
    for (uint32_t i = 0; i < n_pieces && status == STATUS_OK; i++) {
        const uint32_t rows = n - i * COLUMNS < COLUMNS ? n - i * COLUMNS : COLUMNS;
        if (*run->cancelled)
            return STATUS_STOPPED;
        struct arena *mine = arena_new(); /* the whole columns; only what is kept outlives the launch */
        if (mine == NULL)
            return STATUS_SYSTEM;
        k->first = i * COLUMNS;
        status = backend_launch(run->backend, &kernel_slim_column, k, rows, 0);
        if (status == STATUS_OK)
            status = take(k, rows, (uint32_t)p->k, run->seed, mine, run->scratch, &piece[i]);
        arena_free(mine);
        for (uint32_t r = 0; r < rows; r++)
            finished[k->swept[r] > p->max_iterations ? p->max_iterations + 1 : k->swept[r]]++;
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "slim: column %u of %u", i * COLUMNS + rows, n);
            told = time(NULL);
        }
    }
    TRY(status);
    tell(run, finished, p->max_iterations, n);
    if (finished[p->max_iterations + 1] > 0)
        log_warn("slim: %u of %u columns still moved after max_iterations (%d); raise it, or tolerance (%g)",
                 finished[p->max_iterations + 1], n, p->max_iterations, p->tolerance);
    return join(piece, n_pieces, n, run, out);
}

static enum status slim_set_history(void *state, const void *params, const struct view *history,
                                    struct run *run)
{
    const struct slim_params *p = params;
    return history_copy(history->by_user, p->binary ? HISTORY_EQUAL : HISTORY_RATING, run->arena,
                        &((struct knn_state *)state)->profile);
}

static enum status slim_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct knn_state *s = state;
    const struct slim_params *p = params;
    const double n_users = train->n_users;
    struct slim k = {.n = train->n_items,
                     .ld = ((size_t)train->n_items + 15) / 16 * 16,
                     .l1 = (float)(n_users * p->alpha * p->l1_ratio),
                     .l2 = (float)(n_users * p->alpha * (1 - p->l1_ratio)),
                     .positive = p->positive,
                     .sweeps = p->max_iterations,
                     .tolerance = (float)p->tolerance};
    float *gram;

    TRY(slim_gram(train, p->binary, k.ld, run, &gram));
    k.gram = gram;
    TRY(slim_columns(&k, p, run, &s->matrix));
    for (int64_t e = 0; e < s->matrix.nnz; e++)
        if (!isfinite(s->matrix.val[e]))
            return status_fail(STATUS_DATA,
                               "slim: a weight is %g: ratings are too large, or alpha (%g) too small",
                               (double)s->matrix.val[e], p->alpha);
    TRY(slim_set_history(s, p, train, run));
    s->n_items = train->n_items;
    s->backend = run->backend;
    return STATUS_OK;
}

/* A sweep moves about the kept coordinates, each by a row of the Gram matrix; some ten sweeps do. */
static void slim_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
                      double *flops)
{
    const struct slim_params *p = params;
    const double n = n_items, row = (double)nnz / (n_users > 0 ? n_users : 1);
    const double kept = p->k < (int)n_items ? p->k : n;

    *bytes = 4.0 * n * n + 8.0 * COLUMNS * n + 24.0 * n * kept;
    *flops = 2.0 * (double)nnz * row + 20.0 * n * kept * n;
}

const struct model_type model_slim = {.name = "slim",
                                      .family = "linear",
                                      .source = "Ning, Karypis 2011; Friedman, Hastie, Tibshirani 2010",
                                      .help = "sparse linear item-item weights by an elastic net",
                                      .version = 1,
                                      .params = slim_params,
                                      .params_size = sizeof(struct slim_params),
                                      .state_size = sizeof(struct knn_state),
                                      .cost = slim_cost,
                                      .fit = slim_fit,
                                      .set_history = slim_set_history,
                                      .score_users = knn_score_users,
                                      .save = knn_save,
                                      .load = knn_load};
