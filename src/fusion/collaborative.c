/*
 * collaborative.c - other models' scores as features, fitted so that training does not see its answers.
 *
 * Stacking (Wolpert 1992): a head trained on scores of models that had seen its rows would learn to
 * trust them far too much (an item-item model nearly repeats its input).  So the rows are cut into
 * n_folds parts, and each part is scored by models fitted on the others; the models used afterwards are
 * fitted on everything.  What remains is that the out-of-fold models saw a share 1 - 1 / n_folds of
 * each history; scores are therefore standardised user by user, which takes out the scale.
 */
#include "fusion/collaborative.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fusion.h"
#include "models/nested.h"

enum { TILE_USERS = 64 };

/* NULL: none of that name, or one that cannot be fitted inside another (the truth, lists in a file). */
static const struct model_type *signal_find(const char *name)
{
    for (size_t i = 0; model_types[i] != NULL; i++)
        if (strcmp(model_types[i]->name, name) == 0 &&
            (model_types[i]->needs & (NEEDS_TRUTH | NEEDS_FILE)) == 0)
            return model_types[i];
    return NULL;
}

static enum status no_signal(const char *name)
{
    const char *names[256] = {"none"};
    size_t n = 1;
    for (size_t i = 0; model_types[i] != NULL && n < 256; i++)
        names[n++] = model_types[i]->name;
    const char *near = string_nearest(name, names, n);
    return status_fail(
        STATUS_USAGE, "collaborative names '%s', which is no model that can score inside another%s%s%s", name,
        near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
}

static enum status choose_one(const char *name, const struct node *params, struct arena *arena,
                              struct collaborative *c)
{
    if (c->n == COLLABORATIVE_MOST)
        return status_fail(STATUS_USAGE, "more than %d collaborative signals asked for", COLLABORATIVE_MOST);
    const bool counted = strcmp(name, "popularity") == 0;
    const struct model_type *type = counted ? NULL : signal_find(name);
    if (type == NULL && !counted)
        return no_signal(name);
    c->type[c->n] = type;
    if (type != NULL) {
        void *values = arena_alloc(arena, 1, type->params_size);
        if (values == NULL)
            return STATUS_SYSTEM;
        TRY(params_default(type->params, arena, values));
        TRY(params_set(type->params, type->name, params == NULL ? NULL : node_get(params, name), arena,
                       values));
        c->params[c->n] = values;
    }
    c->n++;
    return STATUS_OK;
}

enum status collaborative_choose(const struct param_list *names, const struct node *params,
                                 struct arena *arena, struct collaborative *out)
{
    *out = (struct collaborative){0};
    if (params != NULL && params->kind != NODE_MAP)
        return node_fail(params, "collaborative_params is not a mapping of models: {ease: {l2: 300}}");
    for (size_t k = 0; params != NULL && k < params->n; k++) {
        bool asked = false;
        for (size_t i = 0; i < names->n; i++)
            asked |= strcmp(names->item[i], params->child[k]->key) == 0;
        if (!asked || strcmp(params->child[k]->key, "popularity") == 0 ||
            signal_find(params->child[k]->key) == NULL)
            return node_fail_key(params->child[k],
                                 "collaborative_params has '%s', which is no model named in collaborative",
                                 params->child[k]->key);
    }
    for (size_t i = 0; i < names->n; i++) {
        const bool none = strcmp(names->item[i], "none") == 0;
        if (none && names->n > 1)
            return status_fail(STATUS_USAGE, "collaborative of llm_fusion has 'none' beside others");
        if (!none)
            TRY(choose_one(names->item[i], params, arena, out));
    }
    return STATUS_OK;
}

enum status collaborative_inside(const struct param_list *names, const struct node *params,
                                 struct arena *arena, const struct nested **models, size_t *n)
{
    struct collaborative c;
    struct nested *out;
    TRY(collaborative_choose(names, params, arena, &c));
    ARENA_NEW(out, arena, COLLABORATIVE_MOST);
    *models = out, *n = 0;
    for (uint32_t j = 0; j < c.n; j++)
        if (c.type[j] != NULL)
            out[(*n)++] = (struct nested){.type = c.type[j], .params = c.params[j]};
    return STATUS_OK;
}

/* log(1 + rows) over items, less its mean, by its standard deviation. */
static enum status count_popularity(const struct csr *by_user, struct arena *arena, const float **out)
{
    const uint32_t n = by_user->n_cols;
    float *x = NULL;
    double sum = 0, squares = 0;
    ARENA_NEW(x, arena, n);
    for (int64_t e = 0; e < by_user->nnz; e++)
        x[by_user->idx[e]] += 1;
    for (uint32_t i = 0; i < n; i++)
        sum += log1p((double)x[i]);
    for (uint32_t i = 0; i < n; i++) {
        const double centered = log1p((double)x[i]) - sum / n;
        squares += centered * centered;
    }
    const double scale = squares > 0 ? 1 / sqrt(squares / n) : 0;
    for (uint32_t i = 0; i < n; i++)
        x[i] = (float)((log1p((double)x[i]) - sum / n) * scale);
    *out = x;
    return STATUS_OK;
}

enum status collaborative_fit(struct collaborative *c, const struct view *view, struct run *run)
{
    struct run inner = *run; /* the training curves are those of the fusion */
    inner.curve = NULL;
    c->n_items = view->n_items;
    for (uint32_t j = 0; j < c->n; j++) {
        if (c->type[j] == NULL) {
            TRY(count_popularity(view->by_user, run->arena, &c->popularity));
            continue;
        }
        void *state = arena_alloc(run->arena, 1, c->type[j]->state_size);
        if (state == NULL)
            return STATUS_SYSTEM;
        TRY(c->type[j]->fit(state, c->params[j], view, &inner));
        c->state[j] = state;
    }
    return STATUS_OK;
}

void collaborative_free(struct collaborative *c)
{
    for (uint32_t j = 0; j < c->n; j++)
        if (c->state[j] != NULL && c->type[j]->free != NULL)
            c->type[j]->free(c->state[j]);
    memset(c->state, 0, sizeof c->state);
}

enum status collaborative_view_without(const struct view *view, uint32_t fold, uint32_t n_folds,
                                       uint64_t seed, struct arena *arena, struct view *out)
{
    const struct csr *all = view->by_user;
    int64_t *ptr = NULL, *time = NULL, n = 0;
    uint32_t *idx = NULL;
    float *val = NULL;
    struct csr *by_user = NULL, *by_item = NULL;
    ARENA_NEW(ptr, arena, (size_t)all->n_rows + 1);
    ARENA_NEW(idx, arena, (size_t)all->nnz);
    ARENA_NEW(by_user, arena, 1);
    ARENA_NEW(by_item, arena, 1);
    if (all->val != NULL)
        ARENA_NEW(val, arena, (size_t)all->nnz);
    if (view->time != NULL)
        ARENA_NEW(time, arena, (size_t)all->nnz);
    for (uint32_t u = 0; u < all->n_rows; u++) {
        for (int64_t e = all->ptr[u]; e < all->ptr[u + 1]; e++) {
            if (intent_fold(seed, e, n_folds) == fold)
                continue;
            idx[n] = all->idx[e];
            if (val != NULL)
                val[n] = all->val[e];
            if (time != NULL)
                time[n] = view->time[e];
            n++;
        }
        ptr[u + 1] = n;
    }
    *by_user = (struct csr){all->n_rows, all->n_cols, n, ptr, idx, val};
    TRY(csr_transpose(by_user, arena, by_item));
    *out = *view;
    out->whole = view->whole != NULL ? view->whole : all;
    out->by_user = by_user;
    out->by_item = by_item;
    out->time = time;
    return STATUS_OK;
}

/* Standardised scores of one signal for users [n] into S [n x n_items]. */
static enum status standardized(const struct collaborative *c, uint32_t j, const struct backend *backend,
                                const uint32_t *users, size_t n, float *S)
{
    const struct tile tile = {S, c->n_items, c->n_items};
    const struct fusion_standardize args = {S, NULL, c->n_items, 0, 1, (int)c->n_items};
    TRY(model_score_users(c->type[j], c->state[j], backend, users, n, &tile));
    return backend_launch(backend, &kernel_fusion_standardize, &args, (long)n, 0);
}

/* Signal j of all groups of one fold, by models fitted without it; S [TILE_USERS x n_items] is room. */
static enum status extra_of_signal(const struct collaborative *c, uint32_t j, uint32_t fold,
                                   const struct backend *backend, struct intent_groups *g, float *S)
{
    for (uint64_t first = 0, end; first < g->n; first = end) {
        uint32_t users[TILE_USERS], n = 0;
        for (end = first; end < g->n; end++) { /* up to TILE_USERS users with a group of this fold */
            const bool is_new = g->fold[end] == fold && (n == 0 || users[n - 1] != g->user[end]);
            if (is_new && n == TILE_USERS)
                break;
            if (is_new)
                users[n++] = g->user[end];
        }
        if (n > 0 && c->type[j] != NULL)
            TRY(standardized(c, j, backend, users, n, S));
        uint32_t row = 0;
        for (uint64_t i = first; i < end; i++) {
            if (g->fold[i] != fold)
                continue;
            while (users[row] != g->user[i])
                row++;
            const float *scores = c->type[j] == NULL ? c->popularity : S + (size_t)row * c->n_items;
            for (uint32_t k = 0; k < g->n_candidates; k++) {
                const uint64_t s = i * g->n_candidates + k;
                g->extra[s * g->n_extra + j] = scores[g->item[s]];
            }
        }
    }
    return STATUS_OK;
}

static enum status extra_of_fold(const struct collaborative *chosen, const struct view *view, uint32_t fold,
                                 uint32_t n_folds, struct run *run, struct intent_groups *groups, float *S)
{
    struct collaborative c = *chosen;
    struct view part;
    struct run inner = *run; /* its fitted models go when the fold is scored */
    memset(c.state, 0, sizeof c.state);
    TRY(collaborative_view_without(view, fold, n_folds, run->seed, run->arena, &part));
    enum status status = collaborative_fit(&c, &part, &inner);
    for (uint32_t j = 0; j < c.n && status == STATUS_OK; j++)
        status = extra_of_signal(&c, j, fold, run->backend, groups, S);
    collaborative_free(&c);
    return status;
}

enum status collaborative_extra(const struct collaborative *c, const struct view *view, uint32_t n_folds,
                                struct run *run, struct intent_groups *groups)
{
    float *S = NULL;
    groups->n_extra = c->n;
    ARENA_NEW(groups->extra, run->scratch, groups->n * groups->n_candidates * groups->n_extra);
    if (c->n == 0)
        return STATUS_OK;
    ARENA_NEW(S, run->scratch, (size_t)TILE_USERS * view->n_items);
    for (uint32_t fold = 0; fold < n_folds; fold++) {
        if (*run->cancelled)
            return STATUS_STOPPED;
        struct run inner = *run;
        inner.arena = arena_new();
        inner.scratch = arena_new();
        inner.validate = NULL;
        enum status status = inner.arena == NULL || inner.scratch == NULL ? STATUS_SYSTEM : STATUS_OK;
        if (status == STATUS_OK)
            status = extra_of_fold(c, view, fold, n_folds, &inner, groups, S);
        arena_free(inner.scratch);
        arena_free(inner.arena);
        TRY(status);
    }
    return STATUS_OK;
}

enum status collaborative_scores(const struct collaborative *c, uint32_t j, const struct backend *backend,
                                 const uint32_t *users, size_t n, float *S)
{
    if (c->type[j] != NULL)
        return standardized(c, j, backend, users, n, S);
    for (size_t r = 0; r < n; r++)
        memcpy(S + r * c->n_items, c->popularity, c->n_items * sizeof *S);
    return STATUS_OK;
}

enum status collaborative_add(const struct collaborative *c, const struct backend *backend,
                              const float *weight, const uint32_t *users, size_t n, const struct tile *out)
{
    float *S = malloc((size_t)TILE_USERS * c->n_items * sizeof *S + 1);
    enum status status = STATUS_OK;
    if (S == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for a tile of %u scores", TILE_USERS * c->n_items);
    for (uint32_t j = 0; j < c->n; j++) {
        if (c->type[j] == NULL)
            continue; /* in the item bias of the caller */
        for (size_t first = 0; first < n && status == STATUS_OK; first += TILE_USERS) {
            const size_t size = n - first < TILE_USERS ? n - first : TILE_USERS;
            const struct tile tile = {S, c->n_items, c->n_items};
            const struct fusion_standardize args = {
                S, out->scores + first * out->ld, c->n_items, out->ld, weight[j], (int)c->n_items};
            status = model_score_users(c->type[j], c->state[j], backend, users + first, size, &tile);
            if (status == STATUS_OK)
                status = backend_launch(backend, &kernel_fusion_standardize, &args, (long)size, 0);
        }
    }
    free(S);
    return status;
}

enum status collaborative_save(const struct collaborative *c, struct model_writer *w)
{
    for (uint32_t j = 0; j < c->n; j++)
        if (c->type[j] != NULL)
            TRY(model_put_model(w, c->type[j]->name, c->type[j], c->state[j]));
        else
            TRY(model_put(w, "popularity", ARRAY_F32, c->n_items, 1, c->popularity));
    return STATUS_OK;
}

enum status collaborative_load(struct collaborative *c, struct model_reader *r, struct run *run)
{
    for (uint32_t j = 0; j < c->n; j++) {
        uint64_t n = c->n_items, one = 1;
        const void *popularity = NULL;
        if (c->type[j] == NULL) {
            TRY(model_get(r, "popularity", ARRAY_F32, &n, &one, &popularity));
            c->popularity = popularity;
            continue;
        }
        void *state = arena_alloc(run->arena, 1, c->type[j]->state_size);
        if (state == NULL)
            return STATUS_SYSTEM;
        TRY(model_get_model(r, c->type[j]->name, c->type[j], c->params[j], run, state));
        c->state[j] = state;
    }
    return STATUS_OK;
}
