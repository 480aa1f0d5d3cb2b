/*
 * team_ops.h - every collective of team.h over rows of numbers: arguments and row function of the kernels team_ops (teams of
 * a warp) and team_ops_block (of four).  No model needs them: they are how each machine's collectives are tested, and
 * how each is meant to be used.
 */
#ifndef TEAM_OPS_H
#define TEAM_OPS_H
#include <stdint.h>

enum { TEAM_OPS_SUM, TEAM_OPS_MAX, TEAM_OPS_PICKED, TEAM_OPS_VALUES };

/* Numbers of one type. */
#define TEAM_OPS_NUMBERS(type)                                                                               \
    {                                                                                                        \
        const type *x; /* [n_rows x n] */                                                                    \
        type *value;   /* [n_rows x TEAM_OPS_VALUES] sum, maximum, x[row % n] */                             \
        type *before;  /* [n_rows x n] sum of the x before this one */                                       \
        int *place;    /* [n_rows] of the first maximum */                                                   \
    }
struct team_ops_float TEAM_OPS_NUMBERS(float);
struct team_ops_double TEAM_OPS_NUMBERS(double);
struct team_ops_int TEAM_OPS_NUMBERS(int);

struct team_ops {
    int n; /* numbers a row, at least 1 */
    struct team_ops_float f;
    struct team_ops_double d;
    struct team_ops_int i;
    int *positive; /* [n_rows x n] how many of i.x before this one are above 0 */
};

#ifdef TEAM_H
#define TEAM_OPS_OF(type, suffix)                                                                            \
    TEAM_FN void team_ops_of_##type(const struct team_ops_##type *a, long row, int n, struct team *t)        \
    {                                                                                                        \
        const type *x = a->x + row * n;                                                                      \
        type *value = a->value + row * TEAM_OPS_VALUES, *before = a->before + row * n;                       \
        type sum = 0, most = x[0], mine = 0, so_far = 0;                                                     \
        int place = n; /* of this lane's maximum; n: it has met none above x[0] */                           \
        const int picked = (int)(row % n);                                                                   \
        for (int k = TEAM_LANE; k < n - MUTANT(team_ops_index, 1, 0); k += TEAM_SIZE) {                      \
            sum += x[k];                                                                                     \
            if (x[k] > most || place == n)                                                                   \
                most = x[k], place = k;                                                                      \
            mine = k == picked ? x[k] : mine;                                                                \
        }                                                                                                    \
        sum = team_sum##suffix(t, sum);                                                                      \
        place = team_argmax##suffix(t, most, place);                                                         \
        most = team_max##suffix(t, most);                                                                    \
        const int owner = picked % TEAM_SIZE + MUTANT(team_ops_owner, TEAM_LANE == 5, 0);                    \
        mine = team_broadcast##suffix(t, mine, owner);                                                       \
        for (int base = 0; base < n; base += TEAM_SIZE) {                                                    \
            const int k = base + TEAM_LANE;                                                                  \
            type all;                                                                                        \
            MUTANT_LEAVE(team_ops_leaves, k >= n);                                                           \
            const type here = team_scan##suffix(t, k < n ? x[k] : 0, &all);                                  \
            if (k < n)                                                                                       \
                before[k] = so_far + here;                                                                   \
            so_far += all;                                                                                   \
        }                                                                                                    \
        if (TEAM_LANE == 0) {                                                                                \
            value[TEAM_OPS_SUM] = sum, value[TEAM_OPS_MAX] = most, value[TEAM_OPS_PICKED] = mine;            \
            a->place[row] = place;                                                                           \
        }                                                                                                    \
    }
TEAM_OPS_OF(float, )
TEAM_OPS_OF(double, _double)
TEAM_OPS_OF(int, _int)

TEAM_FN void team_ops_row(const struct team_ops *a, long row, struct team *t)
{
    const int n = a->n;
    int so_far = 0;
    team_ops_of_float(&a->f, row, n, t);
    team_ops_of_double(&a->d, row, n, t);
    team_ops_of_int(&a->i, row, n, t);
    for (int base = 0; base < n; base += TEAM_SIZE) {
        const int k = base + TEAM_LANE;
        int all;
        const int here = team_rank(t, k < n && a->i.x[row * n + k] > 0, &all);
        if (k < n)
            a->positive[row * n + k + MUTANT(team_ops_outside, n, 0)] = so_far + here;
        so_far += all;
    }
}
#endif
#endif
