/*
 * check_fm.c - fm_sgd on all losses, with and without AdaGrad, against the same steps in double; fm_als, fm_als_sums and
 * fm_als_change against sums over a dense table of features.
 */
#include <math.h>
#include <string.h>

#include "check.h"
#include "fm.h"

enum { USERS = 7, ITEMS = 9, FEATURES = 11, OF_USERS = 5, RANK = 64, SAMPLES = 12 };
/* Features 0 .. OF_USERS - 1 describe users, the others items; the last item shares features with its neighbours. */

static struct fm_rows features(const char *name, int n, int first, int last, uint32_t stream)
{
    int64_t *ptr = check_buffer(name, (size_t)n + 1, sizeof *ptr);
    uint32_t *idx = check_buffer(name, (size_t)(n * FEATURES), sizeof *idx);
    float *val = check_buffer(name, (size_t)(n * FEATURES), sizeof *val);
    for (int r = 0; r < n; r++) {
        ptr[r + 1] = ptr[r];
        for (int j = first; j < last; j++)
            if (r != 1 && check_unit(stream, (uint64_t)(r * FEATURES + j)) < 0.5f) { /* row 1 has none */
                idx[ptr[r + 1]] = (uint32_t)j;
                val[ptr[r + 1]++] = 0.2f + check_unit(stream + 1, (uint64_t)(r * FEATURES + j));
            }
    }
    return (struct fm_rows){ptr, idx, val};
}

/* ------------------------------------------------------------------------------------------------------ fm_sgd */

static void sgd_writes(const void *args, long row)
{
    const struct fm_sgd *a = args;
    (void)row;
    for (int64_t e = 0; e < a->n; e++) {
        const struct fm_rows *side[3] = {&a->user, &a->item, &a->item};
        const uint32_t of[3] = {a->sample[e].user, a->sample[e].item, a->sample[e].negative};
        for (int b = 0; b < (a->loss == FM_BPR ? 3 : 2); b++)
            for (int64_t i = side[b]->ptr[of[b]]; i < side[b]->ptr[of[b] + 1]; i++) {
                const size_t j = side[b]->idx[i];
                check_may_write(a->weight + j, sizeof(float));
                check_may_write(a->factor + j * RANK, RANK * sizeof(float));
                if (a->factor_squares != NULL) {
                    check_may_write(a->weight_squares + j, sizeof(float));
                    check_may_write(a->factor_squares + j * RANK, RANK * sizeof(float));
                }
            }
    }
    if (a->loss != FM_BPR) {
        check_may_write(a->bias, sizeof(float));
        if (a->bias_squares != NULL)
            check_may_write(a->bias_squares, sizeof(float));
    }
}

struct exact {
    double bias, weight[FEATURES], factor[FEATURES][RANK];
    double bias_squares, weight_squares[FEATURES], factor_squares[FEATURES][RANK];
};

/* x: the features of (user, item), dense. */
static void dense(const struct fm_sgd *a, uint32_t user, uint32_t item, double x[FEATURES])
{
    const struct fm_rows *side[2] = {&a->user, &a->item};
    const uint32_t of[2] = {user, item};
    memset(x, 0, FEATURES * sizeof *x);
    for (int b = 0; b < 2; b++)
        for (int64_t i = side[b]->ptr[of[b]]; i < side[b]->ptr[of[b] + 1]; i++)
            x[side[b]->idx[i]] += (double)side[b]->val[i];
}

static double exact_score(const struct exact *m, const double x[FEATURES], double sum[RANK])
{
    double y = m->bias;
    for (int k = 0; k < RANK; k++) {
        double squares = 0;
        sum[k] = 0;
        for (int j = 0; j < FEATURES; j++) {
            sum[k] += x[j] * m->factor[j][k];
            squares += x[j] * x[j] * m->factor[j][k] * m->factor[j][k];
        }
        y += (sum[k] * sum[k] - squares) / 2;
    }
    for (int j = 0; j < FEATURES; j++)
        y += x[j] * m->weight[j];
    return y;
}

static void move(double *parameter, double gradient, double rate, double *squares)
{
    if (squares != NULL)
        *squares += gradient * gradient;
    *parameter -= rate * gradient / (squares != NULL ? sqrt(*squares + (double)FM_ADAGRAD_EPS) : 1);
}

static void exact_sample(const struct fm_sgd *a, const struct fm_sample *s, struct exact *m)
{
    double x[FEATURES], z[FEATURES] = {0}, sum[RANK], other[RANK] = {0};
    const int bpr = a->loss == FM_BPR, ada = a->factor_squares != NULL;
    const double rate = (double)a->learning_rate;
    dense(a, s->user, s->item, x);
    double y = exact_score(m, x, sum), g = y - (double)s->target;
    if (bpr) {
        dense(a, s->user, s->negative, z);
        y -= exact_score(m, z, other);
        g = -1 / (1 + exp(y));
    } else if (a->loss == FM_LOGISTIC)
        g = 1 / (1 + exp(-y)) - (double)s->target;
    for (int j = 0; j < FEATURES; j++) {
        if (x[j] == 0 && z[j] == 0)
            continue;
        for (int k = 0; k < RANK; k++) {
            const double v = m->factor[j][k];
            move(&m->factor[j][k],
                 g * (x[j] * (sum[k] - x[j] * v) - z[j] * (other[k] - z[j] * v)) + (double)a->reg_factor * v,
                 rate, ada ? &m->factor_squares[j][k] : NULL);
        }
        move(&m->weight[j], g * (x[j] - z[j]) + (double)a->reg_weight * m->weight[j], rate,
             ada ? &m->weight_squares[j] : NULL);
    }
    if (!bpr)
        move(&m->bias, g + (double)a->reg_bias * m->bias, rate, ada ? &m->bias_squares : NULL);
}

static void sgd_data(struct fm_sgd *a, int adagrad)
{
    struct fm_sample *sample = check_buffer("sample", SAMPLES, sizeof *sample);
    for (uint32_t e = 0; e < SAMPLES; e++)
        sample[e] = (struct fm_sample){.user = check_whole(5, e, USERS),
                                       .item = check_whole(6, e, ITEMS),
                                       .negative = check_whole(7, e, ITEMS),
                                       .target = (float)check_whole(8, e, 2)};
    a->sample = sample;
    a->user = features("user features", USERS, 0, OF_USERS, 11);
    a->item = features("item features", ITEMS, OF_USERS, FEATURES, 13);
    a->bias = check_floats("bias", 1, 1);
    a->weight = check_floats("weight", FEATURES, 2);
    a->factor = check_floats("factor", FEATURES * RANK, 3);
    for (int i = 0; i < FEATURES * RANK; i++)
        a->factor[i] *= 0.1f;
    if (adagrad) {
        a->bias_squares = check_buffer("bias_squares", 1, sizeof(float));
        a->weight_squares = check_buffer("weight_squares", FEATURES, sizeof(float));
        a->factor_squares = check_buffer("factor_squares", FEATURES * RANK, sizeof(float));
        for (int i = 0; i < FEATURES * RANK; i++)
            a->factor_squares[i] = 1; /* far from 0, where a rounded gradient would turn a step round */
        for (int i = 0; i < FEATURES; i++)
            a->weight_squares[i] = 1;
        a->bias_squares[0] = 1;
    }
}

static void sgd_cases(const char *kernel)
{
    static struct exact m;
    for (int c = 0; c < 6; c++) {
        const int adagrad = c >= 3;
        struct fm_sgd a = {.n = SAMPLES,
                           .learning_rate = 0.05f,
                           .reg_bias = 0.1f,
                           .reg_weight = 0.2f,
                           .reg_factor = 0.3f,
                           .n_users = USERS,
                           .n_items = ITEMS,
                           .n_features = FEATURES,
                           .loss = c % 3,
                           .rank = RANK};
        sgd_data(&a, adagrad);
        m.bias = (double)a.bias[0], m.bias_squares = 1;
        for (int j = 0; j < FEATURES; j++) {
            m.weight[j] = (double)a.weight[j], m.weight_squares[j] = 1;
            for (int k = 0; k < RANK; k++)
                m.factor[j][k] = (double)a.factor[j * RANK + k], m.factor_squares[j][k] = 1;
        }
        for (int e = 0; e < SAMPLES; e++)
            exact_sample(&a, &a.sample[e], &m);
        check_run(kernel, &a, 1, fm_sgd_scratch(RANK));
        /* A score sums about 2 FEATURES RANK products below .1 and weights below 1.2; a step scales it by the rate. */
        const double bound =
            SAMPLES * CHECK_EPS * (0.05 * (0.1 * sqrt(2.0 * FEATURES * RANK) + FEATURES) + 1);
        check_near("bias", 0, (double)a.bias[0], m.bias, bound);
        for (int j = 0; j < FEATURES; j++)
            check_near("weight", j, (double)a.weight[j], m.weight[j], bound);
        for (int i = 0; i < FEATURES * RANK; i++)
            check_near("factor", i, (double)a.factor[i], m.factor[i / RANK][i % RANK], bound);
        check_end();
    }
}

/* ------------------------------------------------------------------------------------------------------ fm_als */

/* Train rows of owners, ptr; every second case through `place`, which reverses them. */
static void entry_writes(const struct fm_als *a, int64_t from, int64_t to)
{
    for (int64_t o = from; o < to; o++)
        for (int64_t e = a->ptr[a->owner.idx[o]]; e < a->ptr[a->owner.idx[o] + 1]; e++) {
            const int64_t at = a->place != NULL ? a->place[e] : e;
            check_may_write(a->error + at, sizeof(float));
            if (!a->linear)
                check_may_write(a->q + at, sizeof(float));
        }
}
static void als_writes(const void *args, long row)
{
    const struct fm_als *a = args;
    const long j = (long)a->feature + row;
    entry_writes(a, a->owner.ptr[j], a->owner.ptr[j + 1]);
    check_may_write(a->theta + j * a->stride, sizeof(float));
}
static void sums_writes(const void *args, long row)
{
    const struct fm_als *a = args;
    check_may_write(a->part + 2 * row, 2 * sizeof(float));
}
static void change_writes(const void *args, long row)
{
    const struct fm_als *a = args;
    const int64_t from = a->owner.ptr[a->feature] + row * a->chunk, end = a->owner.ptr[a->feature + 1];
    entry_writes(a, from, from + a->chunk < end ? from + a->chunk : end);
}

enum { OWNERS = 13, ROWS = 3, STRIDE = 32, EACH = 45 };

/* ROWS features without an owner in common; an owner has about EACH train rows. */
static struct fm_als als_data(int linear, int reversed, int64_t *n_out)
{
    int64_t *ptr = check_buffer("ptr", OWNERS + 1, sizeof *ptr), n;
    int64_t *f_ptr = check_buffer("feature ptr", ROWS + 2, sizeof *f_ptr), *place = NULL;
    uint32_t *f_idx = check_buffer("feature idx", OWNERS, sizeof *f_idx);
    float *f_val = check_buffer("feature val", OWNERS, sizeof *f_val);
    for (int o = 0; o < OWNERS; o++)
        ptr[o + 1] = ptr[o] + (o == 2 ? 0 : (int64_t)check_whole(3, (uint64_t)o, EACH) + 1);
    n = ptr[OWNERS];
    f_ptr[1] = 0; /* feature 0 has no owner and is left alone */
    for (int j = 0; j < ROWS; j++) {
        f_ptr[j + 2] = f_ptr[j + 1];
        for (int o = j; o < OWNERS; o += ROWS) {
            f_idx[f_ptr[j + 2]] = (uint32_t)o;
            f_val[f_ptr[j + 2]++] = 0.3f + check_unit(4, (uint64_t)o);
        }
    }
    if (reversed) {
        place = check_buffer("place", (size_t)n, sizeof *place);
        for (int64_t e = 0; e < n; e++)
            place[e] = n - 1 - e;
    }
    *n_out = n;
    return (struct fm_als){.error = check_floats("error", (size_t)n, 5),
                           .q = check_floats("q", (size_t)n, 6),
                           .theta = check_floats("theta", (ROWS + 1) * STRIDE, 7),
                           .stride = STRIDE,
                           .owner = {f_ptr, f_idx, f_val},
                           .ptr = ptr,
                           .place = place,
                           .n = n,
                           .n_owners = OWNERS,
                           .n_features = ROWS + 1,
                           .feature = 1,
                           .chunk = 2,
                           .change = 0.25f,
                           .regularization = 0.5f,
                           .linear = linear};
}

/* Owners from .. to - 1 of the list: sums, and the errors and q after theta gains `change`. */
static void exact_owners(const struct fm_als *a, int64_t from, int64_t to, double theta, double change,
                         double *hh, double *he, double *error, double *q)
{
    for (int64_t o = from; o < to; o++)
        for (int64_t e = a->ptr[a->owner.idx[o]]; e < a->ptr[a->owner.idx[o] + 1]; e++) {
            const int64_t at = a->place != NULL ? a->place[e] : e;
            const double x = (double)a->owner.val[o], h = a->linear ? x : x * (q[at] - x * theta);
            *hh += h * h, *he += h * error[at];
            error[at] -= change * h;
            if (!a->linear)
                q[at] += change * x;
        }
}

static void als_cases(const char *kernel)
{
    static double error[OWNERS * EACH + OWNERS], q[OWNERS * EACH + OWNERS];
    const int one = strcmp(kernel, "fm_als") == 0, sums = strcmp(kernel, "fm_als_sums") == 0;
    for (int c = 0; c < 4; c++) {
        int64_t n;
        struct fm_als a = als_data(c % 2, c / 2, &n);
        const long rows = one ? ROWS : (long)(a.owner.ptr[2] - a.owner.ptr[1] + a.chunk - 1) / a.chunk;
        double part[2 * OWNERS] = {0}, theta[ROWS] = {0};
        a.part = check_buffer("part", 2 * (size_t)rows, sizeof *a.part);
        for (int64_t e = 0; e < n; e++)
            error[e] = (double)a.error[e], q[e] = (double)a.q[e];
        for (long r = 0; r < rows; r++) {
            const long j = one ? 1 + r : 1;
            const int64_t from = one ? a.owner.ptr[j] : a.owner.ptr[1] + r * a.chunk,
                          end = a.owner.ptr[j + 1];
            const int64_t to = one || from + a.chunk > end ? end : from + a.chunk;
            const double old = (double)a.theta[j * STRIDE];
            double change = sums ? 0 : 0.25, unused[2] = {0};
            if (one) {
                exact_owners(&a, from, to, old, 0, &part[0], &part[1], error, q);
                theta[r] = (old * part[0] + part[1]) / (part[0] + 0.5);
                change = theta[r] - old;
                part[0] = part[1] = 0;
            }
            exact_owners(&a, from, to, old, change, sums ? &part[2 * r] : &unused[0],
                         sums ? &part[2 * r + 1] : &unused[1], error, q);
        }
        check_run(kernel, &a, rows, 0);
        /* Sums of up to EACH x OWNERS numbers below 8, rounded once each; theta divides two of them. */
        const double bound = CHECK_EPS * (sums ? 8.0 * EACH * 5 : 64);
        for (int64_t e = 0; e < n; e++) {
            check_near("error", (long)e, (double)a.error[e], error[e], bound);
            check_near("q", (long)e, (double)a.q[e], q[e], bound);
        }
        for (long r = 0; one && r < rows; r++)
            check_near("theta", r, (double)a.theta[(1 + r) * STRIDE], theta[r], bound);
        for (long r = 0; sums && r < 2 * rows; r++)
            check_near("part", r, (double)a.part[r], part[r], bound);
        check_end();
    }
}

const struct check_kernel check_fm[] = {
    {"fm_sgd", sgd_cases, sgd_writes},
    {"fm_als", als_cases, als_writes},
    {"fm_als_sums", als_cases, sums_writes},
    {"fm_als_change", als_cases, change_writes},
    {NULL, NULL, NULL},
};
