/*
 * check_team.c - the collectives of team.h against plain loops: whole numbers, maxima, places and what is broadcast exactly,
 * sums of float and double within the rounding of n additions.
 */
#include <math.h>

#include "check.h"
#include "team_ops.h"

enum { ROWS = 4 };
#define EPS_DOUBLE 2.2204460492503131e-16

static void team_writes(const void *args, long row)
{
    const struct team_ops *a = args;
    const size_t n = (size_t)a->n;
#define MAY_WRITE(m)                                                                                         \
    check_may_write(a->m.value + row * TEAM_OPS_VALUES, TEAM_OPS_VALUES * sizeof *a->m.value);               \
    check_may_write(a->m.before + (size_t)row * n, n * sizeof *a->m.before);                                 \
    check_may_write(a->m.place + row, sizeof *a->m.place)
    MAY_WRITE(f);
    MAY_WRITE(d);
    MAY_WRITE(i);
#undef MAY_WRITE
    check_may_write(a->positive + (size_t)row * n, n * sizeof *a->positive);
}

/* Of a row of any of the types, with the same names; eps: of its additions, 0 where they are exact. */
#define CHECK_NUMBERS(m, eps)                                                                                \
    static void check_##m(const struct team_ops *a, long row)                                                \
    {                                                                                                        \
        double sum = 0, size = 0;                                                                            \
        int most = 0;                                                                                        \
        for (int k = 0; k < a->n; k++) {                                                                     \
            const long at = row * a->n + k;                                                                  \
            check_near(#m ".before", at, (double)a->m.before[at], sum, (eps)*k *size);                       \
            sum += (double)a->m.x[at], size += fabs((double)a->m.x[at]);                                     \
            most = a->m.x[at] > a->m.x[row * a->n + most] ? k : most;                                        \
        }                                                                                                    \
        const long at = row * TEAM_OPS_VALUES;                                                               \
        check_near(#m ".sum", row, (double)a->m.value[at + TEAM_OPS_SUM], sum, (eps)*a->n *size);            \
        check_near(#m ".max", row, (double)a->m.value[at + TEAM_OPS_MAX], (double)a->m.x[row * a->n + most], \
                   0);                                                                                       \
        check_near(#m ".picked", row, (double)a->m.value[at + TEAM_OPS_PICKED],                              \
                   (double)a->m.x[row * a->n + row % a->n], 0);                                              \
        check_near(#m ".place", row, a->m.place[row], most, 0);                                              \
    }
CHECK_NUMBERS(f, CHECK_EPS)
CHECK_NUMBERS(d, EPS_DOUBLE)
CHECK_NUMBERS(i, 0)

/* values: how many different ones; few make equal maxima, of which the first is to be found. */
static void team_case(const char *kernel, int n, uint32_t values)
{
    const size_t numbers = (size_t)ROWS * (size_t)n;
    float *f = check_buffer("f.x", numbers, sizeof *f);
    double *d = check_buffer("d.x", numbers, sizeof *d);
    int *whole = check_buffer("i.x", numbers, sizeof *whole);
    for (size_t j = 0; j < numbers; j++) {
        f[j] = (float)check_whole(1, j, values) - 0.7f * (float)values;
        d[j] = check_whole(2, j, values) / 3.0 - (double)values;
        whole[j] = (int)check_whole(3, j, values) - (int)values / 2;
    }
    struct team_ops a = {.n = n, .f.x = f, .d.x = d, .i.x = whole};
#define OUTPUTS(m)                                                                                           \
    a.m.value = check_buffer(#m ".value", ROWS * TEAM_OPS_VALUES, sizeof *a.m.value);                        \
    a.m.before = check_buffer(#m ".before", numbers, sizeof *a.m.before);                                    \
    a.m.place = check_buffer(#m ".place", ROWS, sizeof *a.m.place)
    OUTPUTS(f);
    OUTPUTS(d);
    OUTPUTS(i);
#undef OUTPUTS
    a.positive = check_buffer("positive", numbers, sizeof *a.positive);
    check_run(kernel, &a, ROWS, 0);
    for (long row = 0; row < ROWS; row++) {
        int positive = 0;
        check_f(&a, row), check_d(&a, row), check_i(&a, row);
        for (int k = 0; k < n; k++) {
            check_near("positive", row * n + k, a.positive[row * n + k], positive, 0);
            positive += whole[row * n + k] > 0;
        }
    }
    check_end();
}

static void team_cases(const char *kernel)
{
    team_case(kernel, 1, 9);
    team_case(kernel, 31, 3); /* most of the team has nothing */
    team_case(kernel, 128, 1000000);
    team_case(kernel, 300, 40);
}

const struct check_kernel check_team[] = {
    {"team_ops", team_cases, team_writes},
    {"team_ops_block", team_cases, team_writes},
    {NULL, NULL, NULL},
};
