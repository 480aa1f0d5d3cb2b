/*
 * check_sgd.c - sgd_*: a sweep over the diagonals of a grid, each launch against the plain loop in double
 * from the same start.
 */
#include <math.h>
#include <string.h>

#include "check.h"
#include "sgd.h"

enum { GRID = 3, USERS = 9, ITEMS = 6, PER_BLOCK = 5, SAMPLES = GRID * GRID * PER_BLOCK, RANK_MOST = 128 };

static void sgd_writes(const void *args, long g)
{
    const struct sgd *a = args;
    const long block = g * a->grid + (g + a->diagonal) % a->grid;
    const size_t rank = (size_t)a->rank;
    for (int64_t e = a->block[block]; e < a->block[block + 1]; e++) {
        const struct sgd_sample *s = &a->sample[e];
        check_may_write(a->user + s->user * rank, rank * sizeof(float));
        check_may_write(a->item + s->item * rank, rank * sizeof(float));
        check_may_write(a->user_bias + s->user, sizeof(float));
        check_may_write(a->item_bias + s->item, sizeof(float));
    }
}

/* The launch's samples in double, rows in any order (they share nothing); sizes: the largest sum |x y| met.
 */
struct exact {
    double user[USERS * RANK_MOST], item[ITEMS * RANK_MOST], user_bias[USERS], item_bias[ITEMS];
};

static void exact_sample(const struct sgd *a, const struct sgd_sample *s, struct exact *x)
{
    double *p = x->user + s->user * (size_t)a->rank, *q = x->item + s->item * (size_t)a->rank;
    double error = s->value - (a->mean + x->user_bias[s->user] + x->item_bias[s->item]);
    for (int k = 0; k < a->rank; k++)
        error -= p[k] * q[k];
    for (int k = 0; k < a->rank; k++) {
        const double pk = p[k];
        p[k] += a->lr_pu * (error * q[k] - a->reg_pu * pk);
        q[k] += a->lr_qi * (error * pk - a->reg_qi * q[k]);
    }
    x->user_bias[s->user] += a->lr_bu * (error - a->reg_bu * x->user_bias[s->user]);
    x->item_bias[s->item] += a->lr_bi * (error - a->reg_bi * x->item_bias[s->item]);
}

static void check_launch(const char *kernel, const struct sgd *a)
{
    static struct exact x;
    const int n_user = USERS * a->rank, n_item = ITEMS * a->rank;
    for (int i = 0; i < n_user; i++)
        x.user[i] = a->user[i];
    for (int i = 0; i < n_item; i++)
        x.item[i] = a->item[i];
    for (int i = 0; i < USERS; i++)
        x.user_bias[i] = a->user_bias[i];
    for (int i = 0; i < ITEMS; i++)
        x.item_bias[i] = a->item_bias[i];
    for (long g = 0; g < GRID; g++) {
        const long block = g * GRID + (g + a->diagonal) % GRID;
        for (int64_t e = a->block[block]; e < a->block[block + 1]; e++)
            exact_sample(a, &a->sample[e], &x);
    }
    check_run(kernel, a, GRID, 0);
    /* A prediction sums at most rank products of numbers below 1 and three of size 5; a step scales it by
     * rate, and a block makes at most PER_BLOCK steps. */
    const double bound = PER_BLOCK * CHECK_EPS * (0.05 * (sqrt(a->rank) + 15) + 1);
    for (int i = 0; i < n_user; i++)
        check_near("user", i, a->user[i], x.user[i], bound);
    for (int i = 0; i < n_item; i++)
        check_near("item", i, a->item[i], x.item[i], bound);
    for (int i = 0; i < USERS; i++)
        check_near("user_bias", i, a->user_bias[i], x.user_bias[i], bound);
    for (int i = 0; i < ITEMS; i++)
        check_near("item_bias", i, a->item_bias[i], x.item_bias[i], bound);
}

static void sgd_cases(const char *kernel)
{
    const char *suffix = strrchr(kernel, '_') + 1;
    const int rank = strcmp(suffix, "any") == 0   ? 96
                     : strcmp(suffix, "128") == 0 ? 128
                     : strcmp(suffix, "64") == 0  ? 64
                                                  : 32;
    struct sgd_sample *sample = check_buffer("sample", SAMPLES, sizeof *sample);
    int64_t *block = check_buffer("block", GRID * GRID + 1, sizeof *block);
    struct sgd a = {.n_users = USERS,
                    .n_items = ITEMS,
                    .user = check_floats("user", (size_t)(USERS * rank), 1),
                    .item = check_floats("item", (size_t)(ITEMS * rank), 2),
                    .user_bias = check_floats("user_bias", USERS, 3),
                    .item_bias = check_floats("item_bias", ITEMS, 4),
                    .sample = sample,
                    .block = block,
                    .mean = 3.0f,
                    .lr_bu = 0.05f,
                    .lr_bi = 0.03f,
                    .lr_pu = 0.04f,
                    .lr_qi = 0.02f,
                    .reg_bu = 0.1f,
                    .reg_bi = 0.2f,
                    .reg_pu = 0.3f,
                    .reg_qi = 0.4f,
                    .rank = rank,
                    .grid = GRID};
    for (uint32_t e = 0; e < SAMPLES; e++) { /* user u lies in part u % 3, item i in part i % 3 */
        const uint32_t b = e / PER_BLOCK;
        sample[e] = (struct sgd_sample){.user = b / GRID + GRID * check_whole(5, e, USERS / GRID),
                                        .item = b % GRID + GRID * check_whole(6, e, ITEMS / GRID),
                                        .value = 1.0f + (float)check_whole(7, e, 5)};
        block[b + 1] = e + 1;
    }
    for (a.diagonal = 0; a.diagonal < GRID; a.diagonal++)
        check_launch(kernel, &a);
    check_end();
}

const struct check_kernel check_sgd[] = {
    {"sgd_32", sgd_cases, sgd_writes},
    {"sgd_64", sgd_cases, sgd_writes},
    {"sgd_128", sgd_cases, sgd_writes},
    {"sgd_any", sgd_cases, sgd_writes},
    {NULL, NULL, NULL},
};
