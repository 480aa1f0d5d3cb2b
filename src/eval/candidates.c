/* candidates.c - negatives drawn for every user (candidates.h); those of a file: candidates_file.c. */
#include "eval/candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "eval/candidates_parts.h"

const char *const candidates_kinds[] = {"full", "sampled", "given", "cold", "matched", NULL};
const char *const candidates_bys[] = {"uniform", "popularity", "unknown", NULL};
const char *const candidates_warning =
    "measures of a few candidates are not those of all items and can order models differently, even in "
    "expectation (Krichene, "
    "Rendle, On Sampled Metrics for Item Recommendation, KDD 2020); prefer candidates: full";

bool candidates_warned(enum candidates_kind kind)
{
    return kind == CANDIDATES_SAMPLED || kind == CANDIDATES_GIVEN || kind == CANDIDATES_MATCHED;
}

/* State of an item for the user at hand. */
enum { ITEM_OTHER, ITEM_HIDDEN, ITEM_RELEVANT, ITEM_CHOSEN };

/* One thread's room. */
struct room {
    uint8_t *state;  /* [n_items] */
    uint32_t *other; /* [n_items] the items that are ITEM_OTHER */
    double *chance;  /* [n_items] of `other` */
};

/* Marks the user's items; returns how many are left. */
static uint32_t mark(const struct candidates_of *of, uint32_t user, uint8_t *state)
{
    const struct csr *relevant = of->relevant;
    uint32_t left = relevant->n_cols;
    memset(state, ITEM_OTHER, relevant->n_cols);
    for (int64_t e = relevant->ptr[user]; e < relevant->ptr[user + 1]; e++)
        state[relevant->idx[e]] = ITEM_RELEVANT, left--;
    for (int m = 0; m < 2; m++)
        for (int64_t e = of->masks[m] != NULL ? of->masks[m]->ptr[user] : 0;
             of->masks[m] != NULL && e < of->masks[m]->ptr[user + 1]; e++) {
            left -= state[of->masks[m]->idx[e]] == ITEM_OTHER;
            state[of->masks[m]->idx[e]] = ITEM_HIDDEN;
        }
    return left;
}

/* The first m of a random permutation of the others (Fisher and Yates). */
static void draw_uniform(const struct candidates_config *c, uint32_t user, uint32_t n, struct room *r)
{
    for (uint32_t j = 0; j < c->negatives && j < n; j++) {
        const uint32_t k = j + (uint32_t)(random_unit(c->seed, RANDOM_CANDIDATES, user + 1, j) * (n - j));
        const uint32_t item = r->other[k];
        r->other[k] = r->other[j];
        r->other[j] = item;
        r->state[item] = ITEM_CHOSEN;
    }
}

/* Chances in proportion to `weight` that add up to m; those that would exceed 1 are 1, and the rest share what is left. */
static void spread_chances(const double *weight, uint32_t n, double m, double *chance)
{
    double left = m, total = 0;
    for (uint32_t i = 0; i < n; i++)
        chance[i] = weight[i], total += weight[i];
    for (bool more = true; more;) {
        const double scale = total > 0 ? left / total : 0;
        more = false;
        for (uint32_t i = 0; i < n; i++)
            if (chance[i] >= 0 && weight[i] * scale >= 1) { /* -1: sure */
                chance[i] = -1, left--, total -= weight[i];
                more = true;
            }
        for (uint32_t i = 0; i < n && !more; i++)
            chance[i] = chance[i] < 0 ? 1 : weight[i] * scale;
    }
}

/* Along the order of `other`: whoever the points start, start + 1, start + 2 ... fall on. */
static void draw_systematic(const struct candidates_config *c, uint32_t user, uint32_t n, struct room *r)
{
    const double start = random_unit(c->seed, RANDOM_CANDIDATES, user + 1, 0);
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        const double next = sum + r->chance[i];
        if (r->chance[i] >= 1 || floor(next - start) > floor(sum - start))
            r->state[r->other[i]] = ITEM_CHOSEN;
        sum += r->chance[i] >= 1 ? 0 : r->chance[i];
    }
}

struct sampler {
    const struct candidates_config *config;
    const struct candidates_of *of;
    const uint32_t *order; /* [n_items] of systematic sampling */
    const double *weight;  /* [n_items] train rows + 1; NULL: uniform */
};

/* Draws for one user; the weight of each negative goes into chance[item]. */
static void draw(const struct sampler *s, uint32_t user, struct room *r)
{
    const uint32_t n_items = s->of->relevant->n_cols;
    uint32_t n = 0;
    mark(s->of, user, r->state);
    for (uint32_t i = 0; i < n_items; i++)
        if (r->state[s->order[i]] == ITEM_OTHER)
            r->other[n++] = s->order[i];
    if (s->weight == NULL) {
        draw_uniform(s->config, user, n, r);
        return;
    }
    double *weight = r->chance + n_items;
    for (uint32_t i = 0; i < n; i++)
        weight[i] = s->weight[r->other[i]];
    spread_chances(weight, n, s->config->negatives < n ? s->config->negatives : n, r->chance);
    draw_systematic(s->config, user, n, r);
    for (uint32_t i = 0; i < n; i++)
        weight[i] = r->chance[i];
    for (uint32_t i = 0; i < n; i++)
        r->chance[r->other[i]] = 1 / weight[i];
}

/* The user's row: relevant items and those chosen. */
static uint32_t store(const struct room *r, uint32_t n_items, double alike, const double *weight,
                      uint32_t *idx, uint8_t *relevant, double *to)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_items; i++) {
        if (r->state[i] != ITEM_RELEVANT && r->state[i] != ITEM_CHOSEN)
            continue;
        idx[n] = i;
        relevant[n] = r->state[i] == ITEM_RELEVANT;
        to[n++] = weight != NULL ? weight[i] : alike;
    }
    return n;
}

/* Room for the rows of all users: of user u from ptr[users[u]] on. */
static enum status rows_open(const struct candidates_of *of, const uint32_t *n_negatives, struct arena *arena,
                             struct candidates_rows *out)
{
    const struct csr *relevant = of->relevant;
    ARENA_NEW(out->ptr, arena, (size_t)relevant->n_rows + 1);
    ARENA_NEW(out->n_others, arena, relevant->n_rows);
    ARENA_NEW(out->n_negatives, arena, relevant->n_rows);
    uint32_t u = 0;
    for (uint32_t user = 0; user < relevant->n_rows; user++) {
        out->ptr[user + 1] = out->ptr[user];
        if (u < of->n_users && of->users[u] == user)
            out->ptr[user + 1] += relevant->ptr[user + 1] - relevant->ptr[user] + n_negatives[u++];
    }
    const size_t nnz = (size_t)out->ptr[relevant->n_rows];
    ARENA_NEW(out->idx, arena, nnz);
    ARENA_NEW(out->relevant, arena, nnz);
    ARENA_NEW(out->weight, arena, nnz);
    ARENA_NEW(out->length, arena, relevant->n_rows);
    return STATUS_OK;
}

enum status candidates_finish(const struct candidates_of *of, struct candidates_rows *r, bool weights,
                              struct arena *arena, struct candidates *out)
{
    int64_t n = 0;
    for (uint32_t user = 0; user < of->relevant->n_rows; user++) {
        const int64_t from = r->ptr[user];
        memmove(r->idx + n, r->idx + from, r->length[user] * sizeof *r->idx);
        memmove(r->relevant + n, r->relevant + from, r->length[user]);
        memmove(r->weight + n, r->weight + from, r->length[user] * sizeof *r->weight);
        r->ptr[user] = n;
        n += r->length[user];
    }
    r->ptr[of->relevant->n_rows] = n;
    out->items = (struct csr){.n_rows = of->relevant->n_rows,
                              .n_cols = of->relevant->n_cols,
                              .nnz = n,
                              .ptr = r->ptr,
                              .idx = r->idx};
    out->relevant = r->relevant;
    out->weight = weights ? r->weight : NULL;
    out->n_others = r->n_others;
    out->n_negatives = r->n_negatives;
    ARENA_NEW(out->score, arena, (size_t)n);
    return STATUS_OK;
}

/* All users, in parallel; false: memory is out. */
static bool draw_all(const struct sampler *s, struct candidates_rows *rows)
{
    const struct candidates_of *of = s->of;
    const uint32_t n_items = of->relevant->n_cols;
    int failed = 0;
#pragma omp parallel reduction(| : failed)
    {
        struct room r = {malloc((size_t)n_items + 1), malloc(((size_t)n_items + 1) * sizeof *r.other),
                         malloc(2 * ((size_t)n_items + 1) * sizeof *r.chance)};
        failed = r.state == NULL || r.other == NULL || r.chance == NULL;
#pragma omp for schedule(dynamic, 64)
        for (uint32_t u = 0; u < of->n_users; u++) {
            const uint32_t user = of->users[u];
            if (failed)
                continue;
            const int64_t at = rows->ptr[user];
            rows->n_others[user] = mark(of, user, r.state);
            draw(s, user, &r);
            const uint32_t m = s->config->negatives;
            const double alike = m < rows->n_others[user] ? (double)rows->n_others[user] / m : 1;
            rows->length[user] = store(&r, n_items, alike, s->weight != NULL ? r.chance : NULL,
                                       rows->idx + at, rows->relevant + at, rows->weight + at);
            for (uint32_t j = 0; j < rows->length[user]; j++)
                rows->n_negatives[user] += !rows->relevant[at + j];
        }
        free(r.state), free(r.other), free(r.chance);
    }
    return !failed;
}

enum status candidates_sample(const struct candidates_config *config, const struct candidates_of *of,
                              const struct csr *train, struct arena *arena, struct candidates *out)
{
    const uint32_t n_items = of->relevant->n_cols;
    struct candidates_rows rows;
    struct sampler s = {.config = config, .of = of};
    uint32_t *most, *order;
    double *weight;
    *out = (struct candidates){.uniform = config->by == CANDIDATES_UNIFORM};
    ARENA_NEW(most, arena, of->n_users);
    ARENA_NEW(order, arena, n_items);
    ARENA_NEW(weight, arena, n_items);
    for (uint32_t u = 0; u < of->n_users; u++) /* rounding may draw one more along the order */
        most[u] = config->negatives < n_items ? config->negatives + 1 : n_items;
    TRY(rows_open(of, most, arena, &rows));
    random_permutation(config->seed, RANDOM_CANDIDATES, 0, n_items, order);
    for (uint32_t i = 0; i < n_items; i++)
        weight[i] = 1;
    for (int64_t e = 0; e < train->nnz; e++)
        weight[train->idx[e]]++;
    s.order = order;
    s.weight = config->by == CANDIDATES_POPULARITY ? weight : NULL;
    if (!draw_all(&s, &rows))
        return status_fail(STATUS_SYSTEM, "memory is out: candidates of %u items", n_items);
    return candidates_finish(of, &rows, true, arena, out);
}

/* What a file gave (candidates_file.c): given [n] pairs of user and item, rising, each once. */
enum status candidates_store(const struct candidates_of *of, const uint64_t *given, size_t n, bool uniform,
                             struct arena *arena, struct candidates *out)
{
    const uint32_t n_items = of->relevant->n_cols;
    struct candidates_rows rows;
    uint32_t *most;
    size_t at = 0;
    struct room r = {.state = malloc((size_t)n_items + 1)};
    if (r.state == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: candidates of %u items", n_items);
    *out = (struct candidates){.uniform = uniform};
    most = arena_alloc(arena, (size_t)of->n_users + 1, sizeof *most);
    for (uint32_t u = 0; u < of->n_users && most != NULL; u++) {
        while (at < n && given[at] >> 32 < of->users[u])
            at++;
        for (; at < n && given[at] >> 32 == of->users[u]; at++)
            most[u]++;
    }
    enum status status = most != NULL ? rows_open(of, most, arena, &rows) : STATUS_SYSTEM;
    at = 0;
    for (uint32_t u = 0; u < of->n_users && status == STATUS_OK; u++) {
        const uint32_t user = of->users[u];
        uint32_t m = 0;
        rows.n_others[user] = mark(of, user, r.state);
        while (at < n && given[at] >> 32 < user)
            at++;
        for (; at < n && given[at] >> 32 == user; at++) {
            uint8_t *state = &r.state[(uint32_t)given[at]];
            out->n_hidden += *state == ITEM_HIDDEN;
            m += *state == ITEM_OTHER;
            *state = *state == ITEM_OTHER ? ITEM_CHOSEN : *state;
        }
        rows.n_negatives[user] = m;
        rows.length[user] =
            store(&r, n_items, m > 0 ? (double)rows.n_others[user] / m : 0, NULL, rows.idx + rows.ptr[user],
                  rows.relevant + rows.ptr[user], rows.weight + rows.ptr[user]);
    }
    free(r.state);
    return status == STATUS_OK ? candidates_finish(of, &rows, uniform, arena, out) : status;
}

enum status candidates_cold(const struct candidates_of *of, const struct csr *train, struct arena *arena,
                            struct candidates *out)
{
    const struct csr *relevant = of->relevant;
    uint8_t *warm, *held_out;
    uint64_t *pair;
    size_t n_cold = 0, n = 0;
    ARENA_NEW(warm, arena, relevant->n_cols);
    ARENA_NEW(held_out, arena, relevant->n_cols);
    for (int64_t e = 0; e < train->nnz; e++)
        warm[train->idx[e]] = 1;
    for (int64_t e = 0; e < relevant->nnz; e++)
        held_out[relevant->idx[e]] = !warm[relevant->idx[e]];
    for (uint32_t i = 0; i < relevant->n_cols; i++)
        n_cold += held_out[i];
    if (n_cold == 0)
        return status_fail(STATUS_DATA,
                           "candidates: cold ranks the test items that have no train row, and every "
                           "one has; split by {kind: cold_items}");
    ARENA_NEW(pair, arena, n_cold * of->n_users);
    for (uint32_t u = 0; u < of->n_users; u++)
        for (uint32_t i = 0; i < relevant->n_cols; i++)
            if (held_out[i])
                pair[n++] = (uint64_t)of->users[u] << 32 | i;
    return candidates_store(of, pair, n, false, arena, out);
}
