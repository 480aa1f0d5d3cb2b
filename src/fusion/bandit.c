/* bandit.c - see bandit.h. */
#include "fusion/bandit.h"

#include <math.h>

enum status bandit_new(uint32_t n_users, uint32_t d, double ridge, struct arena *arena, struct bandit *out)
{
    *out = (struct bandit){.n_users = n_users, .d = d, .ridge = ridge};
    ARENA_NEW(out->inverse, arena, (size_t)n_users * d * d);
    ARENA_NEW(out->b, arena, (size_t)n_users * d);
    for (size_t u = 0; u < n_users; u++)
        for (size_t j = 0; j < d; j++)
            out->inverse[(u * d + j) * d + j] = 1 / ridge;
    return STATUS_OK;
}

/* y = A^-1 x of the user; returns x . y. */
static double solve(const struct bandit *m, uint32_t user, const float *x, double *y)
{
    const double *inverse = m->inverse + (size_t)user * m->d * m->d;
    double sum = 0;
    for (uint32_t j = 0; j < m->d; j++) {
        y[j] = 0;
        for (uint32_t k = 0; k < m->d; k++)
            y[j] += inverse[(size_t)j * m->d + k] * (double)x[k];
        sum += y[j] * (double)x[j];
    }
    return sum;
}

void bandit_update(struct bandit *m, uint32_t user, const float *x, double reward, double w)
{
    double y[BANDIT_MOST], *inverse = m->inverse + (size_t)user * m->d * m->d,
                           *b = m->b + (size_t)user * m->d;
    const double scale = w / (1 + w * solve(m, user, x, y));
    for (uint32_t j = 0; j < m->d; j++) {
        b[j] += w * reward * (double)x[j];
        for (uint32_t k = 0; k < m->d; k++)
            inverse[(size_t)j * m->d + k] -= scale * y[j] * y[k];
    }
}

void bandit_theta(const struct bandit *m, uint32_t user, double *theta)
{
    const double *inverse = m->inverse + (size_t)user * m->d * m->d, *b = m->b + (size_t)user * m->d;
    for (uint32_t j = 0; j < m->d; j++) {
        theta[j] = 0;
        for (uint32_t k = 0; k < m->d; k++)
            theta[j] += inverse[(size_t)j * m->d + k] * b[k];
    }
}

double bandit_mean(const struct bandit *m, const double *theta, const float *x)
{
    double sum = 0;
    for (uint32_t j = 0; j < m->d; j++)
        sum += theta[j] * (double)x[j];
    return sum;
}

double bandit_uncertainty(const struct bandit *m, uint32_t user, const float *x)
{
    double y[BANDIT_MOST], norm = 0;
    const double variance = solve(m, user, x, y);
    for (uint32_t j = 0; j < m->d; j++)
        norm += (double)x[j] * (double)x[j];
    return norm > 0 && variance > 0 ? sqrt(variance * m->ridge / norm) : 0;
}
