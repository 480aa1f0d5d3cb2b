/* strata.c - see strata.h. */
#include "eval/strata.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const strata_names[] = {"item_popularity", "item_warmth", "user_activity",
                                    "user_warmth",     "user:COLUMN", NULL};
enum { STRATA_MOST = 4096 };

bool strata_known(const char *what)
{
    for (size_t i = 0; i < 4; i++)
        if (strcmp(what, strata_names[i]) == 0)
            return true;
    return strncmp(what, "user:", 5) == 0 && what[5] != '\0';
}

/* What is asked about, and the strata so far. */
struct maker {
    const struct beyond_facts *facts;
    const struct csr *seen;
    const uint32_t *users;
    uint32_t n_users;
    struct arena *arena;
    struct stratum *out; /* [STRATA_MOST] */
    size_t n, group;
};

/* A new stratum with flags [n] of users or items, all 0. */
static enum status add(struct maker *m, const char *name, bool of_items, uint8_t **flags)
{
    if (name == NULL)
        return STATUS_SYSTEM;
    if (m->n == STRATA_MOST)
        return status_fail(STATUS_DATA, "more than %d strata", STRATA_MOST);
    ARENA_NEW(*flags, m->arena, of_items ? m->facts->train->n_cols : m->n_users);
    m->out[m->n++] = (struct stratum){.name = name,
                                      .group = m->group,
                                      .users = of_items ? NULL : *flags,
                                      .items = of_items ? *flags : NULL};
    return STATUS_OK;
}

static enum status item_popularity(struct maker *m)
{
    uint8_t *head = NULL, *tail = NULL;
    TRY(add(m, "head", true, &head));
    TRY(add(m, "tail", true, &tail));
    for (uint32_t i = 0; i < m->facts->train->n_cols; i++) {
        head[i] = m->facts->head[i];
        tail[i] = !head[i];
    }
    return STATUS_OK;
}

static enum status item_warmth(struct maker *m)
{
    uint8_t *warm = NULL, *cold = NULL;
    TRY(add(m, "warm_items", true, &warm));
    TRY(add(m, "cold_items", true, &cold));
    for (int64_t e = 0; e < m->seen->nnz; e++)
        warm[m->seen->idx[e]] = 1;
    for (uint32_t i = 0; i < m->seen->n_cols; i++)
        cold[i] = !warm[i];
    return STATUS_OK;
}

static double rows_of(const struct maker *m, const struct csr *train, uint32_t u)
{
    return (double)(train->ptr[m->users[u] + 1] - train->ptr[m->users[u]]);
}

static enum status user_warmth(struct maker *m)
{
    uint8_t *warm = NULL, *cold = NULL;
    TRY(add(m, "warm_users", false, &warm));
    TRY(add(m, "cold_users", false, &cold));
    for (uint32_t u = 0; u < m->n_users; u++) {
        warm[u] = rows_of(m, m->seen, u) >= STRATA_COLD_ROWS;
        cold[u] = !warm[u];
    }
    return STATUS_OK;
}

struct placed {
    double value;
    uint32_t user;
};
static int by_value(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->user > y->user) - (x->user < y->user);
}

/* Four parts of as many users each, of equal values the lower number first; NaN: in none. */
static enum status quarters(struct maker *m, const char *name, const double *value)
{
    struct placed *placed;
    uint8_t *flags[4];
    uint32_t n = 0;
    ARENA_NEW(placed, m->arena, m->n_users);
    for (int q = 0; q < 4; q++)
        TRY(add(m, arena_printf(m->arena, "%s_q%d", name, q + 1), false, &flags[q]));
    for (uint32_t u = 0; u < m->n_users; u++)
        if (!isnan(value[u]))
            placed[n++] = (struct placed){value[u], u};
    qsort(placed, n, sizeof *placed, by_value);
    for (uint32_t r = 0; r < n; r++)
        flags[(uint64_t)r * 4 / n][placed[r].user] = 1;
    return STATUS_OK;
}

static enum status user_activity(struct maker *m)
{
    double *rows;
    ARENA_NEW(rows, m->arena, m->n_users);
    for (uint32_t u = 0; u < m->n_users; u++)
        rows[u] = rows_of(m, m->facts->train, u);
    return quarters(m, "activity", rows);
}

/* A stratum a value of a text or list column; empty texts are in none. */
static enum status by_word(struct maker *m, const struct column *c)
{
    const size_t first = m->n;
    for (uint32_t u = 0; u < m->n_users; u++) {
        const uint32_t user = m->users[u];
        const int64_t from = c->kind == COLUMN_LIST ? c->list.ptr[user] : 0;
        const int64_t to = c->kind == COLUMN_LIST ? c->list.ptr[user + 1] : 1;
        for (int64_t e = from; e < to; e++) {
            const struct strings *s = c->kind == COLUMN_LIST ? &c->names : &c->text;
            const uint64_t at = c->kind == COLUMN_LIST ? c->list.idx[e] : user;
            if (strings_length(s, at) == 0)
                continue;
            char *name =
                arena_printf(m->arena, "%s=%.*s", c->name, (int)strings_length(s, at), strings_at(s, at));
            for (char *end = name; end != NULL && (end = strpbrk(end, "\r\n")) != NULL;)
                *end = ' '; /* a cell's lines have none inside */
            size_t k = first;
            uint8_t *flags = NULL;
            while (name != NULL && k < m->n && strcmp(m->out[k].name, name) != 0)
                k++;
            if (k - first == STRATA_VALUES_MOST)
                return status_fail(STATUS_DATA, "strata: user column %s has more than %d values", c->name,
                                   STRATA_VALUES_MOST);
            if (k == m->n)
                TRY(add(m, name, false, &flags));
            ((uint8_t *)(uintptr_t)m->out[k].users)[u] = 1;
        }
    }
    return STATUS_OK;
}

static enum status by_column(struct maker *m, const char *name, const struct column *columns,
                             uint32_t n_columns)
{
    const struct column *c = NULL;
    char known[512] = "";
    for (uint32_t i = 0; i < n_columns; i++) {
        if (strcmp(columns[i].name, name) == 0)
            c = &columns[i];
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i > 0 ? ", " : "",
                 columns[i].name);
    }
    if (c == NULL)
        return status_fail(STATUS_DATA, "strata: the dataset has no user column '%s'; it has %s", name,
                           known[0] != '\0' ? known : "none");
    if (c->kind != COLUMN_NUMBER)
        return by_word(m, c);
    double *value;
    ARENA_NEW(value, m->arena, m->n_users);
    for (uint32_t u = 0; u < m->n_users; u++)
        value[u] = (double)c->number[m->users[u]];
    return quarters(m, name, value);
}

enum status strata_make(const struct param_list *asked, const struct beyond_facts *facts,
                        const struct csr *seen, const struct column *columns, uint32_t n_columns,
                        const uint32_t *users, uint32_t n_users, struct arena *arena, struct stratum **out,
                        size_t *n)
{
    struct maker m = {.facts = facts, .seen = seen, .users = users, .n_users = n_users, .arena = arena};
    ARENA_NEW(m.out, arena, asked->n > 0 ? STRATA_MOST : 1);
    for (; m.group < asked->n; m.group++) {
        const char *what = asked->item[m.group];
        if (strcmp(what, "item_popularity") == 0)
            TRY(item_popularity(&m));
        else if (strcmp(what, "item_warmth") == 0)
            TRY(item_warmth(&m));
        else if (strcmp(what, "user_activity") == 0)
            TRY(user_activity(&m));
        else if (strcmp(what, "user_warmth") == 0)
            TRY(user_warmth(&m));
        else
            TRY(by_column(&m, what + 5, columns, n_columns));
    }
    *out = m.out;
    *n = m.n;
    return STATUS_OK;
}

enum status strata_restrict(const struct relevance *relevance, const struct stratum *stratum,
                            struct arena *arena, struct relevance *out)
{
    const struct csr *all = &relevance->items;
    int64_t *ptr, n = 0;
    uint32_t *idx;
    double *gain = NULL, *power = NULL;
    ARENA_NEW(ptr, arena, (size_t)all->n_rows + 1);
    ARENA_NEW(idx, arena, (size_t)all->nnz);
    if (relevance->gain != NULL) {
        ARENA_NEW(gain, arena, (size_t)all->nnz);
        ARENA_NEW(power, arena, (size_t)all->nnz);
    }
    for (uint32_t u = 0; u < all->n_rows; u++) {
        for (int64_t e = all->ptr[u]; e < all->ptr[u + 1]; e++)
            if (stratum->items[all->idx[e]]) {
                if (gain != NULL)
                    gain[n] = relevance->gain[e], power[n] = relevance->power[e];
                idx[n++] = all->idx[e];
            }
        ptr[u + 1] = n;
    }
    *out = (struct relevance){.items = *all, .gain = gain, .power = power};
    out->items.ptr = ptr, out->items.idx = idx, out->items.nnz = n, out->items.val = NULL;
    return STATUS_OK;
}
