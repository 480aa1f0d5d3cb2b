/* strategy.c - see strategy.h: rules read, prepared and applied, and what they changed. */
#include "fusion/strategy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/strings.h"

struct rule {
    const struct strategy_rule_type *type;
    void *params, *state;
};
struct strategy {
    size_t n;
    struct rule *rule; /* [n] */
    const struct strategy_facts *facts;
};

extern const struct strategy_rule_type rule_boost, rule_fatigue, rule_mmr, rule_calibrate, rule_exposure,
    rule_require, rule_price_band, rule_prerequisite;
const struct strategy_rule_type *const strategy_rule_types[] = {
    &rule_boost,      &rule_fatigue,      &rule_mmr, &rule_calibrate, &rule_exposure, &rule_require,
    &rule_price_band, &rule_prerequisite, NULL};

struct strategy_facts strategy_facts_of(const struct view *view, const struct item_vectors *vectors)
{
    return (struct strategy_facts){.n_items = view->n_items,
                                   .n_item_columns = view->n_item_columns,
                                   .item_columns = view->item_columns,
                                   .item_ids = &view->item_ids,
                                   .by_user = view->by_user,
                                   .by_item = view->by_item,
                                   .time = view->time,
                                   .vectors = vectors};
}

static enum status read_rule(const struct node *entry, struct arena *arena, struct rule *out)
{
    const char *names[32];
    size_t n = 0;
    if (entry->kind != NODE_MAP || entry->n != 1)
        return node_fail(entry, "a rule is a mapping of one name: {boost: {column: genres, value: Comedy}}");
    const struct node *body = entry->child[0];
    for (size_t t = 0; strategy_rule_types[t] != NULL; t++) {
        names[n++] = strategy_rule_types[t]->name;
        if (strcmp(strategy_rule_types[t]->name, body->key) == 0)
            out->type = strategy_rule_types[t];
    }
    if (out->type == NULL) {
        const char *nearest = string_nearest(body->key, names, n);
        return node_fail_key(body, "unknown rule '%s'%s%s%s; `recfuse formats` lists the rules", body->key,
                             nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                             nearest != NULL ? "'" : "");
    }
    if (body->kind != NODE_MAP)
        return node_fail(body, "rule %s has no mapping of parameters", body->key);
    out->params = arena_alloc(arena, 1, out->type->params_size);
    out->state = arena_alloc(arena, 1, out->type->state_size);
    if (out->params == NULL || out->state == NULL)
        return STATUS_SYSTEM;
    TRY(params_default(out->type->params, arena, out->params));
    return params_set(out->type->params, out->type->name, body, arena, out->params);
}

enum status strategy_parse(const struct node *rules, struct arena *arena, struct strategy **out)
{
    struct strategy *s;
    ARENA_NEW(s, arena, 1);
    if (rules != NULL && rules->kind != NODE_LIST)
        return node_fail(rules, "rules is not a list of rules: [{mmr: {by: genres}}]");
    s->n = rules != NULL ? rules->n : 0;
    ARENA_NEW(s->rule, arena, s->n);
    for (size_t i = 0; i < s->n; i++)
        TRY(read_rule(rules->child[i], arena, &s->rule[i]));
    *out = s;
    return STATUS_OK;
}

/* Has a rule a parameter `column`, or `by` of mmr, of this value? */
static bool names_column(const struct rule *r, const char *value)
{
    for (const struct param *p = r->type->params; p->name != NULL; p++) {
        if (strcmp(p->name, "by") != 0 && strcmp(p->name, "column") != 0)
            continue;
        const char *named = *(const char *const *)((const char *)r->params + p->offset);
        if (named != NULL && strcmp(named, value) == 0)
            return true;
    }
    return false;
}

bool strategy_uses_column(const struct strategy *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (names_column(&s->rule[i], name))
            return true;
    return false;
}

bool strategy_has_rule(const struct strategy *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->rule[i].type->name, name) == 0)
            return true;
    return false;
}

bool strategy_needs_vectors(const struct strategy *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->rule[i].type == &rule_mmr && names_column(&s->rule[i], "text"))
            return true;
    return false;
}

enum status strategy_prepare(struct strategy *s, const struct strategy_facts *facts, struct arena *arena)
{
    struct strategy_facts *own = arena_copy(arena, facts, 1, sizeof *facts);
    if (own == NULL)
        return STATUS_SYSTEM;
    s->facts = own;
    for (size_t i = 0; i < s->n; i++)
        TRY(s->rule[i].type->prepare(s->rule[i].state, s->rule[i].params, own, arena));
    return STATUS_OK;
}

/* Where an item stood in a list, for the log. */
struct place {
    uint32_t item, place;
    double score;
};
struct strategy_places {
    uint32_t n;
    struct place *place; /* [n] */
};
static int by_item(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return x->item < y->item ? -1 : x->item > y->item;
}

static void log_rule(const char *rule, struct place *before, uint32_t n_before,
                     const struct strategy_list *list, struct strategy_log *log)
{
    qsort(before, n_before, sizeof *before, by_item);
    for (uint32_t k = 0; k < list->n; k++) {
        const struct place key = {.item = list->candidate[k].item};
        struct place *was = bsearch(&key, before, n_before, sizeof *before, by_item);
        if (was == NULL)
            continue;
        if (was->place != k + 1)
            log->change[log->n++] = (struct strategy_change){rule,  key.item,   was->place,
                                                             k + 1, was->score, list->candidate[k].score};
        was->place = 0; /* still there */
    }
    for (uint32_t k = 0; k < n_before; k++)
        if (before[k].place != 0)
            log->change[log->n++] = (struct strategy_change){rule, before[k].item,  before[k].place,
                                                             0,    before[k].score, before[k].score};
}

enum status strategy_places(const struct strategy_list *list, struct arena *arena,
                            struct strategy_places **out)
{
    ARENA_NEW(*out, arena, 1);
    (*out)->n = list->n;
    ARENA_NEW((*out)->place, arena, list->n);
    for (uint32_t k = 0; k < list->n; k++)
        (*out)->place[k] = (struct place){list->candidate[k].item, k + 1, list->candidate[k].score};
    return STATUS_OK;
}

enum status strategy_log_changes(const char *rule, struct strategy_places *before,
                                 const struct strategy_list *list, struct arena *arena,
                                 struct strategy_log *log)
{
    *log = (struct strategy_log){0};
    ARENA_NEW(log->change, arena, before->n);
    log_rule(rule, before->place, before->n, list, log);
    return STATUS_OK;
}

enum status strategy_apply(const struct strategy *s, struct strategy_list *list, struct arena *arena,
                           struct strategy_log *log)
{
    if (log != NULL) {
        *log = (struct strategy_log){0};
        ARENA_NEW(log->change, arena, s->n * list->n);
    }
    for (size_t i = 0; i < s->n; i++) {
        const struct rule *r = &s->rule[i];
        struct strategy_places *before = NULL;
        if (log != NULL)
            TRY(strategy_places(list, arena, &before));
        TRY(r->type->apply(r->state, r->params, s->facts, list, arena));
        if (log != NULL)
            log_rule(r->type->name, before->place, before->n, list, log);
    }
    return STATUS_OK;
}

bool strategy_had(const struct strategy_facts *facts, const struct strategy_list *list, uint32_t item)
{
    for (uint32_t t = 0; t < list->n_taken; t++)
        if (list->taken[t] == item)
            return true;
    return csr_has(facts->by_user, list->user, item);
}

enum status strategy_history(const struct strategy_facts *facts, const struct strategy_list *list,
                             struct arena *scratch, uint32_t **out, size_t *n)
{
    const int64_t first = facts->by_user->ptr[list->user];
    const size_t n_rows = (size_t)(facts->by_user->ptr[list->user + 1] - first);
    *n = n_rows + list->n_taken;
    ARENA_NEW(*out, scratch, *n);
    for (size_t e = 0; e < n_rows; e++)
        (*out)[e] = facts->by_user->idx[first + (int64_t)e];
    for (uint32_t t = 0; t < list->n_taken; t++)
        (*out)[n_rows + t] = list->taken[t];
    return STATUS_OK;
}

enum status strategy_column(const struct strategy_facts *facts, const char *rule, const char *name, int kind,
                            const struct column **out)
{
    static const char *const kinds[] = {"text", "a list", "numbers"};
    char there[512] = "";
    if (name == NULL)
        return status_fail(STATUS_USAGE, "rule %s names no column: {%s: {column: genres}}", rule, rule);
    for (uint32_t c = 0; c < facts->n_item_columns; c++) {
        const struct column *column = &facts->item_columns[c];
        if (strcmp(column->name, name) == 0) {
            *out = column;
            if (kind >= 0 && (int)column->kind != kind)
                return status_fail(STATUS_UNAVAILABLE, "rule %s needs %s, but item column '%s' holds %s",
                                   rule, kinds[kind], name, kinds[column->kind]);
            return STATUS_OK;
        }
        const size_t used = strlen(there);
        snprintf(there + used, sizeof there - used, "%s%s", used > 0 ? ", " : "", column->name);
    }
    return status_fail(STATUS_UNAVAILABLE, "rule %s: items have no column '%s'; they have %s", rule, name,
                       there[0] != '\0' ? there : "none");
}

enum status strategy_match_find(const char *rule, const char *column, const char *value, double minimum,
                                double maximum, const struct strategy_facts *facts,
                                struct strategy_match *out)
{
    *out =
        (struct strategy_match){.value = value, .minimum = minimum, .maximum = maximum, .name = UINT32_MAX};
    TRY(strategy_column(facts, rule, column, -1, &out->column));
    if (out->column->kind == COLUMN_NUMBER)
        return STATUS_OK;
    if (value == NULL)
        return status_fail(
            STATUS_USAGE,
            "rule %s: column '%s' holds words, so it needs a value: {%s: {column: %s, value: ...}}", rule,
            column, rule, column);
    for (uint64_t i = 0; out->column->kind == COLUMN_LIST && i < out->column->names.n; i++)
        if (strings_equal(&out->column->names, i, value))
            out->name = (uint32_t)i;
    return STATUS_OK;
}

bool strategy_matches(const struct strategy_match *m, uint32_t item)
{
    switch (m->column->kind) {
    case COLUMN_NUMBER: /* NaN matches nothing */
        return (double)m->column->number[item] >= m->minimum && (double)m->column->number[item] <= m->maximum;
    case COLUMN_LIST:
        return m->name != UINT32_MAX && csr_has(&m->column->list, item, m->name);
    default:
        return strings_equal(&m->column->text, item, m->value);
    }
}

enum status strategy_reassign_scores(struct strategy_list *list, struct arena *scratch)
{
    double *score = NULL;
    ARENA_NEW(score, scratch, list->n);
    for (uint32_t k = 0; k < list->n; k++)
        score[k] = list->candidate[k].score;
    qsort(score, list->n, sizeof *score, falling_f64);
    for (uint32_t k = 0; k < list->n; k++)
        list->candidate[k].score = score[k];
    return STATUS_OK;
}
