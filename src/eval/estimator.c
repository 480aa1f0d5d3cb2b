/*
 * estimator.c - see estimator.h and corrected.h for the source.
 *
 * h(a)[j] is the chance that j of the m sampled are ahead when a of all N are: hypergeometric.  With a = 0 .. N alike, G = sum h(a) h(a)'
 * / (N + 1), and b = sum h(a) M(a) / (N + 1), the squared bias of f is f'G f - 2 b'f + ..., the variance sum_j f_j^2 / (m + 1) - f'G f.  So
 * bv solves ((1 - gamma) G + gamma / (m + 1)) f = (1 - gamma) b + gamma b, for all M at once: the first `most` columns of b's matrix are kept.
 * cls writes f_j = d_j + d_{j+1} + ... + d_m, d >= 0: non-negative least squares with the Gram matrix U'G U (Lawson, Hanson 1974; Bro, de
 * Jong 1997).  h is summed over where it is above 1e-18 alone.
 */
#include "eval/estimator.h"

#include <gsl/gsl_linalg.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

struct estimator {
    uint32_t n_others, m, most;
    double *cumulated; /* [(m + 1)^2] U'G U */
    double *chance;    /* [(m + 1) x most] h(a)[j] / (N + 1), a the column */
    double *bv;        /* [(m + 1) x most] the solutions for its columns */
    double ***cls;     /* [N_BASES][most + 1][k + 1] of f [m + 1], NULL: not solved yet */
};

double base_value(enum base base, double place)
{
    return base == BASE_ONE ? 1 : base == BASE_DISCOUNT ? 1 / log2(place + 1) : 1 / place;
}

/* h(a) from `low` to `high`, where it is not negligible. */
static void chances(uint32_t n, uint32_t m, uint32_t a, double *h, uint32_t *low, uint32_t *high)
{
    const uint32_t least = m > n - a ? m - (n - a) : 0, most = a < m ? a : m;
    uint32_t mode = (uint32_t)(((double)m + 1) * ((double)a + 1) / ((double)n + 2));
    mode = mode < least ? least : mode > most ? most : mode;
    h[mode] = gsl_ran_hypergeometric_pdf(mode, a, n - a, m);
    for (*high = mode; *high < most && h[*high] > 1e-18; ++*high)
        h[*high + 1] = h[*high] * ((double)a - *high) * ((double)m - *high) /
                       ((*high + 1.0) * ((double)n - a - m + *high + 1.0));
    for (*low = mode; *low > least && h[*low] > 1e-18; --*low)
        h[*low - 1] = h[*low] * (double)*low * ((double)n - a - m + *low) /
                      (((double)a - *low + 1.0) * ((double)m - *low + 1.0));
}

/* gram: G, both triangles. */
static void add_up(const struct estimator *e, double *h, double *gram)
{
    const uint32_t size = e->m + 1;
    const double share = 1 / ((double)e->n_others + 1);
    for (uint32_t a = 0; a <= e->n_others; a++) {
        uint32_t low, high;
        chances(e->n_others, e->m, a, h, &low, &high);
        for (uint32_t i = low; i <= high; i++) {
            const double x = h[i] * share;
            double *row = gram + (size_t)i * size;
#pragma omp simd
            for (uint32_t j = low; j <= i; j++)
                row[j] += x * h[j];
            if (a < e->most)
                e->chance[(size_t)i * e->most + a] = x;
        }
    }
    for (uint32_t i = 0; i < size; i++)
        for (uint32_t j = 0; j < i; j++)
            gram[(size_t)j * size + i] = gram[(size_t)i * size + j];
}

static void cumulate(const struct estimator *e, const double *gram)
{
    const size_t size = e->m + 1;
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0, before = 0; j < size; j++, before = 1)
            e->cumulated[i * size + j] = gram[i * size + j] + (before ? e->cumulated[i * size + j - 1] : 0);
    for (size_t i = 1; i < size; i++)
        for (size_t j = 0; j < size; j++)
            e->cumulated[i * size + j] += e->cumulated[(i - 1) * size + j];
}

/* gram is overwritten. */
static void solve_bv(const struct estimator *e, double *gram, double gamma)
{
    const size_t size = e->m + 1;
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++)
            gram[i * size + j] = (1 - gamma) * gram[i * size + j] + (i == j ? gamma / (double)size : 0);
    gsl_matrix_view a = gsl_matrix_view_array(gram, size, size);
    gsl_matrix_view b = gsl_matrix_view_array(e->bv, size, e->most);
    memcpy(e->bv, e->chance, size * e->most * sizeof *e->bv);
    gsl_linalg_cholesky_decomp1(&a.matrix);
    for (uint32_t c = 0; c < e->most; c++) {
        gsl_vector_view x = gsl_matrix_column(&b.matrix, c);
        gsl_linalg_cholesky_svx(&a.matrix, &x.vector);
    }
}

struct estimator *estimator_new(uint32_t n_others, uint32_t m, uint32_t most, double gamma)
{
    const size_t size = (size_t)m + 1;
    struct estimator *e = calloc(1, sizeof *e);
    double *gram = calloc(size * size, sizeof *gram), *h = calloc(size, sizeof *h);
    if (e != NULL) {
        *e = (struct estimator){.n_others = n_others, .m = m, .most = most};
        e->cumulated = calloc(size * size, sizeof *e->cumulated);
        e->chance = calloc(size * most, sizeof *e->chance);
        e->bv = calloc(size * most, sizeof *e->bv);
        e->cls = calloc(N_BASES * ((size_t)most + 1), sizeof *e->cls);
    }
    if (e != NULL && gram != NULL && h != NULL && e->cumulated != NULL && e->chance != NULL &&
        e->bv != NULL && e->cls != NULL) {
        add_up(e, h, gram);
        cumulate(e, gram);
        solve_bv(e, gram, gamma);
    } else {
        status_fail(STATUS_SYSTEM, "memory is out: estimators of %u sampled items", m);
        estimator_free(e);
        e = NULL;
    }
    free(gram);
    free(h);
    return e;
}

void estimator_free(struct estimator *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; e->cls != NULL && i < N_BASES * ((size_t)e->most + 1); i++) {
        for (size_t p = 0; e->cls[i] != NULL && p <= i % ((size_t)e->most + 1); p++)
            free(e->cls[i][p]);
        free(e->cls[i]);
    }
    free(e->cls);
    free(e->cumulated);
    free(e->chance);
    free(e->bv);
    free(e);
}

double estimator_bv(const struct estimator *e, enum base base, uint32_t p, uint32_t k, uint32_t ahead)
{
    const double *row = e->bv + (size_t)ahead * e->most;
    double sum = 0;
    for (uint32_t a = 0; a < e->most && a <= e->n_others && p + a <= k; a++)
        sum += row[a] * base_value(base, p + a);
    return sum;
}

/* ---- non-negative least squares */
struct nnls {
    size_t n;
    const double *gram, *b; /* [n x n], [n] */
    double *x, *gradient;   /* [n] */
    size_t *passive, n_passive;
    uint8_t *state;     /* [n] 0: at its bound, 1: passive, 2: of no use beside those that are */
    double *factor, *s; /* [n x n], [n] */
};

/* s of the passive variables by Cholesky; false where they are not independent. */
static bool solve_passive(struct nnls *q)
{
    const size_t n = q->n_passive;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = q->gram[q->passive[i] * q->n + q->passive[j]];
            for (size_t k = 0; k < j; k++)
                sum -= q->factor[i * q->n + k] * q->factor[j * q->n + k];
            if (i > j)
                q->factor[i * q->n + j] = sum / q->factor[j * q->n + j];
            else if (sum > 1e-13 * q->gram[q->passive[i] * q->n + q->passive[i]])
                q->factor[i * q->n + i] = sqrt(sum);
            else
                return false;
        }
        double sum = q->b[q->passive[i]];
        for (size_t k = 0; k < i; k++)
            sum -= q->factor[i * q->n + k] * q->s[k];
        q->s[i] = sum / q->factor[i * q->n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            q->s[i] -= q->factor[k * q->n + i] * q->s[k];
        q->s[i] /= q->factor[i * q->n + i];
    }
    return true;
}

/* Goes from x towards s as far as x stays non-negative; variables that arrive at 0 leave the passive set.  true: s was reached. */
static bool step(struct nnls *q)
{
    double reach = 1;
    for (size_t i = 0; i < q->n_passive; i++)
        if (q->s[i] <= 0) {
            const double x = q->x[q->passive[i]];
            reach = fmin(reach, x / (x - q->s[i]));
        }
    size_t n = 0;
    for (size_t i = 0; i < q->n_passive; i++) {
        double *x = &q->x[q->passive[i]];
        *x += reach * (q->s[i] - *x);
        if (reach < 1 && q->s[i] <= 0 && *x <= 1e-15) {
            *x = 0;
            q->state[q->passive[i]] = 0;
        } else
            q->passive[n++] = q->passive[i];
    }
    const bool all = reach >= 1;
    q->n_passive = n;
    return all;
}

static void minimise(struct nnls *q)
{
    double largest = 0;
    for (size_t i = 0; i < q->n; i++)
        largest = fmax(largest, fabs(q->b[i]));
    for (size_t round = 0; round < 20 * q->n; round++) {
        size_t best = q->n;
        for (size_t i = 0; i < q->n; i++) {
            q->gradient[i] = q->b[i];
            for (size_t j = 0; j < q->n_passive; j++)
                q->gradient[i] -= q->gram[i * q->n + q->passive[j]] * q->x[q->passive[j]];
            if (q->state[i] == 0 && q->gradient[i] > 1e-12 * largest &&
                (best == q->n || q->gradient[i] > q->gradient[best]))
                best = i;
        }
        if (best == q->n)
            return;
        q->passive[q->n_passive++] = best;
        q->state[best] = 1;
        /* Rounding: singular with it, or it would fall below 0 at once. */
        if (!solve_passive(q) || q->s[q->n_passive - 1] <= 0) {
            q->state[best] = 2;
            q->n_passive--;
            continue;
        }
        while (!step(q) && q->n_passive > 0 && solve_passive(q))
            ;
        for (size_t i = 0; i < q->n; i++)
            q->state[i] = q->state[i] == 2 ? 0 : q->state[i];
    }
}

/* f [m + 1] of one measure; NULL: memory. */
static double *solve_cls(const struct estimator *e, enum base base, uint32_t p, uint32_t k)
{
    const size_t n = (size_t)e->m + 1;
    double *f = malloc(n * sizeof *f), *room = calloc(4 * n + n * n, sizeof *room);
    size_t *passive = calloc(n + 1, sizeof *passive);
    uint8_t *state = calloc(n, 1);
    if (f != NULL && room != NULL && passive != NULL && state != NULL) {
        double *b = room;
        struct nnls q = {.n = n,
                         .gram = e->cumulated,
                         .b = b,
                         .x = room + n,
                         .gradient = room + 2 * n,
                         .s = room + 3 * n,
                         .factor = room + 4 * n,
                         .passive = passive,
                         .state = state};
        for (size_t j = 0; j < n; j++) {
            for (uint32_t a = 0; a < e->most && a <= e->n_others && p + a <= k; a++)
                b[j] += e->chance[j * e->most + a] * base_value(base, p + a);
            b[j] += j > 0 ? b[j - 1] : 0;
        }
        minimise(&q);
        f[n - 1] = q.x[n - 1];
        for (size_t j = n - 1; j-- > 0;)
            f[j] = f[j + 1] + q.x[j];
    } else {
        free(f);
        f = NULL;
    }
    free(room);
    free(passive);
    free(state);
    return f;
}

double estimator_cls(struct estimator *e, enum base base, uint32_t p, uint32_t k, uint32_t ahead)
{
    if (p > k)
        return 0;
    double ***row = &e->cls[(size_t)base * (e->most + 1) + k];
    if (*row == NULL)
        *row = calloc((size_t)k + 1, sizeof **row);
    if (*row != NULL && (*row)[p] == NULL)
        (*row)[p] = solve_cls(e, base, p, k);
    return *row != NULL && (*row)[p] != NULL ? (*row)[p][ahead] : NAN;
}
