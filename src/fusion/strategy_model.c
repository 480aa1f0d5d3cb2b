/*
 * strategy_model.c - `strategy`: another model's lists, changed by declared rules (strategy.h), so that tables show what the rules cost in
 * accuracy and bring in diversity, coverage or calibration.
 *
 * Of each user the base model's best `candidates` items that are no train items are a list; the rules change it; what they leave is ranked in
 * their order, above what they removed and all others, which keep the base model's order among themselves.
 */
#include "fusion/strategy_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/columns_io.h"
#include "models/history.h"
#include "models/trace.h"

struct strategy_params {
    const struct node *base, *rules;
    struct item_vectors_options vectors;
    int candidates;
};
#define P struct strategy_params
static const struct param strategy_params[] = {
    PARAM_NODE(
        P, base,
        "the model whose lists are changed: {name: ease, params: {l2: 300}}; ease where it is not set"),
    PARAM_NODE(
        P, rules,
        "a list of rules, in this order: [{mmr: {by: genres, lambda: 0.7}}]; `recfuse formats` lists them"),
    PARAM_INT(P, candidates, 100, 1, 100000,
              "of each user the base model's best so many items make the list"),
    ITEM_VECTORS_PARAMS(P, vectors., "tfidf", "title", 0, 0, 4096, 1), /* for `mmr: {by: text}` */
    PARAM_END};
#undef P

enum { TILE_USERS = 32 };

struct strategy_model {
    const struct backend *backend;
    struct nested base;
    struct strategy *rules;
    struct strategy_facts facts;
    struct csr history, by_item;
    struct item_vectors vectors;
    struct strings item_ids;
    uint32_t candidates;
};

static enum status read_params(const struct strategy_params *p, struct arena *arena, struct nested *base,
                               struct strategy **rules)
{
    static const struct node ease = {.kind = NODE_SCALAR, .file = "", .text = "ease"};
    TRY(nested_parse(p->base != NULL ? p->base : &ease, "base of strategy", arena, base));
    return strategy_parse(p->rules, arena, rules);
}

enum status strategy_model_parts(const void *params, struct arena *arena, struct nested *base,
                                 struct strategy **rules, const struct item_vectors_options **vectors)
{
    const struct strategy_params *p = params;
    *vectors = &p->vectors;
    return read_params(p, arena, base, rules);
}

static enum status strategy_inside(const void *params, struct arena *arena, const struct nested **models,
                                   size_t *n)
{
    struct nested *base;
    struct strategy *rules;
    ARENA_NEW(base, arena, 1);
    TRY(read_params(params, arena, base, &rules));
    *models = base, *n = 1;
    return STATUS_OK;
}

static enum status strategy_check(const void *params, const struct node *where)
{
    struct nested base;
    struct strategy *rules;
    struct arena *arena = arena_new();
    (void)where;
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = read_params(params, arena, &base, &rules);
    arena_free(arena);
    return status;
}

static enum status strategy_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct strategy_model *m = state;
    const struct strategy_params *p = params;
    m->backend = run->backend;
    m->candidates = (uint32_t)p->candidates;
    TRY(read_params(p, run->arena, &m->base, &m->rules));
    TRY(nested_fit(&m->base, train, run));
    if (strategy_needs_vectors(m->rules)) {
        TRY(item_vectors_build(&p->vectors, train, run, &m->vectors));
    }
    TRY(history_copy(train->by_user, HISTORY_EQUAL, run->arena, &m->history));
    m->facts = strategy_facts_of(train, &m->vectors);
    m->facts.by_user = &m->history;
    return strategy_prepare(m->rules, &m->facts, run->arena);
}

/* The base model's best candidates by its scores of one user; all [n_items] is room. */
static struct strategy_list list_of(const struct strategy_model *m, uint32_t user, const float *scores,
                                    struct scored *all)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->history.n_cols; i++)
        if (!csr_has(&m->history, user, i))
            all[n++] = (struct scored){i, (double)scores[i]};
    qsort(all, n, sizeof *all, scored_best_first);
    return (struct strategy_list){.user = user, .n = n < m->candidates ? n : m->candidates, .candidate = all};
}

/* The rules' order into the row of scores: places count down from above everything else. */
static enum status score_user(const struct strategy_model *m, uint32_t user, float *scores,
                              struct scored *all)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    struct strategy_list list = list_of(m, user, scores, all);
    const enum status status = strategy_apply(m->rules, &list, arena, NULL);
    float highest = -INFINITY, lowest = INFINITY;
    for (uint32_t i = 0; i < m->history.n_cols; i++) {
        highest = scores[i] > highest ? scores[i] : highest;
        lowest = scores[i] < lowest ? scores[i] : lowest;
    }
    /* The rest goes into 0 .. 1, so that whole numbers above it are exact and apart whatever the model's scale. */
    const float scale = highest > lowest ? 1 / (highest - lowest) : 0;
    for (uint32_t i = 0; i < m->history.n_cols; i++)
        scores[i] = (scores[i] - lowest) * scale;
    for (uint32_t k = 0; k < list.n; k++)
        scores[list.candidate[k].item] = (float)(1 + list.n - k);
    arena_free(arena);
    return status;
}

static enum status strategy_score_users(const void *state, const uint32_t *users, size_t n,
                                        const struct tile *out)
{
    const struct strategy_model *m = state;
    enum status status = model_score_users(m->base.type, m->base.state, m->backend, users, n, out);
    struct scored *all = malloc(m->history.n_cols * sizeof *all + 1);
    if (all == NULL && status == STATUS_OK)
        status = status_fail(STATUS_SYSTEM, "memory is out: a list of %u candidates", m->history.n_cols);
    for (size_t r = 0; r < n && status == STATUS_OK; r++)
        status = score_user(m, users[r], out->scores + r * out->ld, all);
    free(all);
    return status;
}

enum status strategy_model_changes(const void *state, uint32_t user, struct arena *arena,
                                   struct strategy_list *list, struct strategy_log *log)
{
    const struct strategy_model *m = state;
    struct scored *all = NULL;
    float *scores = NULL;
    ARENA_NEW(all, arena, m->history.n_cols);
    ARENA_NEW(scores, arena, m->history.n_cols);
    const struct tile tile = {scores, m->history.n_cols, m->history.n_cols};
    TRY(model_score_users(m->base.type, m->base.state, m->backend, &user, 1, &tile));
    *list = list_of(m, user, scores, all);
    return strategy_apply(m->rules, list, arena, log);
}

static enum status strategy_trace(const void *state, const void *params, struct trace *t)
{
    const struct strategy_model *m = state;
    struct strategy_list list;
    struct strategy_log log;
    (void)params;
    TRY(nested_trace(&m->base, t));
    TRY(strategy_model_changes(state, t->user, t->arena, &list, &log));
    trace_stage(t, "strategy", "rules, in the order of the experiment");
    trace_line(t, "in   the best %u items of the stage before", m->candidates);
    for (size_t i = 0; i < log.n; i++) {
        const struct strategy_change *c = &log.change[i];
        if (c->before > t->top && (c->after == 0 || c->after > t->top))
            continue; /* `recommend --explain` shows every change */
        trace_line(t, "     %-12s %4u -> %4s  (%.4g -> %.4g)  %s", c->rule, c->before,
                   c->after > 0 ? arena_printf(t->arena, "%u", c->after) : "out", c->score_before,
                   c->score_after, trace_item(t, c->item));
    }
    trace_line(t, "out  %zu places changed, those that touch the first %u above; the list now:", log.n,
               t->top);
    for (uint32_t k = 0; k < list.n && k < t->top; k++)
        trace_line(t, "     %3u  %s", k + 1, trace_item(t, list.candidate[k].item));
    return STATUS_OK;
}

static enum status strategy_save(const void *state, struct model_writer *w)
{
    const struct strategy_model *m = state;
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    uint32_t n_columns = 0;
    enum status status = STATUS_OK;
    for (uint32_t c = 0; c < m->facts.n_item_columns && status == STATUS_OK; c++) {
        char name[24];
        if (!strategy_uses_column(m->rules, m->facts.item_columns[c].name))
            continue;
        snprintf(name, sizeof name, "column%u", n_columns++);
        status = column_put(w, name, &m->facts.item_columns[c], m->facts.n_items, scratch);
    }
    const uint32_t shape[4] = {m->facts.n_items, n_columns, m->vectors.d, m->facts.time != NULL};
    if (status == STATUS_OK)
        status = model_put(w, "shape", ARRAY_U32, 4, 1, shape);
    if (status == STATUS_OK)
        status = csr_put(w, "history", &m->history);
    if (status == STATUS_OK && m->facts.time != NULL)
        status = model_put(w, "time", ARRAY_I64, (uint64_t)m->history.nnz, 1, m->facts.time);
    if (status == STATUS_OK && m->vectors.d > 0)
        status = model_put(w, "vectors", ARRAY_F32, m->vectors.n_items, m->vectors.d, m->vectors.v);
    if (status == STATUS_OK)
        status = strings_put(w, "item_ids", m->facts.item_ids, scratch);
    arena_free(scratch);
    TRY(status);
    return nested_save(&m->base, "base", w);
}

static enum status load_facts(struct strategy_model *m, struct model_reader *r, struct run *run)
{
    const void *shape, *array;
    uint64_t four = 4, one = 1;
    struct column *column = NULL;
    TRY(model_get(r, "shape", ARRAY_U32, &four, &one, &shape));
    const uint32_t *s = shape;
    uint64_t n_items = s[0], d = s[2], nnz;
    if (s[1] > 1000)
        return status_fail(STATUS_DATA, "the model file has %u columns: the file is damaged", s[1]);
    ARENA_NEW(column, run->arena, s[1]);
    TRY(csr_get(r, "history", s[0], false, &m->history));
    TRY(csr_transpose(&m->history, run->arena, &m->by_item));
    for (uint32_t c = 0; c < s[1]; c++) {
        char name[24];
        snprintf(name, sizeof name, "column%u", c);
        TRY(column_get(r, name, s[0], run->arena, &column[c]));
    }
    nnz = (uint64_t)m->history.nnz;
    m->facts = (struct strategy_facts){.n_items = s[0],
                                       .n_item_columns = s[1],
                                       .item_columns = column,
                                       .item_ids = &m->item_ids,
                                       .by_user = &m->history,
                                       .by_item = &m->by_item,
                                       .vectors = &m->vectors};
    if (s[3] != 0) {
        TRY(model_get(r, "time", ARRAY_I64, &nnz, &one, &array));
        m->facts.time = array;
    }
    m->vectors = (struct item_vectors){.n_items = s[0], .d = s[2]};
    if (d > 0) {
        TRY(model_get(r, "vectors", ARRAY_F32, &n_items, &d, &array));
        m->vectors.v = (float *)(uintptr_t)array;
    }
    return strings_get(r, "item_ids", 0, run->arena, &m->item_ids);
}

static enum status strategy_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct strategy_model *m = state;
    const struct strategy_params *p = params;
    m->backend = run->backend;
    m->candidates = (uint32_t)p->candidates;
    TRY(read_params(p, run->arena, &m->base, &m->rules));
    TRY(load_facts(m, r, run));
    TRY(strategy_prepare(m->rules, &m->facts, run->arena));
    return nested_load(&m->base, "base", r, run);
}

static void strategy_free(void *state)
{
    nested_free(&((struct strategy_model *)state)->base);
}

const struct model_type model_strategy = {.name = "strategy",
                                          .family = "fusion",
                                          .source =
                                              "Carbonell, Goldstein 1998; Steck 2018; Zehlike et al. 2017",
                                          .help = "another model's lists, changed by declared rules",
                                          .version = 1,
                                          .params = strategy_params,
                                          .params_size = sizeof(struct strategy_params),
                                          .state_size = sizeof(struct strategy_model),
                                          .inside = strategy_inside,
                                          .check = strategy_check,
                                          .fit = strategy_fit,
                                          .score_users = strategy_score_users,
                                          .trace = strategy_trace,
                                          .save = strategy_save,
                                          .load = strategy_load,
                                          .free = strategy_free};
