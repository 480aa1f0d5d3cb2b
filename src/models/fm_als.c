/*
 * fm_als.c - factorization machines by alternating least squares (Rendle 2012, "Factorization machines with libFM", ACM TIST
 * 3(3), section 3.3): the bias, each weight, each factor in turn is set to its exact optimum with all others fixed, and the
 * errors of its train rows move along.
 *
 * Features of a field that exclude each other (ids, categories) are solved side by side; others one by one, their sums cut
 * into chunks of fixed size.  So threads change nothing.
 */
#include <math.h>
#include <time.h>

#include "models/fm_machine.h"

enum { CHUNK = 32 }; /* owners a launch row */

struct als {
    const struct fm_machine *m;
    const struct view *train;
    struct run *run;
    struct csr of_user, of_item; /* features -> owners */
    int64_t *place;              /* by_item's entries -> by_user's */
    float *error, *q;            /* [nnz] */
    float *of_users, *of_items;  /* [n_users], [n_items]: a column's sums */
    float *part;
    struct fm_state sums;
};

/* place[e]: where entry e of by_item stands in by_user. */
static void find_places(const struct view *train, int64_t *at, int64_t *place)
{
    const struct csr *a = train->by_user;
    for (uint32_t i = 0; i < train->n_items; i++)
        at[i] = train->by_item->ptr[i];
    for (int64_t e = 0; e < a->nnz; e++)
        place[at[a->idx[e]]++] = e;
}

static enum status prepare(struct als *als)
{
    const struct view *train = als->train;
    const struct fm_design *d = &als->m->design;
    struct arena *scratch = als->run->scratch;
    int64_t *at;
    TRY(csr_transpose(&d->users, scratch, &als->of_user));
    TRY(csr_transpose(&d->items, scratch, &als->of_item));
    ARENA_NEW(at, scratch, train->n_items);
    ARENA_NEW(als->place, scratch, (size_t)train->by_user->nnz);
    ARENA_NEW(als->error, scratch, (size_t)train->by_user->nnz);
    ARENA_NEW(als->q, scratch, (size_t)train->by_user->nnz);
    ARENA_NEW(als->of_users, scratch, train->n_users);
    ARENA_NEW(als->of_items, scratch, train->n_items);
    ARENA_NEW(als->part, scratch, 2 * (((size_t)train->n_users + train->n_items) / CHUNK + 1));
    find_places(train, at, als->place);
    TRY(fm_state_new(&als->sums, als->m, train, scratch));
    return STATUS_OK;
}

/* sum[r] = sum of x theta[j * stride] over row r. */
static void column_sums(const struct csr *a, const float *theta, long stride, float *sum)
{
#pragma omp parallel for schedule(static)
    for (uint32_t r = 0; r < a->n_rows; r++) {
        float s = 0.0f;
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++)
            s += a->val[e] * theta[(long)a->idx[e] * stride];
        sum[r] = s;
    }
}

/* q of every train row for the column `theta`. */
static void start_column(struct als *als, const float *theta, long stride)
{
    const struct csr *a = als->train->by_user;
    column_sums(&als->m->design.users, theta, stride, als->of_users);
    column_sums(&als->m->design.items, theta, stride, als->of_items);
#pragma omp parallel for schedule(static)
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            als->q[e] = als->of_users[u] + als->of_items[a->idx[e]];
}

static enum status solve_overlapping(struct als *als, struct fm_als *args, const struct fm_field *field,
                                     const struct csr *owners)
{
    for (uint32_t j = field->first; j < field->last; j++) {
        const long rows = (long)((owners->ptr[j + 1] - owners->ptr[j] + CHUNK - 1) / CHUNK);
        float *theta = &args->theta[(long)j * args->stride];
        double hh = 0, he = 0;
        args->feature = j;
        TRY(backend_launch(als->run->backend, &kernel_fm_als_sums, args, rows, 0));
        for (long r = 0; r < rows; r++)
            hh += (double)als->part[2 * r], he += (double)als->part[2 * r + 1];
        const double all = hh + (double)args->regularization;
        const float new = all > 0 ? (float)(((double)*theta * hh + he) / all) : *theta;
        args->change = new - *theta;
        TRY(backend_launch(als->run->backend, &kernel_fm_als_change, args, rows, 0));
        *theta = new;
    }
    return STATUS_OK;
}

/* Every feature's parameter of one kind: weights, or one column of the factors. */
static enum status solve(struct als *als, float *theta, long stride, bool linear, double regularization)
{
    const struct fm_design *d = &als->m->design;
    if (*als->run->cancelled)
        return STATUS_STOPPED;
    if (!linear)
        start_column(als, theta, stride);
    for (uint32_t f = 0; f < d->n_fields; f++) {
        const struct fm_field *field = &d->fields[f];
        const struct csr *owners = field->of_users ? &als->of_user : &als->of_item;
        struct fm_als args = {.error = als->error,
                              .q = als->q,
                              .theta = theta,
                              .stride = stride,
                              .owner = {owners->ptr, owners->idx, owners->val},
                              .ptr = field->of_users ? als->train->by_user->ptr : als->train->by_item->ptr,
                              .place = field->of_users ? NULL : als->place,
                              .part = field->one_each ? NULL : als->part,
                              .feature = field->first,
                              .n = als->train->by_user->nnz,
                              .n_owners = owners->n_cols,
                              .n_features = d->n_features,
                              .chunk = CHUNK,
                              .regularization = (float)regularization,
                              .linear = linear};
        if (field->one_each)
            TRY(backend_launch(als->run->backend, &kernel_fm_als, &args, (long)(field->last - field->first),
                               0));
        else
            TRY(solve_overlapping(als, &args, field, owners));
    }
    return STATUS_OK;
}

/* error = value - score, anew from the parameters, so that rounding doesn't gather over epochs. */
static void start_errors(struct als *als)
{
    const struct csr *a = als->train->by_user;
    const struct fm_state *s = &als->sums;
    fm_state_fill(&als->sums, als->m);
#pragma omp parallel for schedule(static)
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++) {
            const float *p = s->user + u * s->ld, *q = s->item + a->idx[e] * s->ld;
            float dot = 0.0f;
#pragma omp simd reduction(+ : dot)
            for (uint32_t k = 0; k < s->factors; k++)
                dot += p[k] * q[k];
            als->error[e] = a->val[e] - s->bias - s->user_bias[u] - s->item_bias[a->idx[e]] - dot;
        }
}

/* Of the errors at the start of a sweep: how the one before it ended. */
static double rmse_of(const struct als *als)
{
    const int64_t n = als->train->by_user->nnz;
    double sum = 0;
    for (int64_t e = 0; e < n; e++)
        sum += (double)als->error[e] * (double)als->error[e];
    return n > 0 ? sqrt(sum / (double)n) : 0;
}

static void solve_bias(struct als *als, double regularization)
{
    const int64_t n = als->train->by_user->nnz;
    const double old = (double)als->m->bias[0];
    double sum = 0;
    for (int64_t e = 0; e < n; e++)
        sum += (double)als->error[e];
    const float new = n > 0 ? (float)((sum + old * (double)n) / ((double)n + regularization)) : 0.0f;
    for (int64_t e = 0; e < n; e++)
        als->error[e] -= new - (float)old;
    als->m->bias[0] = new;
}

enum status fm_als_run(const struct fm_machine *m, const struct fm_als_options *o, const struct view *train,
                       struct fm_watch *watch, struct run *run)
{
    bool stop = false;
    struct als als = {.m = m, .train = train, .run = run};
    time_t told = time(NULL);
    TRY(prepare(&als));
    for (int epoch = 0; epoch < o->epochs && !stop; epoch++) {
        start_errors(&als);
        if (run->curve != NULL && epoch > 0)
            run_curve(run, "rmse", epoch, rmse_of(&als));
        solve_bias(&als, o->reg_bias);
        TRY(solve(&als, m->weight, 1, true, o->reg_weight));
        for (uint32_t k = 0; k < m->factors; k++)
            TRY(solve(&als, m->factor + k, (long)m->ld, false, o->reg_factor));
        if (watch != NULL)
            TRY(fm_watch_step(watch, epoch + 1, run, &stop));
        if (time(NULL) >= told + 2) { /* short fits say nothing */
            progress_label(run->progress, "fm: sweep %d of %d", epoch + 1, o->epochs);
            told = time(NULL);
        }
    }
    return STATUS_OK;
}
