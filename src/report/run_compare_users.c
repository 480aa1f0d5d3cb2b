/*
 * run_compare_users.c - every measure that is one number a user in both runs: equal to the bit, or tested over the users that both
 * evaluated.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/correction.h"
#include "report/run_compare_parts.h"

/* Sums over cells of each user's values in either run, users by their publisher's ids. */
struct users {
    struct string_map *map;
    size_t n_allocated;
    double *sum[2];
    size_t *n[2];
};

static enum status add_value(struct users *u, const struct strings *ids, size_t i, int side, double value)
{
    const uint32_t at = string_map_add(u->map, strings_at(ids, i), strings_length(ids, i));
    if (at == UINT32_MAX)
        return STATUS_SYSTEM;
    if (at >= u->n_allocated) {
        const size_t more = u->n_allocated * 2 + 1024;
        for (int s = 0; s < 2; s++) {
            double *sum = realloc(u->sum[s], more * sizeof *sum);
            size_t *n = realloc(u->n[s], more * sizeof *n);
            u->sum[s] = sum != NULL ? sum : u->sum[s];
            u->n[s] = n != NULL ? n : u->n[s];
            if (sum == NULL || n == NULL)
                return status_fail(STATUS_SYSTEM, "out of memory for the values of users");
            memset(u->sum[s] + u->n_allocated, 0, (more - u->n_allocated) * sizeof *sum);
            memset(u->n[s] + u->n_allocated, 0, (more - u->n_allocated) * sizeof *n);
        }
        u->n_allocated = more;
    }
    if (!isnan(value)) {
        u->sum[side][at] += value;
        u->n[side][at]++;
    }
    return STATUS_OK;
}

/* Values of one measure in both cells of a pair, added up; *equal stays true while they are the same bytes. */
static enum status add_cells(struct comparison *c, const struct pairing *p, size_t pair, const char *measure,
                             struct users *u, bool *equal, struct arena *scratch)
{
    struct strings ids[2];
    double *values[2];
    for (int s = 0; s < 2; s++) {
        const json_t *cell = p->cell[s][pair];
        const long place = (long)json_integer_value(json_object_get(cell, "cell"));
        TRY(per_user_ids(&c->side[s].users, p->dataset, run_compare_text(cell, "fold", scratch), scratch,
                         &ids[s]));
        TRY(per_user_values(&c->side[s].users, place, measure, ids[s].n, scratch, &values[s]));
        for (size_t i = 0; i < ids[s].n; i++)
            TRY(add_value(u, &ids[s], i, s, values[s][i]));
    }
    const size_t n = ids[0].n;
    *equal = *equal && n == ids[1].n && memcmp(values[0], values[1], n * sizeof *values[0]) == 0 &&
             memcmp(ids[0].offsets, ids[1].offsets, (n + 1) * sizeof *ids[0].offsets) == 0 &&
             memcmp(ids[0].bytes, ids[1].bytes, ids[0].offsets[n]) == 0;
    return STATUS_OK;
}

static enum status add_outcome(struct comparison *c, const struct pairing *p, const char *measure,
                               const struct users *u, struct arena *scratch)
{
    const uint32_t most = string_map_size(u->map);
    struct outcome x = {.pairing = p, .measure = arena_strdup(c->arena, measure)};
    double *values[2];
    for (int s = 0; s < 2; s++)
        ARENA_NEW(values[s], scratch, most);
    for (uint32_t i = 0; i < most; i++)
        if (u->n[0][i] > 0 && u->n[1][i] > 0) {
            for (int s = 0; s < 2; s++) {
                values[s][x.n_users] = u->sum[s][i] / (double)u->n[s][i];
                x.mean[s] += values[s][x.n_users];
            }
            x.n_users++;
        }
    if (x.measure == NULL)
        return STATUS_SYSTEM;
    for (int s = 0; s < 2; s++)
        x.mean[s] = x.n_users > 0 ? x.mean[s] / (double)x.n_users : NAN;
    x.test.p = NAN; /* too few users in common for a test */
    if (x.n_users >= 2)
        TRY(significance_paired_t(values[1], values[0], x.n_users, &x.test));
    if (c->n_outcomes == c->n_allocated) {
        c->n_allocated = c->n_allocated * 2 + 64;
        struct outcome *grown = arena_alloc(c->arena, c->n_allocated, sizeof *grown);
        if (grown == NULL)
            return STATUS_SYSTEM;
        if (c->n_outcomes > 0)
            memcpy(grown, c->outcomes, c->n_outcomes * sizeof *grown);
        c->outcomes = grown;
    }
    c->outcomes[c->n_outcomes++] = x;
    return STATUS_OK;
}

static enum status compare_measure(struct comparison *c, const struct pairing *p, const char *measure,
                                   struct arena *scratch)
{
    struct users u = {.map = string_map_new()};
    bool equal = true;
    enum status status = u.map != NULL ? STATUS_OK : STATUS_SYSTEM;
    for (size_t pair = 0; pair < p->n && status == STATUS_OK; pair++)
        status = add_cells(c, p, pair, measure, &u, &equal, scratch);
    if (status == STATUS_OK && equal)
        c->n_equal++;
    else if (status == STATUS_OK)
        status = add_outcome(c, p, measure, &u, scratch);
    string_map_free(u.map);
    for (int s = 0; s < 2; s++) {
        free(u.sum[s]);
        free(u.n[s]);
    }
    return status;
}

/* Every measure that the first cells of both have. */
static enum status compare_pairing(struct comparison *c, const struct pairing *p)
{
    struct strings measures[2];
    for (int s = 0; s < 2; s++)
        TRY(per_user_measures(&c->side[s].users,
                              (long)json_integer_value(json_object_get(p->cell[s][0], "cell")), c->arena,
                              &measures[s]));
    for (size_t i = 0; i < measures[0].n; i++) {
        const char *name = strings_copy(&measures[0], i, c->arena);
        bool both = false;
        for (size_t j = 0; j < measures[1].n && name != NULL; j++)
            both = both || strings_equal(&measures[1], j, name);
        if (name == NULL)
            return STATUS_SYSTEM;
        if (!both)
            continue;
        struct arena *scratch = arena_new();
        if (scratch == NULL)
            return STATUS_SYSTEM;
        const enum status status = compare_measure(c, p, name, scratch);
        arena_free(scratch);
        TRY(status);
    }
    return STATUS_OK;
}

/* Holm 1979 over all outcomes that were tested. */
static enum status correct(struct comparison *c)
{
    double *p, *holm;
    size_t n = 0;
    ARENA_NEW(p, c->arena, c->n_outcomes);
    ARENA_NEW(holm, c->arena, c->n_outcomes);
    for (size_t i = 0; i < c->n_outcomes; i++)
        if (!isnan(c->outcomes[i].test.p))
            p[n++] = c->outcomes[i].test.p;
    if (n > 0)
        TRY(correct_p(CORRECTION_HOLM, p, n, holm));
    for (size_t i = 0, at = 0; i < c->n_outcomes; i++)
        c->outcomes[i].holm = isnan(c->outcomes[i].test.p) ? (double)NAN : holm[at++];
    return STATUS_OK;
}

enum status run_compare_users(struct comparison *c)
{
    for (size_t p = 0; p < c->n_pairings; p++)
        TRY(compare_pairing(c, &c->pairings[p]));
    return correct(c);
}
