/*
 * check_bpr.c - bpr_*: a sweep over the diagonals of a grid, each launch against the plain loop in double from the same start;
 * one user has every item of a part, so samples are passed over too.
 */
#include <math.h>
#include <string.h>

#include "bpr.h"
#include "check.h"
#include "philox.h"

enum { GRID = 3, USERS = 9, ITEMS = 12, PER_BLOCK = 35, SAMPLES = GRID * GRID * PER_BLOCK, RANK_MOST = 128 };
enum { HELD = 2, FULL = 6 }; /* items a user has of each part; the user who has all of part 0 */

/* Item i lies in part i % GRID; a user has items 0 .. 2 HELD - 1 by part, the user FULL all of part 0 too. */
static int has(uint32_t user, uint32_t item)
{
    return item < HELD * GRID || (user == FULL && item % GRID == 0);
}

static void bpr_writes(const void *args, long g)
{
    const struct bpr *a = args;
    const long part = (g + a->diagonal) % a->grid, block = g * a->grid + part;
    const size_t rank = (size_t)a->rank;
    for (int64_t e = a->block[block]; e < a->block[block + 1]; e++)
        check_may_write(a->user + a->sample[e].user * rank, rank * sizeof(float));
    for (uint32_t i = a->part[part]; i < a->part[part + 1]; i++) {
        check_may_write(a->item + a->part_item[i] * rank, rank * sizeof(float));
        if (a->use_bias)
            check_may_write(a->item_bias + a->part_item[i], sizeof(float));
    }
}

struct exact {
    double user[USERS * RANK_MOST], item[ITEMS * RANK_MOST], bias[ITEMS];
};

static int negative_of(const struct bpr *a, int64_t e, long part, uint32_t *j)
{
    for (uint64_t try = 0; try < BPR_TRIES; try++) {
        const struct philox x = philox4x32(a->seed, a->stream, (uint64_t)e * (BPR_TRIES / 4) + try / 4);
        const double unit = x.v[try % 4] / 4294967296.0;
        *j = (uint32_t)part + GRID * (uint32_t)(unit * (ITEMS / GRID)); /* the part's items in rising order */
        if (!has(a->sample[e].user, *j))
            return 1;
    }
    return 0;
}

static int exact_sample(const struct bpr *a, int64_t e, long part, struct exact *x)
{
    const struct bpr_sample *s = &a->sample[e];
    uint32_t j;
    if (!negative_of(a, e, part, &j))
        return 0;
    double *p = x->user + s->user * (size_t)a->rank, *qi = x->item + s->item * (size_t)a->rank,
           *qj = x->item + j * (size_t)a->rank, *bi = x->bias + s->item, *bj = x->bias + j;
    const double rate = (double)a->learning_rate;
    double z = *bi - *bj;
    for (int k = 0; k < a->rank; k++)
        z += p[k] * (qi[k] - qj[k]);
    const double step = rate / (1 + exp(z));
    for (int k = 0; k < a->rank; k++) {
        const double pk = p[k], ik = qi[k], jk = qj[k];
        p[k] += step * (ik - jk) - rate * (double)a->reg_user * pk;
        qi[k] += step * pk - rate * (double)a->reg_positive * ik;
        qj[k] += -step * pk - rate * (double)a->reg_negative * jk;
    }
    if (a->use_bias) {
        *bi += step - rate * (double)a->reg_bias * *bi;
        *bj += -step - rate * (double)a->reg_bias * *bj;
    }
    return 1;
}

static int check_launch(const char *kernel, const struct bpr *a)
{
    static struct exact x;
    const int n_user = USERS * a->rank, n_item = ITEMS * a->rank;
    int passed = 0;
    for (int i = 0; i < n_user; i++)
        x.user[i] = (double)a->user[i];
    for (int i = 0; i < n_item; i++)
        x.item[i] = (double)a->item[i];
    for (int i = 0; i < ITEMS; i++)
        x.bias[i] = (double)a->item_bias[i];
    for (long g = 0; g < GRID; g++) {
        const long part = (g + a->diagonal) % GRID, block = g * GRID + part;
        for (int64_t e = a->block[block]; e < a->block[block + 1]; e++)
            passed += !exact_sample(a, e, part, &x);
    }
    check_run(kernel, a, GRID, BPR_SCRATCH);
    /* x sums at most 2 rank products of numbers below 1; a step scales it by rate / 4, and a block makes PER_BLOCK. */
    const double bound = PER_BLOCK * CHECK_EPS * (0.05 * (sqrt(a->rank) + 4) + 2);
    for (int i = 0; i < n_user; i++)
        check_near("user", i, (double)a->user[i], x.user[i], bound);
    for (int i = 0; i < n_item; i++)
        check_near("item", i, (double)a->item[i], x.item[i], bound);
    for (int i = 0; i < ITEMS; i++)
        check_near("item_bias", i, (double)a->item_bias[i], x.bias[i], bound);
    return passed;
}

static void bpr_data(struct bpr *a)
{
    struct bpr_sample *sample = check_buffer("sample", SAMPLES, sizeof *sample);
    int64_t *block = check_buffer("block", GRID * GRID + 1, sizeof *block), n = 0;
    int64_t *ptr = check_buffer("ptr", USERS + 1, sizeof *ptr);
    uint32_t *idx = check_buffer("idx", USERS * ITEMS, sizeof *idx);
    uint32_t *part = check_buffer("part", GRID + 1, sizeof *part),
             *part_item = check_buffer("part_item", ITEMS, sizeof *part_item);
    for (uint32_t i = 0; i < ITEMS; i++)
        part_item[i % GRID * (ITEMS / GRID) + i / GRID] = i;
    for (uint32_t h = 0; h < GRID; h++)
        part[h + 1] = (h + 1) * (ITEMS / GRID);
    for (uint32_t u = 0; u < USERS; u++) {
        for (uint32_t i = 0; i < ITEMS; i++)
            if (has(u, i))
                idx[n++] = i;
        ptr[u + 1] = n;
    }
    for (uint32_t e = 0; e < SAMPLES; e++) { /* user u lies in part u % GRID */
        const uint32_t b = e / PER_BLOCK;
        sample[e] = (struct bpr_sample){.user = b / GRID + GRID * check_whole(5, e, USERS / GRID),
                                        .item = b % GRID + GRID * check_whole(6, e, HELD)};
        block[b + 1] = e + 1;
    }
    a->sample = sample, a->block = block, a->part = part, a->part_item = part_item, a->ptr = ptr,
    a->idx = idx;
}

static void bpr_cases(const char *kernel)
{
    const char *suffix = strrchr(kernel, '_') + 1;
    const int rank = strcmp(suffix, "any") == 0   ? 96
                     : strcmp(suffix, "128") == 0 ? 128
                     : strcmp(suffix, "64") == 0  ? 64
                                                  : 32;
    int passed = 0;
    for (int use_bias = 0; use_bias < 2; use_bias++) {
        struct bpr a = {.n_users = USERS,
                        .user = check_floats("user", (size_t)(USERS * rank), 1),
                        .item = check_floats("item", (size_t)(ITEMS * rank), 2),
                        .item_bias = check_floats("item_bias", ITEMS, 3),
                        .seed = 4,
                        .stream = 9,
                        .learning_rate = 0.05f,
                        .reg_user = 0.1f,
                        .reg_positive = 0.2f,
                        .reg_negative = 0.3f,
                        .reg_bias = 0.4f,
                        .use_bias = use_bias,
                        .rank = rank,
                        .grid = GRID};
        bpr_data(&a);
        for (a.diagonal = 0; a.diagonal < GRID; a.diagonal++)
            passed += check_launch(kernel, &a);
        check_end();
    }
    check_near("samples were passed over,", 0, passed > 0, 1, 0);
}

const struct check_kernel check_bpr[] = {
    {"bpr_32", bpr_cases, bpr_writes},
    {"bpr_64", bpr_cases, bpr_writes},
    {"bpr_128", bpr_cases, bpr_writes},
    {"bpr_any", bpr_cases, bpr_writes},
    {NULL, NULL, NULL},
};
