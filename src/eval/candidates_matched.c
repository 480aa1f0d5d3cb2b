/*
 * candidates_matched.c - negatives as popular as what the user took: whoever ranks by popularity alone, seen or predicted, orders such a list
 * no better than chance, so that what is measured is taste.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "eval/candidates_parts.h"

struct popular {
    uint32_t rows, shuffled, item;
};
static int by_rows(const void *a, const void *b)
{
    const struct popular *x = a, *y = b;
    return x->rows != y->rows ? (x->rows > y->rows) - (x->rows < y->rows)
                              : (x->shuffled > y->shuffled) - (x->shuffled < y->shuffled);
}

/* Items by their rows, those without train rows first and apart: order [n_items], place [n_items] of each in it; *n_cold. */
static enum status order_items(const struct candidates_of *of, const struct csr *train, uint64_t seed,
                               struct arena *arena, struct popular **out, uint32_t **place, uint32_t *n_cold)
{
    const uint32_t n = of->relevant->n_cols;
    const struct csr *const parts[] = {train, of->masks[1], of->relevant};
    uint32_t *shuffled, *rows, *in_train;
    ARENA_NEW(shuffled, arena, n);
    ARENA_NEW(rows, arena, n);
    ARENA_NEW(in_train, arena, n);
    ARENA_NEW(*out, arena, n);
    ARENA_NEW(*place, arena, n);
    random_permutation(seed, RANDOM_CANDIDATES, 0, n, shuffled);
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (int64_t e = 0; parts[p] != NULL && e < parts[p]->nnz; e++)
            rows[parts[p]->idx[e]]++;
    for (int64_t e = 0; e < train->nnz; e++)
        in_train[train->idx[e]] = 1;
    uint32_t k = 0;
    for (uint32_t warm = 0; warm < 2; warm++) {
        for (uint32_t i = 0; i < n; i++)
            if (in_train[i] == warm)
                (*out)[k++] = (struct popular){rows[i], shuffled[i], i};
        *n_cold = warm == 0 ? k : *n_cold;
    }
    if (*n_cold > 0)
        qsort(*out, *n_cold, sizeof **out, by_rows);
    if (n > *n_cold)
        qsort(*out + *n_cold, n - *n_cold, sizeof **out, by_rows);
    for (k = 0; k < n; k++)
        (*place)[(*out)[k].item] = k;
    return STATUS_OK;
}

enum { FREE, TAKEN, CHOSEN };

/* The `m` free items nearest in rows to that of place `at`, within [from, to) of the order. */
static void choose_near(const struct popular *order, uint32_t at, uint32_t from, uint32_t to, uint32_t m,
                        uint8_t *state)
{
    const int64_t rows = order[at].rows;
    int64_t below = (int64_t)at - 1, above = (int64_t)at + 1;
    while (m > 0) {
        while (below >= (int64_t)from && state[order[below].item] != FREE)
            below--;
        while (above < (int64_t)to && state[order[above].item] != FREE)
            above++;
        const bool has_below = below >= (int64_t)from, has_above = above < (int64_t)to;
        if (!has_below && !has_above)
            return;
        const bool lower = has_below && (!has_above || rows - (int64_t)order[below].rows <
                                                           (int64_t)order[above].rows - rows);
        state[order[lower ? below : above].item] = CHOSEN;
        m--;
    }
}

static void choose_for(const struct candidates_of *of, uint32_t user, const struct popular *order,
                       const uint32_t *place, uint32_t n_cold, uint32_t m, uint8_t *state)
{
    const struct csr *const own[] = {of->relevant, of->masks[0], of->masks[1]};
    const uint32_t n = of->relevant->n_cols;
    memset(state, FREE, n);
    for (size_t p = 0; p < sizeof own / sizeof *own; p++)
        for (int64_t e = own[p] != NULL ? own[p]->ptr[user] : 0; own[p] != NULL && e < own[p]->ptr[user + 1];
             e++)
            state[own[p]->idx[e]] = TAKEN;
    for (int64_t e = of->relevant->ptr[user]; e < of->relevant->ptr[user + 1]; e++) {
        const uint32_t at = place[of->relevant->idx[e]];
        choose_near(order, at, at < n_cold ? 0 : n_cold, at < n_cold ? n_cold : n, m, state);
    }
}

enum status candidates_matched(const struct candidates_config *config, const struct candidates_of *of,
                               const struct csr *train, struct arena *arena, struct candidates *out)
{
    const uint32_t n = of->relevant->n_cols;
    struct popular *order;
    uint32_t *place, n_cold = 0;
    uint8_t *state;
    uint64_t *pair;
    size_t n_pairs = 0, most = 0;
    TRY(order_items(of, train, config->seed, arena, &order, &place, &n_cold));
    ARENA_NEW(state, arena, n);
    for (uint32_t u = 0; u < of->n_users; u++) {
        const size_t wanted =
            (size_t)(of->relevant->ptr[of->users[u] + 1] - of->relevant->ptr[of->users[u]]) *
            config->negatives;
        most += wanted < n ? wanted : n;
    }
    ARENA_NEW(pair, arena, most);
    for (uint32_t u = 0; u < of->n_users; u++) {
        choose_for(of, of->users[u], order, place, n_cold, config->negatives, state);
        for (uint32_t i = 0; i < n; i++)
            if (state[i] == CHOSEN)
                pair[n_pairs++] = (uint64_t)of->users[u] << 32 | i;
    }
    return candidates_store(of, pair, n_pairs, false, arena, out);
}
