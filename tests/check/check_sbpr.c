/*
 * check_sbpr.c - sbpr_*: a sweep over the diagonals of a grid, each launch against the plain loop in double from the same start; some samples
 * have no item of their own, some no negative.
 */
#include <math.h>
#include <string.h>

#include "check.h"
#include "sbpr.h"

enum { GRID = 3, USERS = 9, ITEMS = 12, PER_BLOCK = 35, SAMPLES = GRID * GRID * PER_BLOCK, RANK_MOST = 128 };

/* Item i lies in part i % GRID, user u likewise. */
static void sbpr_writes(const void *args, long g)
{
    const struct sbpr *a = args;
    const long part = (g + a->diagonal) % a->grid, block = g * a->grid + part;
    const size_t rank = (size_t)a->rank;
    for (int64_t e = a->block[block]; e < a->block[block + 1]; e++)
        check_may_write(a->user + a->sample[e].user * rank, rank * sizeof(float));
    for (size_t i = (size_t)part; i < ITEMS; i += GRID) {
        check_may_write(a->item + i * rank, rank * sizeof(float));
        if (a->use_bias)
            check_may_write(a->item_bias + i, sizeof(float));
    }
}

struct exact {
    double user[USERS * RANK_MOST], item[ITEMS * RANK_MOST], bias[ITEMS];
};

/* The gradient of sbpr.h's loss, summed by row: a row that stands twice in the sample counts its penalty once. */
static void exact_sample(const struct sbpr *a, const struct sbpr_sample *s, struct exact *x)
{
    const size_t rank = (size_t)a->rank;
    const double rate = (double)a->learning_rate, weight = (double)s->weight;
    double *p = x->user + s->user * rank, *qi = x->item + s->item * rank, *qk = x->item + s->social * rank,
           *qj = x->item + s->negative * rank, *bi = x->bias + s->item, *bk = x->bias + s->social,
           *bj = x->bias + s->negative;
    const int own = s->item != s->social;
    double first = *bi - *bk, second = *bk - *bj;
    for (size_t k = 0; k < rank; k++) {
        first += p[k] * (qi[k] - qk[k]);
        second += p[k] * (qk[k] - qj[k]);
    }
    first = rate * weight / (1 + exp(weight * first));
    second = rate / (1 + exp(second));
    for (size_t k = 0; k < rank; k++) {
        const double pv = p[k], iv = qi[k], kv = qk[k], jv = qj[k], keep = 1 - rate * (double)a->reg_item;
        p[k] += first * (iv - kv) + second * (kv - jv) - rate * (double)a->reg_user * pv;
        if (own)
            qi[k] = keep * iv + first * pv;
        qk[k] = keep * kv + (second - first) * pv;
        qj[k] = keep * jv - second * pv;
    }
    if (a->use_bias) {
        const double keep = 1 - rate * (double)a->reg_bias;
        if (own)
            *bi = keep * *bi + first;
        *bk = keep * *bk + second - first;
        *bj = keep * *bj - second;
    }
}

static void check_launch(const char *kernel, const struct sbpr *a)
{
    static struct exact x;
    const int n_user = USERS * a->rank, n_item = ITEMS * a->rank;
    for (int i = 0; i < n_user; i++)
        x.user[i] = (double)a->user[i];
    for (int i = 0; i < n_item; i++)
        x.item[i] = (double)a->item[i];
    for (int i = 0; i < ITEMS; i++)
        x.bias[i] = (double)a->item_bias[i];
    for (long g = 0; g < GRID; g++) {
        const long block = g * GRID + (g + a->diagonal) % GRID;
        for (int64_t e = a->block[block]; e < a->block[block + 1]; e++)
            if (a->sample[e].negative != SBPR_NONE)
                exact_sample(a, &a->sample[e], &x);
    }
    check_run(kernel, a, GRID, 0);
    /* Two sums of 2 rank products of numbers below 1 a sample, each scaled by rate / 4; a block makes PER_BLOCK. */
    const double bound = PER_BLOCK * CHECK_EPS * (0.1 * (sqrt(a->rank) + 4) + 2);
    for (int i = 0; i < n_user; i++)
        check_near("user", i, (double)a->user[i], x.user[i], bound);
    for (int i = 0; i < n_item; i++)
        check_near("item", i, (double)a->item[i], x.item[i], bound);
    for (int i = 0; i < ITEMS; i++)
        check_near("item_bias", i, (double)a->item_bias[i], x.bias[i], bound);
}

/* Of a part's four items the first two are own, then come one of friends and one of neither, in turn. */
static struct sbpr_sample sample_of(uint32_t e)
{
    const uint32_t b = e / PER_BLOCK, part = b % GRID;
    const uint32_t own = part + GRID * check_whole(6, e, 2), social = part + GRID * (2 + e % 2),
                   other = part + GRID * (3 - e % 2);
    struct sbpr_sample s = {.user = b / GRID + GRID * check_whole(5, e, USERS / GRID),
                            .item = own,
                            .social = social,
                            .negative = other,
                            .weight = 1.0f / (2.0f + (float)check_whole(7, e, 4))};
    if (e % 5 == 3) { /* friends alone are known */
        s.item = s.social;
        s.weight = 0;
    } else if (e % 7 == 4) { /* BPR */
        s.item = s.social = own;
        s.weight = 0;
    }
    if (e % 11 == 6)
        s.negative = SBPR_NONE;
    return s;
}

static void sbpr_cases(const char *kernel)
{
    const char *suffix = strrchr(kernel, '_') + 1;
    const int rank = strcmp(suffix, "any") == 0   ? 96
                     : strcmp(suffix, "128") == 0 ? 128
                     : strcmp(suffix, "64") == 0  ? 64
                                                  : 32;
    for (int use_bias = 0; use_bias < 2; use_bias++) {
        struct sbpr_sample *sample = check_buffer("sample", SAMPLES, sizeof *sample);
        int64_t *block = check_buffer("block", GRID * GRID + 1, sizeof *block);
        struct sbpr a = {.n_users = USERS,
                         .n_items = ITEMS,
                         .user = check_floats("user", (size_t)(USERS * rank), 1),
                         .item = check_floats("item", (size_t)(ITEMS * rank), 2),
                         .item_bias = check_floats("item_bias", ITEMS, 3),
                         .sample = sample,
                         .block = block,
                         .learning_rate = 0.05f,
                         .reg_user = 0.1f,
                         .reg_item = 0.2f,
                         .reg_bias = 0.4f,
                         .use_bias = use_bias,
                         .rank = rank,
                         .grid = GRID};
        for (uint32_t e = 0; e < SAMPLES; e++) {
            sample[e] = sample_of(e);
            block[e / PER_BLOCK + 1] = e + 1;
        }
        for (a.diagonal = 0; a.diagonal < GRID; a.diagonal++)
            check_launch(kernel, &a);
        check_end();
    }
}

const struct check_kernel check_sbpr[] = {
    {"sbpr_32", sbpr_cases, sbpr_writes},
    {"sbpr_64", sbpr_cases, sbpr_writes},
    {"sbpr_128", sbpr_cases, sbpr_writes},
    {"sbpr_any", sbpr_cases, sbpr_writes},
    {NULL, NULL, NULL},
};
