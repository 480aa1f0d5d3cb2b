/*
 * fm.cu - factorization machines: stochastic gradient descent one sample after the other (Rendle 2010), and alternating least
 * squares one parameter at a time (Rendle 2012, "Factorization machines with libFM", section 3.3).
 *
 * fm_sgd is one launch row, since samples share features: the paper's algorithm, in order, on one team.  fm_als solves for
 * one parameter of each feature of a field whose features exclude each other (ids), so that launch rows touch no train row
 * in common; where features overlap (genres, words), the host takes them one by one: fm_als_sums, then fm_als_change.
 */
#include "fm.h"

#include <math.h>

#include "lanes.h"

/* Adds x v of the row's features to s, takes (x v)^2 off *squares, returns the sum of x weight. */
TEAM_FN float fm_add(const struct fm_sgd *a, const struct fm_rows *f, uint32_t row, float *s,
                     lanes_f *squares)
{
    float linear = 0.0f;
    for (int64_t e = f->ptr[row]; e < f->ptr[row + 1] - MUTANT(fm_sgd_index, 1, 0); e++) {
        const float x = f->val[e], *v = a->factor + (size_t)f->idx[e] * (size_t)a->rank;
        linear += x * a->weight[f->idx[e]];
        for (int k = 0; k < a->rank; k += LANES) {
            const lanes_f xv = x * lanes_load(v + k);
            lanes_store(s + k, lanes_load(s + k) + xv);
            *squares -= xv * xv;
        }
    }
    return linear;
}

/* The score; s [rank] becomes the sum of x v. */
TEAM_FN float fm_score(const struct fm_sgd *a, uint32_t user, uint32_t item, struct team *t, float *s)
{
    lanes_f squares = lanes_zero();
    float linear = a->bias[0];
    for (int k = 0; k < a->rank; k += LANES)
        lanes_store(s + k, lanes_zero());
    linear += fm_add(a, &a->user, user, s, &squares);
    linear += fm_add(a, &a->item, item, s, &squares);
    for (int k = 0; k < a->rank; k += LANES)
        squares += lanes_load(s + k) * lanes_load(s + k);
    MUTANT_LEAVE(fm_sgd_leaves, TEAM_LANE == 31, 0.0f);
    return linear + 0.5f * lanes_sum(t, squares);
}

/* Moves a parameter down its gradient; squares: its sum of squared gradients, NULL: none is kept. */
TEAM_FN float fm_moved(float old, float gradient, float rate, float *squares)
{
    if (squares == NULL)
        return old - rate * gradient;
    *squares += gradient * gradient;
    return old - rate * gradient / TEAM_SQRT(*squares + FM_ADAGRAD_EPS);
}

/* A step of feature j, which is x in the sample and z in its negative: g = d loss / d score. */
TEAM_FN void fm_step(const struct fm_sgd *a, uint32_t j, float g, float x, float z,
                     const float *TEAM_RESTRICT s, const float *TEAM_RESTRICT s_negative)
{
    float *TEAM_RESTRICT v = a->factor + (size_t)j * (size_t)a->rank;
    const float own = g * (x * x - z * z), of_s = g * x, of_negative = g * z;
    if (a->factor_squares == NULL) {
        LANE_FOR(k, a->rank)
            v[k + MUTANT(fm_sgd_outside, 1, 0)] =
                v[k] -
                a->learning_rate * (of_s * s[k] - of_negative * s_negative[k] + (a->reg_factor - own) * v[k]);
    } else {
        float *TEAM_RESTRICT squares = a->factor_squares + (size_t)j * (size_t)a->rank;
        LANE_FOR(k, a->rank)
            v[k] = fm_moved(v[k], of_s * s[k] - of_negative * s_negative[k] + (a->reg_factor - own) * v[k],
                            a->learning_rate, squares + k);
    }
    if (TEAM_LANE == 0)
        a->weight[j] = fm_moved(a->weight[j], g * (x - z) + a->reg_weight * a->weight[j], a->learning_rate,
                                a->weight_squares == NULL ? NULL : a->weight_squares + j);
}

/* Steps of the features of a row in the sample and, for bpr, of another in its negative; each feature once. */
TEAM_FN void fm_steps(const struct fm_sgd *a, const struct fm_rows *f, uint32_t row, int64_t end,
                      uint32_t negative, int64_t end_negative, float g, const float *s,
                      const float *s_negative)
{
    int64_t e = f->ptr[row], d = f->ptr[negative];
    while (e < end || d < end_negative) {
        const uint32_t here = e < end ? f->idx[e] : UINT32_MAX,
                       there = d < end_negative ? f->idx[d] : UINT32_MAX;
        const uint32_t j = here < there ? here : there;
        const float x = here == j ? f->val[e++] : 0.0f, z = there == j ? f->val[d++] : 0.0f;
        fm_step(a, j, g, x, z, s, s_negative);
    }
}

TEAM_FN void fm_sgd_row(const struct fm_sgd *a, long row, struct team *t)
{
    float *s = (float *)team_shared(t, (size_t)a->rank * sizeof(float)),
          *s_negative = (float *)team_shared(t, (size_t)a->rank * sizeof(float));
    const int bpr = a->loss == FM_BPR;
    const float *other = bpr ? s_negative : s; /* without a negative, finite numbers that count 0 */
    (void)row;
    for (int64_t e = 0; e < a->n; e++) {
        const struct fm_sample *sample = &a->sample[e];
        const uint32_t user = sample->user, item = sample->item, negative = bpr ? sample->negative : item;
        float y = fm_score(a, user, item, t, s), g = y - sample->target;
        if (bpr)
            y -= fm_score(a, user, negative, t, s_negative);
        if (a->loss != FM_SQUARED) {
            const float z = expf(-fabsf(y)); /* neither side overflows */
            g = (y >= 0.0f ? 1.0f : z) / (1.0f + z) - (bpr ? 1.0f : sample->target);
        }
        MUTANT(fm_sgd_reuse, (void)0, team_sync(t)); /* every lane has read the weights */
        /* Of a user's features, the same in both, only d y / d v remains: x (s - s_negative). */
        fm_steps(a, &a->user, user, a->user.ptr[user + 1], user, bpr ? a->user.ptr[user + 1] : 0, g, s,
                 other);
        fm_steps(a, &a->item, item, a->item.ptr[item + 1], negative, bpr ? a->item.ptr[negative + 1] : 0, g,
                 s, other);
        if (TEAM_LANE == 0 && !bpr)
            a->bias[0] =
                fm_moved(a->bias[0], g + a->reg_bias * a->bias[0], a->learning_rate, a->bias_squares);
        MUTANT(fm_sgd_sync, (void)0, team_sync(t)); /* the next sample reads them */
    }
}
TEAM_KERNEL(fm_sgd, struct fm_sgd, fm_sgd_row(a, row, t))

/* Adds sum h^2 and sum h error over the train rows of owners from .. to - 1 of the list. */
TEAM_FN void fm_als_add(const struct fm_als *a, int64_t from, int64_t to, float theta, float *hh, float *he)
{
    float squares = 0.0f, product = 0.0f;
    for (int64_t o = from; o < to; o++) {
        const int64_t first = a->ptr[a->owner.idx[o]];
        const int n = (int)(a->ptr[a->owner.idx[o] + 1] - first);
        const float x = a->owner.val[o];
        LANE_SUM(k, n, squares, product) {
            const int64_t e = a->place != NULL ? a->place[first + k] : first + k;
            const float h = a->linear ? x : x * (a->q[e] - x * theta);
            squares += h * h;
            product += h * a->error[e];
        }
    }
    *hh = squares, *he = product;
}

/* Those rows' errors and q after theta gained `change`. */
TEAM_FN void fm_als_move(const struct fm_als *a, int64_t from, int64_t to, float theta, float change)
{
    for (int64_t o = from; o < to; o++) {
        const int64_t first = a->ptr[a->owner.idx[o]];
        const int n = (int)(a->ptr[a->owner.idx[o] + 1] - first);
        const float x = a->owner.val[o];
        LANE_FOR(k, n) {
            const int64_t e = a->place != NULL ? a->place[first + k] : first + k;
            const float h = a->linear ? x : x * (a->q[e] - x * theta);
            a->error[e] -= change * h;
            if (!a->linear)
                a->q[e] += change * x;
        }
    }
}

TEAM_FN void fm_als_row(const struct fm_als *a, long row, struct team *t)
{
    const long j = (long)a->feature + row;
    const int64_t from = a->owner.ptr[j], to = a->owner.ptr[j + 1] - MUTANT(fm_als_index, 1, 0);
    float *theta = a->theta + (j + MUTANT(fm_als_outside, 1, 0)) * a->stride, hh, he;
    const float old = a->theta[j * a->stride];
    fm_als_add(a, from, to, old, &hh, &he);
    MUTANT_LEAVE(fm_als_leaves, TEAM_LANE == 31);
    hh = team_sum(t, hh);
    he = team_sum(t, he);
    const float least = hh + a->regularization > 0.0f ? (old * hh + he) / (hh + a->regularization) : old;
    fm_als_move(a, from, to, old, least - old);
    team_sync(t); /* every lane has read theta: a sum orders no memory */
    if (TEAM_LANE == 0)
        *theta = least;
}
TEAM_KERNEL(fm_als, struct fm_als, fm_als_row(a, row, t))

TEAM_FN void fm_als_sums_row(const struct fm_als *a, long row, struct team *t)
{
    const int64_t from = a->owner.ptr[a->feature] + row * a->chunk, end = a->owner.ptr[a->feature + 1];
    const int64_t to = from + a->chunk < end ? from + a->chunk : end;
    float hh, he;
    fm_als_add(a, from, to - MUTANT(fm_als_sums_index, 1, 0), a->theta[(long)a->feature * a->stride], &hh,
               &he);
    hh = team_sum(t, hh);
    he = team_sum(t, he);
    if (TEAM_LANE == 0) {
        a->part[2 * row + MUTANT(fm_als_sums_outside, 2, 0)] = hh;
        a->part[2 * row + 1] = he;
    }
}
TEAM_KERNEL(fm_als_sums, struct fm_als, fm_als_sums_row(a, row, t))

TEAM_FN void fm_als_change_row(const struct fm_als *a, long row, struct team *t)
{
    const int64_t from = a->owner.ptr[a->feature] + row * a->chunk, end = a->owner.ptr[a->feature + 1];
    const int64_t to = from + a->chunk < end ? from + a->chunk : end;
    (void)t;
    fm_als_move(a, from, to - MUTANT(fm_als_change_index, 1, 0) + MUTANT(fm_als_change_outside, 1, 0),
                a->theta[(long)a->feature * a->stride], a->change);
}
TEAM_KERNEL(fm_als_change, struct fm_als, fm_als_change_row(a, row, t))
