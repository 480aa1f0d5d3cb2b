/* cross_encoder_history.c - whose history the language model reads, and what of it (cross_encoder.h). */
#include "fusion/cross_encoder.h"

#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/order.h"

struct taken {
    int64_t time;
    uint32_t item;
};
static int oldest_first(const void *a, const void *b)
{
    const struct taken *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

enum status cross_encoder_known(struct cross_encoder *m, struct arena *arena)
{
    ARENA_NEW(m->known, arena, m->n_users);
    for (uint32_t u = 0; u < m->n_users; u++)
        if (m->taken_ptr[u + 1] > m->taken_ptr[u])
            m->known[m->n_known++] = u;
    return STATUS_OK;
}

enum status cross_encoder_histories(struct cross_encoder *m, const struct view *train, double minimum,
                                    struct run *run)
{
    const struct csr *by_user = train->by_user;
    int64_t *ptr;
    uint32_t *items;
    struct taken *row;
    ARENA_NEW(ptr, run->arena, (size_t)train->n_users + 1);
    ARENA_NEW(items, run->arena, (size_t)by_user->nnz + 1);
    ARENA_NEW(row, run->scratch, train->n_items);
    int64_t n_all = 0;
    for (uint32_t u = 0; u < train->n_users; u++) {
        size_t n = 0;
        for (int64_t e = by_user->ptr[u]; e < by_user->ptr[u + 1]; e++)
            if (by_user->val == NULL || (double)by_user->val[e] >= minimum)
                row[n++] = (struct taken){train->time != NULL ? train->time[e] : 0, by_user->idx[e]};
        qsort(row, n, sizeof *row, oldest_first);
        for (size_t k = 0; k < n; k++)
            items[n_all++] = row[k].item;
        ptr[u + 1] = n_all;
    }
    m->taken_ptr = ptr;
    m->taken = items;
    return cross_encoder_known(m, run->arena);
}

/* Whose history stands in for the user's; UINT32_MAX: there is nobody else. */
static uint32_t stranger_of(const struct cross_encoder *m, uint32_t user)
{
    const double u = random_unit(m->seed, RANDOM_STRANGER, 0, user);
    if (m->n_known == 0)
        return UINT32_MAX;
    uint32_t at = (uint32_t)(u * m->n_known);
    if (m->known[at] == user)
        at = (at + 1) % m->n_known;
    return m->known[at] == user ? UINT32_MAX : m->known[at];
}

bool cross_among(const uint32_t *items, uint32_t n, uint32_t item)
{
    return n > 0 && bsearch(&item, items, n, sizeof item, rising_u32) != NULL;
}

enum status cross_encoder_history(const struct cross_encoder *m, uint32_t user, const uint32_t *candidates,
                                  uint32_t n_candidates, struct arena *arena, const uint32_t **item,
                                  uint32_t *n)
{
    uint32_t *out;
    const uint32_t who = m->history == CROSS_OTHER_USER ? stranger_of(m, user) : user;
    *n = 0;
    ARENA_NEW(out, arena, (size_t)m->history_length + 1);
    *item = out;
    if (m->history == CROSS_NONE || who == UINT32_MAX)
        return STATUS_OK;
    for (int64_t e = m->taken_ptr[who + 1]; e > m->taken_ptr[who] && *n < m->history_length; e--)
        if (strings_length(&m->line, m->taken[e - 1]) > 0 &&
            !cross_among(candidates, n_candidates, m->taken[e - 1]))
            out[(*n)++] = m->taken[e - 1];
    for (uint32_t a = 0, b = *n; a + 1 < b; a++) {
        const uint32_t swap = out[a];
        out[a] = out[--b];
        out[b] = swap;
    }
    return STATUS_OK;
}
