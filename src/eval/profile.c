/*
 * profile.c - see profile.h.
 *
 * After Abdollahpouri, Mansoury, Burke, Mobasher 2019, "The unfairness of popularity bias in recommendation": popularity of
 * lists against popularity of profiles, by groups of users.
 */
#include "eval/profile.h"

#include <stdlib.h>

struct profile {
    const struct csr *train, *relevant;
    const uint32_t *users; /* [n_users] of the lists */
    uint32_t n_users;
    double *popularity;  /* [n_items] */
    uint8_t *item_group; /* [n_items] from 0 */
    double *taken;       /* [n_users] mean popularity of the train rows; negative: none */
    uint8_t *user_group; /* [n_users] */
};

struct place {
    double key;
    uint32_t index;
};
static int rising(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static double mean_popularity(const struct profile *p, const uint32_t *items, size_t n)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += p->popularity[items[j]];
    return n > 0 ? sum / (double)n : -1;
}

static const uint32_t *row_items(const struct csr *a, uint32_t row, size_t *n)
{
    *n = (size_t)(a->ptr[row + 1] - a->ptr[row]);
    return a->idx + a->ptr[row];
}

static enum status group_items(struct profile *p, struct arena *scratch)
{
    const struct csr *a = p->train;
    struct place *order;
    double before = 0, n_takers = 0;
    ARENA_NEW(p->popularity, scratch, a->n_cols);
    ARENA_NEW(p->item_group, scratch, a->n_cols);
    ARENA_NEW(order, scratch, a->n_cols);
    for (uint32_t u = 0; u < a->n_rows; u++)
        n_takers += a->ptr[u + 1] > a->ptr[u];
    for (int64_t e = 0; e < a->nnz; e++)
        p->popularity[a->idx[e]]++;
    for (uint32_t i = 0; i < a->n_cols; i++)
        order[i] = (struct place){-p->popularity[i], i};
    qsort(order, a->n_cols, sizeof *order, rising);
    for (uint32_t j = 0; j < a->n_cols; j++) { /* by the middle of the item's rows among all */
        const double rows = -order[j].key, middle = before + rows / 2;
        const double group = a->nnz > 0 ? PROFILE_GROUPS * middle / (double)a->nnz : 0;
        p->item_group[order[j].index] =
            group < PROFILE_GROUPS - 1 && rows > 0 ? (uint8_t)group : PROFILE_GROUPS - 1;
        before += rows;
    }
    for (uint32_t i = 0; i < a->n_cols && n_takers > 0; i++)
        p->popularity[i] /= n_takers;
    return STATUS_OK;
}

static enum status group_users(struct profile *p, struct arena *scratch)
{
    struct place *order;
    uint32_t n = 0;
    ARENA_NEW(order, scratch, p->n_users);
    ARENA_NEW(p->taken, scratch, p->n_users);
    ARENA_NEW(p->user_group, scratch, p->n_users);
    for (uint32_t u = 0; u < p->n_users; u++) {
        size_t length;
        const uint32_t *items = row_items(p->train, p->users[u], &length);
        p->taken[u] = mean_popularity(p, items, length);
        if (length > 0)
            order[n++] = (struct place){p->taken[u], u};
    }
    qsort(order, n, sizeof *order, rising);
    for (uint32_t j = 0; j < n; j++)
        p->user_group[order[j].index] = (uint8_t)((uint64_t)j * PROFILE_GROUPS / n);
    return STATUS_OK;
}

static size_t filled(const struct lists *l, uint32_t u, uint32_t k)
{
    size_t n = 0;
    while (n < k && l->item[(size_t)u * l->k + n] != UINT32_MAX)
        n++;
    return n;
}

static void write_items(const struct profile *p, const struct lists *l, uint32_t k, FILE *out)
{
    double sums[3][PROFILE_GROUPS] = {{0}}, all[3] = {0}; /* train, test, recommended */
    uint32_t n[PROFILE_GROUPS] = {0};
    for (uint32_t i = 0; i < p->train->n_cols; i++)
        n[p->item_group[i]]++;
    for (int64_t e = 0; e < p->train->nnz; e++)
        sums[0][p->item_group[p->train->idx[e]]]++, all[0]++;
    for (uint32_t u = 0; u < p->n_users; u++) {
        size_t length;
        const uint32_t *test = row_items(p->relevant, p->users[u], &length);
        for (size_t j = 0; j < length; j++)
            sums[1][p->item_group[test[j]]]++, all[1]++;
        length = filled(l, u, k);
        for (size_t j = 0; j < length; j++)
            sums[2][p->item_group[l->item[(size_t)u * l->k + j]]]++, all[2]++;
    }
    for (int g = 0; g < PROFILE_GROUPS; g++) {
        fprintf(out, "%u,items,%d,%u", k, g + 1, n[g]);
        for (int s = 0; s < 3; s++)
            fprintf(out, ",%.9g", all[s] > 0 ? sums[s][g] / all[s] : 0.0);
        fputc('\n', out);
    }
}

static void write_users(const struct profile *p, const struct lists *l, uint32_t k, FILE *out)
{
    double sums[3][PROFILE_GROUPS] = {{0}}, n[3][PROFILE_GROUPS] = {{0}};
    for (uint32_t u = 0; u < p->n_users; u++) {
        const int g = p->user_group[u];
        size_t length;
        const uint32_t *test = row_items(p->relevant, p->users[u], &length);
        if (p->taken[u] < 0)
            continue;
        const double means[3] = {p->taken[u], mean_popularity(p, test, length),
                                 mean_popularity(p, l->item + (size_t)u * l->k, filled(l, u, k))};
        for (int s = 0; s < 3; s++)
            if (means[s] >= 0)
                sums[s][g] += means[s], n[s][g]++;
    }
    for (int g = 0; g < PROFILE_GROUPS; g++) {
        if (n[0][g] == 0)
            continue;
        fprintf(out, "%u,users,%d,%.0f", k, g + 1, n[0][g]);
        for (int s = 0; s < 3; s++)
            fprintf(out, n[s][g] > 0 ? ",%.9g" : ",", n[s][g] > 0 ? sums[s][g] / n[s][g] : 0.0);
        fputc('\n', out);
    }
}

enum status profile_write(const struct lists *lists, const uint32_t *users, const struct csr *train,
                          const struct csr *relevant, const uint32_t *k, size_t n_k, struct arena *scratch,
                          FILE *out)
{
    struct profile p = {.train = train, .relevant = relevant, .users = users, .n_users = lists->n_users};
    TRY(group_items(&p, scratch));
    TRY(group_users(&p, scratch));
    for (size_t c = 0; c < n_k; c++) {
        write_items(&p, lists, k[c], out);
        write_users(&p, lists, k[c], out);
    }
    return STATUS_OK;
}
