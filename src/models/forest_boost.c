/*
 * forest_boost.c - see forest_boost.h.
 *
 * LambdaMART: of a pair i, j of a group with y_i > y_j the loss is log(1 + e^-(F_i - F_j)) times |change of NDCG when the two
 * swap places| (Burges 2010, "From RankNet to LambdaRank to LambdaMART", section 4), places by F as it stands, of equals the less relevant first.
 */
#include "models/forest_boost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"

enum { GROUP_MOST = 4096 };
/* Named draws: the sub-streams of RANDOM_VALIDATION. */
enum { DRAW_ROWS = 1 << 20, DRAW_COLUMNS = 1 << 21 };

static double sigmoid(double z)
{
    return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}

/* Places 0 .. n - 1 by falling F.  Of equals the less relevant comes first: in the order of the rows, which often have the positive first,
 * a tree that tells nothing apart would be perfect. */
static void rank_group(const float *y, const float *F, uint32_t n, uint32_t *place)
{
    for (uint32_t i = 0; i < n; i++) {
        place[i] = 0;
        for (uint32_t j = 0; j < n; j++)
            place[i] += F[j] > F[i] || (F[j] == F[i] && (y[j] < y[i] || (y[j] == y[i] && j < i)));
    }
}

/* DCG of the best order. */
static double ideal(const float *y, uint32_t n)
{
    float sorted[GROUP_MOST];
    double sum = 0;
    memcpy(sorted, y, n * sizeof *y);
    qsort(sorted, n, sizeof *sorted, falling_f32);
    for (uint32_t i = 0; i < n; i++)
        sum += (exp2((double)sorted[i]) - 1) / log2(i + 2.0);
    return sum;
}

/* 1 - NDCG; gradient and hessian are NULL where they are not wanted. */
static double lambda_group(const float *y, const float *F, uint32_t n, float *gradient, float *hessian)
{
    uint32_t place[GROUP_MOST];
    double dcg = 0;
    const double best = ideal(y, n);
    rank_group(y, F, n, place);
    for (uint32_t i = 0; i < n; i++)
        dcg += (exp2((double)y[i]) - 1) / log2(place[i] + 2.0);
    if (gradient != NULL)
        for (uint32_t i = 0; i < n; i++)
            gradient[i] = hessian[i] = 0;
    if (!(best > 0))
        return 0;
    for (uint32_t i = 0; i < n && gradient != NULL; i++)
        for (uint32_t j = 0; j < n; j++) {
            if (!(y[i] > y[j]))
                continue;
            const double swap = fabs((exp2((double)y[i]) - exp2((double)y[j])) *
                                     (1 / log2(place[i] + 2.0) - 1 / log2(place[j] + 2.0))) /
                                best;
            const double p = sigmoid((double)F[j] - (double)F[i]);
            gradient[i] -= (float)(swap * p), gradient[j] += (float)(swap * p);
            hessian[i] += (float)(swap * p * (1 - p)), hessian[j] += (float)(swap * p * (1 - p));
        }
    return 1 - dcg / best;
}

static double row_loss(int loss, double y, double F, float *gradient, float *hessian)
{
    if (loss == BOOST_SQUARED) {
        if (gradient != NULL)
            *gradient = (float)(F - y), *hessian = 1;
        return (y - F) * (y - F) / 2;
    }
    const double p = sigmoid(F);
    if (gradient != NULL)
        *gradient = (float)(p - y), *hessian = (float)fmax(p * (1 - p), 1e-16);
    return (F > 0 ? F + log1p(exp(-F)) : log1p(exp(F))) - y * F;
}

double boost_loss(const struct boost_data *d, int loss, const float *F, bool of_valid, float *gradient,
                  float *hessian)
{
    const uint32_t size = d->group_size;
    const uint64_t n_groups = d->table->n / size;
    double *sum = calloc(n_groups > 0 ? n_groups : 1, sizeof *sum),
           total = 0; /* by group, for one order of addition */
    if (sum == NULL)
        return NAN;
#pragma omp parallel for schedule(static)
    for (uint64_t g = 0; g < n_groups; g++) {
        const uint64_t at = g * size;
        float *G = gradient != NULL ? gradient + at : NULL, *H = gradient != NULL ? hessian + at : NULL;
        if ((d->valid != NULL && d->valid[g]) != of_valid)
            continue;
        if (loss == BOOST_LAMBDAMART)
            sum[g] = lambda_group(d->y + at, F + at, size, G, H);
        else
            for (uint32_t i = 0; i < size; i++)
                sum[g] += row_loss(loss, (double)d->y[at + i], (double)F[at + i], G != NULL ? G + i : NULL,
                                   H != NULL ? H + i : NULL);
    }
    for (uint64_t g = 0; g < n_groups; g++)
        total += sum[g];
    free(sum);
    return total;
}

/* Rows that a tree grows on: of the groups of training, a share. */
static uint64_t choose_rows(const struct boost_data *d, double share, uint64_t seed, uint32_t tree,
                            uint32_t *index)
{
    uint64_t n = 0;
    for (uint64_t g = 0; g < d->table->n / d->group_size; g++) {
        if ((d->valid != NULL && d->valid[g]) ||
            (share < 1 && random_unit(seed, RANDOM_VALIDATION, DRAW_ROWS + tree, g) >= share))
            continue;
        for (uint32_t i = 0; i < d->group_size; i++)
            index[n++] = (uint32_t)(g * d->group_size + i);
    }
    return n;
}

static double start_of(const struct boost_data *d, int loss)
{
    double sum = 0;
    uint64_t n = 0;
    for (uint64_t i = 0; i < d->table->n; i++)
        if (d->valid == NULL || !d->valid[i / d->group_size])
            sum += (double)d->y[i], n++;
    const double mean = n > 0 ? sum / (double)n : 0;
    if (loss == BOOST_LOGISTIC)
        return mean > 0 && mean < 1 ? log(mean / (1 - mean)) : 0;
    return loss == BOOST_SQUARED ? mean : 0;
}

static uint64_t count_groups(const struct boost_data *d, bool of_valid)
{
    uint64_t n = 0;
    for (uint64_t g = 0; g < d->table->n / d->group_size; g++)
        n += (d->valid != NULL && d->valid[g]) == of_valid;
    return n;
}

enum status boost_fit(const struct boost_data *d, const struct boost_options *o, struct run *run,
                      struct arena *arena, struct forest *out, struct boost_report *report)
{
    const uint64_t n = d->table->n, rows = o->loss == BOOST_LAMBDAMART ? 1 : d->group_size;
    const double n_train = (double)(count_groups(d, false) * rows),
                 n_valid = (double)(count_groups(d, true) * rows);
    struct tree_options tree = o->tree;
    float *F, *gradient, *hessian;
    uint32_t *index, best = 0;
    double best_loss = INFINITY, train_loss = NAN;
    *out = (struct forest){.start = (float)start_of(d, o->loss)};
    if (n > UINT32_MAX || d->group_size > GROUP_MOST)
        return status_fail(STATUS_DATA, "%llu rows in groups of %u are too many for trees",
                           (unsigned long long)n, d->group_size);
    ARENA_NEW(F, run->scratch, n);
    ARENA_NEW(gradient, run->scratch, n);
    ARENA_NEW(hessian, run->scratch, n);
    ARENA_NEW(index, run->scratch, n);
    for (uint64_t i = 0; i < n; i++)
        F[i] = out->start;
    if (o->column_share < 1)
        tree.columns_tried = (uint32_t)fmax(1, floor(o->column_share * d->table->columns->n + 0.5));
    *report = (struct boost_report){.validation_loss = NAN};
    for (uint32_t t = 0; t < o->trees; t++) {
        train_loss = boost_loss(d, o->loss, F, false, gradient, hessian) / n_train;
        if (t > 0)
            run_curve(run, "loss", (int)t, train_loss);
        const uint64_t m = choose_rows(d, o->row_share, run->seed, t, index);
        TRY(forest_grow(out, d->table, index, m, gradient, hessian, &tree, o->learning_rate, DRAW_COLUMNS + t,
                        run, arena));
        forest_add_tree(out, t, d->table, F);
        const double loss = n_valid > 0 ? boost_loss(d, o->loss, F, true, NULL, NULL) / n_valid : NAN;
        if (n_valid > 0)
            run_curve(run, "validation loss", (int)t + 1, loss);
        if (n_valid > 0 && !(loss < best_loss)) {
            if (o->patience > 0 && t + 1 - best >= o->patience)
                break;
            continue;
        }
        best = t + 1;
        best_loss = loss;
        report->validation_loss = loss;
    }
    out->n_trees = best;
    report->trees = best;
    report->train_loss = train_loss;
    return STATUS_OK;
}

enum status bagging_fit(const struct boost_data *d, const struct tree_options *options, uint32_t trees,
                        bool bagging, struct run *run, struct arena *arena, struct forest *out)
{
    const uint64_t n = d->table->n, n_groups = n / d->group_size;
    float *gradient, *hessian;
    uint32_t *index;
    *out = (struct forest){0};
    if (n > UINT32_MAX)
        return status_fail(STATUS_DATA, "%llu rows are too many for trees", (unsigned long long)n);
    ARENA_NEW(gradient, run->scratch, n);
    ARENA_NEW(hessian, run->scratch, n);
    ARENA_NEW(index, run->scratch, n);
    for (uint32_t t = 0; t < trees; t++) {
        uint64_t m = 0;
        for (uint64_t i = 0; i < n; i++)
            hessian[i] = bagging ? 0 : 1;
        for (uint64_t k = 0; bagging && k < n_groups; k++) { /* a group drawn twice counts twice */
            const uint64_t g =
                (uint64_t)(random_unit(run->seed, RANDOM_VALIDATION, DRAW_ROWS + t, k) * (double)n_groups);
            for (uint32_t i = 0; i < d->group_size; i++)
                hessian[g * d->group_size + i] += 1;
        }
        for (uint64_t i = 0; i < n; i++) {
            gradient[i] = -hessian[i] * d->y[i];
            if (hessian[i] > 0)
                index[m++] = (uint32_t)i;
        }
        TRY(forest_grow(out, d->table, index, m, gradient, hessian, options, 1.0 / trees, DRAW_COLUMNS + t,
                        run, arena));
    }
    return STATUS_OK;
}
