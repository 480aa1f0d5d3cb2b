/*
 * check_mf2020.c - mf2020_*: a sweep over the diagonals of a grid, each launch against the plain loop in double from the same start; draws
 * run past one batch, and a negative is sometimes the sample's own item.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mf2020.h"
#include "philox.h"

enum {
    GRID = 3,
    USERS = 9,
    ITEMS = 12,
    HELD = ITEMS / GRID,
    PER_BLOCK = 35,
    SAMPLES = GRID * GRID * PER_BLOCK,
    RANK_MOST = 192
};

static void mf2020_writes(const void *args, long g)
{
    const struct mf2020 *a = args;
    const long part = (g + a->diagonal) % a->grid, block = g * a->grid + part;
    const size_t rank = (size_t)a->rank;
    for (int64_t e = a->block[block]; e < a->block[block + 1]; e++) {
        check_may_write(a->user + a->sample[e].user * rank, rank * sizeof(float));
        check_may_write(a->user_bias + a->sample[e].user, sizeof(float));
    }
    for (uint32_t i = a->part[part]; i < a->part[part + 1]; i++) {
        check_may_write(a->item + a->part_item[i] * rank, rank * sizeof(float));
        check_may_write(a->item_bias + a->part_item[i], sizeof(float));
    }
    check_may_write(a->bias_to + g, sizeof(float));
}

struct exact {
    double user[USERS * RANK_MOST], item[ITEMS * RANK_MOST], user_bias[USERS], item_bias[ITEMS], b;
};

/* Negative k of sample e: item i with probability 1 / ITEMS, else one of the others of part `part`, in rising order. */
static uint32_t negative_of(const struct mf2020 *a, int64_t e, int k, long part)
{
    const uint64_t draw = (uint64_t)e * (uint64_t)a->negatives + (uint64_t)k;
    const struct philox x = philox4x32(a->seed, a->stream, draw / 4);
    const double unit = x.v[draw % 4] / 4294967296.0 * ITEMS, rest = unit - floor(unit);
    const uint32_t i = a->sample[e].item;
    if (unit < 1)
        return i;
    const uint32_t other = (uint32_t)(rest * (HELD - 1));
    return (uint32_t)part + GRID * (other >= i / GRID ? other + 1 : other);
}

static void exact_step(const struct mf2020 *a, uint32_t user, uint32_t item, double label, struct exact *x)
{
    double *p = x->user + user * (size_t)a->rank, *q = x->item + item * (size_t)a->rank;
    const double rate = (double)a->learning_rate, reg = (double)a->reg;
    double y = x->b + x->user_bias[user] + x->item_bias[item];
    for (int k = 0; k < a->rank; k++)
        y += p[k] * q[k];
    const double slope = label - 1 / (1 + exp(-y));
    for (int k = 0; k < a->rank; k++) {
        const double pk = p[k], qk = q[k];
        p[k] += rate * (slope * qk - reg * pk);
        q[k] += rate * (slope * pk - reg * qk);
    }
    x->b += rate * (slope - reg * x->b);
    x->user_bias[user] += rate * (slope - reg * x->user_bias[user]);
    x->item_bias[item] += rate * (slope - reg * x->item_bias[item]);
}

static void near_all(const char *what, const float *got, const double *want, int n, double bound)
{
    for (int i = 0; i < n; i++)
        check_near(what, i, (double)got[i], want[i], bound);
}

/* Returns how many negatives are their sample's item. */
static int check_launch(const char *kernel, const struct mf2020 *a)
{
    static struct exact x;
    double b[GRID], mean = 0;
    int own = 0;
    for (int i = 0; i < USERS * a->rank; i++)
        x.user[i] = (double)a->user[i];
    for (int i = 0; i < ITEMS * a->rank; i++)
        x.item[i] = (double)a->item[i];
    for (int i = 0; i < USERS; i++)
        x.user_bias[i] = (double)a->user_bias[i];
    for (int i = 0; i < ITEMS; i++)
        x.item_bias[i] = (double)a->item_bias[i];
    for (int g = 0; g < GRID; g++)
        mean += (double)a->bias_from[g] / GRID;
    for (long g = 0; g < GRID; g++) {
        const long part = (g + a->diagonal) % GRID, block = g * GRID + part;
        x.b = mean;
        for (int64_t e = a->block[block]; e < a->block[block + 1]; e++) {
            exact_step(a, a->sample[e].user, a->sample[e].item, 1, &x);
            for (int k = 0; k < a->negatives; k++) {
                const uint32_t j = negative_of(a, e, k, part);
                exact_step(a, a->sample[e].user, j, 0, &x);
                own += j == a->sample[e].item;
            }
        }
        b[g] = x.b;
    }
    check_run(kernel, a, GRID, MF2020_SCRATCH);
    /* y sums rank products of numbers below 1; a step scales its error by rate / 4, and a block makes PER_BLOCK (1 + negatives). */
    const double steps = PER_BLOCK * (1.0 + a->negatives),
                 bound = steps * CHECK_EPS * (0.05 * (sqrt(a->rank) + 4) + 2);
    near_all("user", a->user, x.user, USERS * a->rank, bound);
    near_all("item", a->item, x.item, ITEMS * a->rank, bound);
    near_all("user_bias", a->user_bias, x.user_bias, USERS, bound);
    near_all("item_bias", a->item_bias, x.item_bias, ITEMS, bound);
    near_all("bias", a->bias_to, b, GRID, bound);
    return own;
}

/* Item i lies in part i % GRID, user u in part u % GRID. */
static void mf2020_data(struct mf2020 *a)
{
    struct bpr_sample *sample = check_buffer("sample", SAMPLES, sizeof *sample);
    int64_t *block = check_buffer("block", GRID * GRID + 1, sizeof *block);
    uint32_t *part = check_buffer("part", GRID + 1, sizeof *part),
             *part_item = check_buffer("part_item", ITEMS, sizeof *part_item),
             *place = check_buffer("place", ITEMS, sizeof *place);
    for (uint32_t i = 0; i < ITEMS; i++) {
        place[i] = i % GRID * (HELD) + i / GRID;
        part_item[place[i]] = i;
    }
    for (uint32_t h = 0; h < GRID; h++)
        part[h + 1] = (h + 1) * (HELD);
    for (uint32_t e = 0; e < SAMPLES; e++) {
        const uint32_t b = e / PER_BLOCK;
        sample[e] = (struct bpr_sample){.user = b / GRID + GRID * check_whole(5, e, USERS / GRID),
                                        .item = b % GRID + GRID * check_whole(6, e, HELD)};
        block[b + 1] = e + 1;
    }
    a->sample = sample, a->block = block, a->part = part, a->part_item = part_item, a->place = place;
}

static void mf2020_cases(const char *kernel)
{
    const char *suffix = strrchr(kernel, '_') + 1;
    const int rank = strcmp(suffix, "any") == 0 ? 96 : (int)strtol(suffix, NULL, 10);
    int own = 0;
    for (int negatives = 1; negatives < 8; negatives += 5) {
        struct mf2020 a = {.n_users = USERS,
                           .user = check_floats("user", (size_t)(USERS * rank), 1),
                           .item = check_floats("item", (size_t)(ITEMS * rank), 2),
                           .user_bias = check_floats("user_bias", USERS, 3),
                           .item_bias = check_floats("item_bias", ITEMS, 4),
                           .seed = 4,
                           .stream = 9,
                           .learning_rate = 0.05f,
                           .reg = 0.1f,
                           .negatives = negatives,
                           .rank = rank,
                           .grid = GRID};
        float *bias[2] = {check_floats("bias_from", GRID, 7), check_floats("bias_to", GRID, 8)};
        mf2020_data(&a);
        for (a.diagonal = 0; a.diagonal < GRID; a.diagonal++) {
            a.bias_from = bias[a.diagonal % 2], a.bias_to = bias[1 - a.diagonal % 2];
            own += check_launch(kernel, &a);
        }
        check_end();
    }
    check_near("negatives are their sample's item,", 0, own > 0, 1, 0);
}

const struct check_kernel check_mf2020[] = {
    {"mf2020_32", mf2020_cases, mf2020_writes},  {"mf2020_64", mf2020_cases, mf2020_writes},
    {"mf2020_128", mf2020_cases, mf2020_writes}, {"mf2020_192", mf2020_cases, mf2020_writes},
    {"mf2020_any", mf2020_cases, mf2020_writes}, {NULL, NULL, NULL},
};
