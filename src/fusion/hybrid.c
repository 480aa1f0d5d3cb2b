/* hybrid.c - see hybrid.h. */
#include "fusion/hybrid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "fusion/collaborative.h"

enum { TILE = 32, RANK_OFFSET = 60, CUTOFF = 10 };

static const char *const usual[] = {"ease", "item_knn", "popularity"};

enum status hybrid_parse(const struct hybrid_params *p, const char *owner, struct arena *arena,
                         struct hybrid *out)
{
    char what[64];
    *out = (struct hybrid){.scale = (enum hybrid_scale)p->scale};
    snprintf(what, sizeof what, "a model of %s", owner);
    for (size_t i = 0; p->models == NULL && i < sizeof usual / sizeof *usual; i++) {
        const struct node node = {
            .kind = NODE_SCALAR, .text = usual[i], .file = owner, .line = 1, .column = 1};
        TRY(nested_parse(&node, what, arena, &out->base[out->n++]));
    }
    if (p->models == NULL)
        return STATUS_OK;
    if (p->models->kind != NODE_LIST || p->models->n < 2 || p->models->n > HYBRID_MOST)
        return node_fail(p->models,
                         "models of %s: expected a list of 2 to %d models, as in [{name: ease, params: {l2: "
                         "300}}, item_knn]",
                         owner, HYBRID_MOST);
    for (size_t i = 0; i < p->models->n; i++)
        TRY(nested_parse(p->models->child[i], what, arena, &out->base[out->n++]));
    return STATUS_OK;
}

enum status hybrid_inside(const void *params, struct arena *arena, const struct nested **models, size_t *n)
{
    struct hybrid *h;
    ARENA_NEW(h, arena, 1);
    TRY(hybrid_parse(params, "a hybrid", arena, h));
    *models = h->base, *n = h->n;
    return STATUS_OK;
}

enum status hybrid_check(const struct hybrid_params *p, const char *owner)
{
    struct hybrid unused;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = hybrid_parse(p, owner, arena, &unused);
    arena_free(arena);
    return status;
}

enum status hybrid_fit(struct hybrid *h, const struct view *train, struct run *run)
{
    h->backend = run->backend;
    h->n_users = train->n_users;
    h->n_items = train->n_items;
    for (uint32_t m = 0; m < h->n; m++) {
        if (*run->cancelled)
            return STATUS_STOPPED;
        TRY(nested_fit(&h->base[m], train, run));
    }
    return STATUS_OK;
}

enum status hybrid_save(const struct hybrid *h, struct model_writer *w)
{
    const uint32_t size[2] = {h->n_users, h->n_items};
    TRY(model_put(w, "size", ARRAY_U32, 2, 1, size));
    for (uint32_t m = 0; m < h->n; m++) {
        char name[32];
        snprintf(name, sizeof name, "model%u", m);
        TRY(nested_save(&h->base[m], name, w));
    }
    return STATUS_OK;
}

enum status hybrid_load(struct hybrid *h, struct model_reader *r, struct run *run)
{
    uint64_t two = 2, one = 1;
    const void *size = NULL;
    TRY(model_get(r, "size", ARRAY_U32, &two, &one, &size));
    h->backend = run->backend;
    h->n_users = ((const uint32_t *)size)[0];
    h->n_items = ((const uint32_t *)size)[1];
    for (uint32_t m = 0; m < h->n; m++) {
        char name[32];
        snprintf(name, sizeof name, "model%u", m);
        TRY(nested_load(&h->base[m], name, r, run));
    }
    return STATUS_OK;
}

void hybrid_free(struct hybrid *h)
{
    for (uint32_t m = 0; m < h->n; m++)
        nested_free(&h->base[m]);
}

/* ---- one scale */
/* What a model does not want ranked is as bad as its worst. */
static void make_finite(float *s, uint32_t n, double *low, double *high)
{
    *low = INFINITY, *high = -INFINITY;
    for (uint32_t i = 0; i < n; i++)
        if (isfinite(s[i])) {
            *low = fmin(*low, (double)s[i]);
            *high = fmax(*high, (double)s[i]);
        }
    if (!(*low <= *high))
        *low = *high = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!isfinite(s[i]))
            s[i] = (float)*low;
}

static void by_moments(float *s, uint32_t n)
{
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += (double)s[i];
    const double mean = sum / n;
    for (uint32_t i = 0; i < n; i++)
        squares += ((double)s[i] - mean) * ((double)s[i] - mean);
    const double deviation = sqrt(squares / n);
    const double scale = deviation > 1e-6 * fabs(mean) && deviation > 0 ? 1 / deviation : 0;
    for (uint32_t i = 0; i < n; i++)
        s[i] = (float)(((double)s[i] - mean) * scale);
}

struct placed {
    float score;
    uint32_t item;
};
static int by_score(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score)
                                : (x->item > y->item) - (x->item < y->item);
}

/* Reciprocal ranks (Cormack, Clarke, Buettcher 2009); equal scores share the place of the first. */
static enum status by_place(float *s, uint32_t n)
{
    struct placed *p = malloc(n * sizeof *p + 1);
    if (p == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory to rank %u scores", n);
    for (uint32_t i = 0; i < n; i++)
        p[i] = (struct placed){s[i], i};
    qsort(p, n, sizeof *p, by_score);
    for (uint32_t i = 0, place = 0; i < n; i++) {
        place = i > 0 && p[i].score == p[i - 1].score ? place : i;
        s[p[i].item] = (float)(1.0 / (RANK_OFFSET + 1 + place));
    }
    free(p);
    return STATUS_OK;
}

enum status hybrid_scores(const struct hybrid *h, uint32_t m, const uint32_t *users, size_t n, float *S)
{
    const struct tile tile = {S, h->n_items, h->n_items};
    TRY(model_score_users(h->base[m].type, h->base[m].state, h->backend, users, n, &tile));
    for (size_t r = 0; r < n; r++) {
        float *s = S + r * h->n_items;
        double low, high;
        make_finite(s, h->n_items, &low, &high);
        if (h->scale == HYBRID_ZSCORE)
            by_moments(s, h->n_items);
        else if (h->scale == HYBRID_RANK)
            TRY(by_place(s, h->n_items));
        for (uint32_t i = 0; h->scale == HYBRID_MINMAX && i < h->n_items; i++)
            s[i] = high > low ? (float)(((double)s[i] - low) / (high - low)) : 0.0f;
    }
    return STATUS_OK;
}

/* ---- candidates */
/* Marks the `most` best unseen items; of those with equal scores at the end the first. */
static void mark_best(const float *s, uint32_t n, uint32_t most, unsigned char *mark, float *room)
{
    uint32_t n_unseen = 0, above = 0;
    for (uint32_t i = 0; i < n; i++)
        if (mark[i] != 2)
            room[n_unseen++] = s[i];
    if (n_unseen == 0)
        return;
    qsort(room, n_unseen, sizeof *room, falling_f32);
    const float last = room[(most < n_unseen ? most : n_unseen) - 1];
    for (uint32_t i = 0; i < n_unseen && room[i] > last; i++)
        above++;
    uint32_t equals = most < n_unseen ? most - above : n_unseen - above;
    for (uint32_t i = 0; i < n; i++)
        if (mark[i] != 2 && (s[i] > last || (s[i] == last && equals > 0))) {
            equals -= s[i] == last;
            mark[i] = 1;
        }
}

uint32_t hybrid_candidates(const struct hybrid *h, const struct csr *seen, uint32_t u, const float *const *S,
                           uint32_t most, unsigned char *mark, uint32_t *out)
{
    uint32_t n = 0;
    float *room = (float *)(void *)out; /* overwritten below: out and room are never in use together */
    for (int64_t e = seen->ptr[u]; e < seen->ptr[u + 1]; e++)
        mark[seen->idx[e]] = 2;
    for (uint32_t m = 0; m < h->n; m++)
        mark_best(S[m], h->n_items, most, mark, room);
    for (uint32_t i = 0; i < h->n_items; i++) {
        if (mark[i] == 1)
            out[n++] = i;
        mark[i] = 0;
    }
    return n;
}

/* ---- the lesson */
/* Users with a held-out row, at most `most`, spread evenly over them. */
static enum status choose_users(const struct csr *all, const struct csr *part, uint32_t most,
                                struct arena *arena, struct lesson *l)
{
    uint32_t n = 0, at = 0;
    for (uint32_t u = 0; u < all->n_rows; u++)
        n += all->ptr[u + 1] - all->ptr[u] > part->ptr[u + 1] - part->ptr[u];
    if (n == 0)
        return status_fail(STATUS_DATA,
                           "a hybrid has no held-out train row to learn from: fewer folds, or more rows");
    l->n = n < most ? n : most;
    ARENA_NEW(l->user, arena, l->n);
    ARENA_NEW(l->n_relevant, arena, l->n);
    ARENA_NEW(l->ptr, arena, (size_t)l->n + 1);
    for (uint32_t u = 0, i = 0; u < all->n_rows; u++) {
        const int64_t held = (all->ptr[u + 1] - all->ptr[u]) - (part->ptr[u + 1] - part->ptr[u]);
        if (held > 0 && (uint64_t)i++ * l->n / n == at && at < l->n) {
            l->user[at] = u;
            l->n_relevant[at++] = (uint32_t)held;
        }
    }
    l->n = at;
    return STATUS_OK;
}

/* The rows of one tile of users, appended. */
static void take_tile(const struct hybrid *h, const struct hybrid_params *p, const struct csr *all,
                      const struct csr *part, uint32_t first, uint32_t n, float *const *S,
                      unsigned char *mark, uint32_t *room, struct lesson *l)
{
    for (uint32_t r = 0; r < n; r++) {
        const uint32_t u = l->user[first + r];
        const float *row[HYBRID_MOST];
        for (uint32_t m = 0; m < h->n; m++)
            row[m] = S[m] + (size_t)r * h->n_items;
        const uint32_t found = hybrid_candidates(h, part, u, row, (uint32_t)p->candidates, mark, room);
        uint64_t at = l->ptr[first + r];
        for (uint32_t c = 0; c < found; c++, at++) {
            l->item[at] = room[c];
            l->y[at] = csr_has(all, u, room[c]) != 0;
            for (uint32_t m = 0; m < h->n; m++)
                l->x[at * h->n + m] = row[m][room[c]];
        }
        l->ptr[first + r + 1] = at;
    }
}

static enum status ask(const struct hybrid *h, const struct hybrid_params *p, const struct csr *all,
                       const struct csr *part, struct run *run, struct arena *arena, struct lesson *l)
{
    const uint64_t each =
        (uint64_t)p->candidates * h->n < h->n_items ? (uint64_t)p->candidates * h->n : h->n_items;
    float *S[HYBRID_MOST];
    unsigned char *mark;
    uint32_t *room;
    ARENA_NEW(l->item, arena, l->n * each);
    ARENA_NEW(l->x, arena, l->n * each * h->n);
    ARENA_NEW(l->y, arena, l->n * each);
    ARENA_NEW(mark, run->scratch, h->n_items);
    ARENA_NEW(room, run->scratch, h->n_items);
    for (uint32_t m = 0; m < h->n; m++)
        ARENA_NEW(S[m], run->scratch, (size_t)TILE * h->n_items);
    for (uint32_t first = 0; first < l->n; first += TILE) {
        const uint32_t n = l->n - first < TILE ? l->n - first : TILE;
        if (*run->cancelled)
            return STATUS_STOPPED;
        for (uint32_t m = 0; m < h->n; m++)
            TRY(hybrid_scores(h, m, l->user + first, n, S[m]));
        take_tile(h, p, all, part, first, n, S, mark, room, l);
    }
    return STATUS_OK;
}

enum status hybrid_lesson(const struct hybrid *chosen, const struct hybrid_params *p,
                          const struct view *train, struct run *run, struct arena *arena, struct lesson *out)
{
    struct hybrid h = *chosen; /* its fitted models go with these arenas */
    struct run inner = *run;
    struct view part;
    *out = (struct lesson){0};
    inner.arena = arena_new();
    inner.scratch = arena_new();
    inner.validate = NULL;
    enum status status = inner.arena == NULL || inner.scratch == NULL ? STATUS_SYSTEM : STATUS_OK;
    if (status == STATUS_OK)
        status = collaborative_view_without(train, 0, (uint32_t)p->folds, run->seed, inner.arena, &part);
    if (status == STATUS_OK)
        status = choose_users(train->by_user, part.by_user, (uint32_t)p->users, arena, out);
    if (status == STATUS_OK)
        status = hybrid_fit(&h, &part, &inner);
    if (status == STATUS_OK)
        status = ask(&h, p, train->by_user, part.by_user, &inner, arena, out);
    hybrid_free(&h);
    arena_free(inner.scratch);
    arena_free(inner.arena);
    return status;
}

/* NDCG@10 of one user's blend. */
static double user_ndcg(const struct lesson *l, uint32_t u, const float *score)
{
    const uint64_t first = l->ptr[u], n = l->ptr[u + 1] - first;
    double dcg = 0, ideal = 0;
    for (uint64_t c = 0; c < n; c++) {
        if (!l->y[first + c])
            continue;
        uint32_t place = 0;
        for (uint64_t d = 0; d < n && place < CUTOFF; d++)
            place += score[d] > score[c] || (score[d] == score[c] && d < c);
        dcg += place < CUTOFF ? 1 / log2(place + 2.0) : 0;
    }
    for (uint32_t r = 0; r < l->n_relevant[u] && r < CUTOFF; r++)
        ideal += 1 / log2(r + 2.0);
    return dcg / ideal;
}

double lesson_ndcg(const struct lesson *l, uint32_t n_models, const double *weight,
                   const unsigned char *counted)
{
    double sum = 0, n = 0;
    double *value =
        malloc(l->n * sizeof *value + 1); /* summed in order: the same for any number of threads */
    if (value == NULL)
        return NAN;
#pragma omp parallel for schedule(dynamic, 16)
    for (uint32_t u = 0; u < l->n; u++) {
        const uint64_t first = l->ptr[u], rows = l->ptr[u + 1] - first;
        float *score = counted == NULL || counted[u] ? malloc(rows * sizeof *score + 1) : NULL;
        value[u] = NAN;
        if (score == NULL)
            continue;
        for (uint64_t c = 0; c < rows; c++) {
            double s = 0;
            for (uint32_t m = 0; m < n_models; m++)
                s += weight[m] * (double)l->x[(first + c) * n_models + m];
            score[c] = (float)s;
        }
        value[u] = user_ndcg(l, u, score);
        free(score);
    }
    for (uint32_t u = 0; u < l->n; u++)
        if (!isnan(value[u]))
            sum += value[u], n++;
    free(value);
    return sum / n;
}
