/*
 * config_controls.c - the controls of a model that takes text vectors: the same head on something else than the language model's vectors, so
 * that a table shows what the language model itself brought; and the tests between it and other rows where the file names none.
 */
#include <string.h>

#include "base/log.h"
#include "base/strings.h"
#include "experiment/config_parts.h"
#include "experiment/run.h"
#include "fusion/cross_feature.h"
#include "models/item_vectors.h"
#include "models/nested.h"

static const struct {
    const char *name, *label; /* label NULL: the name of another encoder */
    const char *encoder;      /* NULL: the model's own, shuffled */
    const char *model;        /* in place of the head; NULL: the head itself */
} known[] = {{"ids", "no text", ITEM_ENCODER_NONE, NULL},
             {"tfidf", "TF-IDF", ITEM_ENCODER_TFIDF, NULL},
             {"columns", "columns", ITEM_ENCODER_COLUMNS, NULL},
             {"shuffled", "shuffled text", NULL, NULL},
             {"random", "random vectors", ITEM_ENCODER_RANDOM, NULL},
             {"predicted_popularity", "predicted popularity", NULL, "predicted_popularity"},
             {"second_encoder", NULL, NULL, NULL}};
enum { N_KNOWN = sizeof known / sizeof *known };

static const struct node *entry(const struct node *list, size_t i)
{
    return list->kind == NODE_LIST ? list->child[i] : list;
}

/* Is it a language model that tools/get-models.sh gets, or a folder that is there? */
static bool can_be_had(const char *folder, struct arena *arena)
{
    for (size_t i = 0; encoder_known[i] != NULL; i++)
        if (strcmp(folder, encoder_known[i]) == 0)
            return true;
    const char *path = arena_printf(arena, "%s/%s", run_models_folder(), folder);
    return path != NULL && file_exists(path);
}

/* The first folder that such a name stands for and that can't be had; NULL: none. */
static const char *unknown_folder(const char *encoder, struct arena *arena)
{
    for (size_t p = 0; p < item_vectors_parts(encoder); p++) {
        const char *part = item_vectors_part(encoder, p, arena),
                   *folder = part != NULL ? item_vectors_folder(part) : NULL;
        if (folder != NULL && !can_be_had(folder, arena))
            return folder;
    }
    return NULL;
}

/* The name of those that can be had which a word is likely to have meant; NULL: none. */
static const char *nearest_name(const char *word, bool controls)
{
    static const char *const sources[] = {ITEM_ENCODER_TFIDF, ITEM_ENCODER_COLUMNS, ITEM_ENCODER_SHUFFLED,
                                          ITEM_ENCODER_RANDOM, ITEM_ENCODER_NONE};
    const char *names[32];
    size_t n = 0;
    for (size_t i = 0; controls && i < N_KNOWN; i++)
        names[n++] = known[i].name;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        names[n++] = sources[i];
    for (size_t i = 0; encoder_known[i] != NULL; i++)
        names[n++] = encoder_known[i];
    return string_nearest(word, names, n);
}

static enum status check_encoder(const struct node *where, const char *what, const char *encoder,
                                 bool controls, struct arena *arena)
{
    TRY(item_vectors_check(where, encoder));
    const char *folder = unknown_folder(encoder, arena);
    if (folder == NULL)
        return STATUS_OK;
    const char *nearest = nearest_name(folder, controls);
    if (nearest != NULL)
        return node_fail(where, "%s '%s': there is no %s/%s; did you mean '%s'?", what, encoder,
                         run_models_folder(), folder, nearest);
    return node_fail(where,
                     "%s '%s': there is no %s/%s: expected %sa folder there (an encoder, or vectors of "
                     "recfuse import-embeddings)",
                     what, encoder, run_models_folder(), folder,
                     controls
                         ? "ids, tfidf, columns, shuffled, random, predicted_popularity, second_encoder, "
                           "none, or "
                         : "minilm, e5, a control (`recfuse models llm_fusion`), or ");
}

enum status config_encoder(const struct node *where, const char *encoder, struct arena *arena)
{
    return check_encoder(where, "encoder", encoder, false, arena);
}

/* The encoder with its parts that read text at wrong items, all parts where none does; NULL: memory is out. */
static const char *shuffled(const char *encoder, struct arena *arena)
{
    const bool some = item_vectors_reads_text(encoder);
    const char *all = NULL;
    for (size_t p = 0; p < item_vectors_parts(encoder); p++) {
        const char *part = item_vectors_part(encoder, p, arena);
        if (part == NULL)
            return NULL;
        const char *how = !some || item_vectors_reads_text(part) ? ITEM_ENCODER_SHUFFLED ":" : "";
        all =
            p == 0 ? arena_printf(arena, "%s%s", how, part) : arena_printf(arena, "%s+%s%s", all, how, part);
        if (all == NULL)
            return NULL;
    }
    return all;
}

/* An encoder that is not the model's. */
static const char *second_encoder(const char *encoder, struct arena *arena)
{
    for (size_t p = 0; p < item_vectors_parts(encoder); p++) {
        const char *part = item_vectors_part(encoder, p, arena);
        if (part == NULL || strcmp(part, ITEM_ENCODER_MINILM) == 0)
            return "e5";
    }
    return ITEM_ENCODER_MINILM;
}

enum status config_control(const struct node *list, size_t i, const char *name, const char *encoder,
                           struct arena *arena, struct control *out)
{
    if (strcmp(name, "second_encoder") == 0)
        name = second_encoder(encoder, arena);
    *out = (struct control){.label = name, .encoder = name};
    for (size_t k = 0; k < N_KNOWN; k++)
        if (strcmp(name, known[k].name) == 0) {
            *out = (struct control){known[k].label, known[k].encoder, known[k].model};
            if (out->encoder == NULL && out->model == NULL)
                out->encoder = shuffled(encoder, arena);
            return out->encoder != NULL || out->model != NULL ? STATUS_OK : STATUS_SYSTEM;
        }
    if (list == NULL)
        return STATUS_OK; /* the usual ones */
    if (strcmp(name, "none") == 0)
        return node_fail(entry(list, i),
                         "controls: 'none' stands beside others; keep `controls: none`, or them");
    return check_encoder(entry(list, i), "control", name, true, arena);
}

/* What is compared where the file doesn't say; NULL: nothing that users could be compared by. */
static const struct metric_at *usual_measure(const struct evaluate_config *v)
{
    const struct metric_at *best = NULL;
    int highest = -1;
    for (size_t i = 0; i < v->n_measures; i++) {
        const struct metric_at *x = &v->measures[i];
        const int value =
            4 * (strcmp(x->metric->name, "ndcg") == 0) + 2 * (x->dialect == DIALECT_DEFAULT) + (x->k == 10);
        const bool ranks = x->metric->kind == METRIC_RANKING && x->dialect < N_DIALECTS;
        if (ranks && metric_is_per_user(x->metric) && value > highest)
            best = x, highest = value;
    }
    return best;
}

static enum status put_pair(struct node *pairs, const char *a, const char *b, const struct metric_at *measure,
                            struct arena *arena)
{
    struct node *pair = config_node(pairs, NODE_MAP, 5, arena);
    if (pair == NULL)
        return STATUS_SYSTEM;
    TRY(config_put_text(pair, "a", a, arena));
    TRY(config_put_text(pair, "b", b, arena));
    TRY(config_put_text(pair, "metric", measure->metric->name, arena));
    if (measure->dialect != DIALECT_DEFAULT)
        TRY(config_put_text(pair, "dialect", dialect_types[measure->dialect].name, arena));
    const char *k = arena_printf(arena, "%u", measure->k);
    if (k == NULL)
        return STATUS_SYSTEM;
    if (measure->k > 0)
        TRY(config_put_text(pair, "k", k, arena));
    pairs->child[pairs->n++] = pair;
    return STATUS_OK;
}

/* Does row `b` stand for a control of the model `a`, whose entry it was made of? */
static bool made_of(const struct model_config *a, const struct model_config *b)
{
    return a->block < b->block && a->where->line == b->where->line && a->where->column == b->where->column;
}

bool config_speaks_of_controls(const struct experiment *e, const struct model_config *m)
{
    bool speaks = node_get(m->where, "controls") != NULL;
    for (size_t o = 0; o < e->n_models && !speaks; o++)
        speaks = node_get(e->models[o].where, "controls") != NULL && made_of(&e->models[o], m);
    return speaks;
}

/* `a` with every other model (all), or with its own controls. */
static enum status add_pairs(const struct experiment *e, const struct model_config *a, bool all,
                             const struct metric_at *measure, struct arena *arena, struct node *pairs)
{
    for (size_t m = 0; m < e->n_models; m++) {
        const struct model_config *b = &e->models[m];
        if (b->point > 0 || a->block == b->block || !(all || made_of(a, b)))
            continue;
        if (strcmp(a->grid_json, "{}") == 0 && strcmp(b->grid_json, "{}") == 0)
            TRY(put_pair(pairs, a->label, b->label, measure, arena));
        else
            log_warn("%s: '%s' has a grid, so it is in no test with '%s'; a search would choose one point",
                     e->file, strcmp(b->grid_json, "{}") != 0 ? b->label : a->label,
                     strcmp(b->grid_json, "{}") != 0 ? a->label : b->label);
    }
    return STATUS_OK;
}

enum status config_pairs(const struct node *where, const char *pipeline, const struct experiment *e,
                         struct arena *arena, struct node **pairs)
{
    const struct metric_at *measure = usual_measure(&e->evaluate);
    struct node *out = config_node(where, NODE_LIST, 2 * e->n_blocks, arena);
    *pairs = NULL;
    if (out == NULL)
        return STATUS_SYSTEM;
    for (size_t m = 0; m < e->n_models; m++) {
        const struct model_config *a = &e->models[m];
        const bool all = pipeline != NULL && strcmp(a->label, pipeline) == 0;
        const bool tested = all || node_get(a->where, "controls") != NULL;
        if (a->point > 0 || !tested || e->n_blocks < 2)
            continue;
        if (measure != NULL)
            TRY(add_pairs(e, a, all, measure, arena, out));
        else
            log_warn("%s: evaluate has no ranking metric of users, so '%s' is compared with no other row; "
                     "name one (metrics: [ndcg]), or pairs under compare",
                     e->file, a->label);
    }
    *pairs = out->n > 0 ? out : NULL;
    return STATUS_OK;
}

/* Does the encoder read text by a language model (or is it vectors that one made)? */
static bool language_model(const char *encoder, struct arena *arena)
{
    for (size_t p = 0; p < item_vectors_parts(encoder); p++) {
        const char *part = item_vectors_part(encoder, p, arena);
        if (part != NULL && item_vectors_folder(part) == part)
            return true;
    }
    return false;
}

/* A model of text vectors, alone or inside others. */
struct head {
    const struct model_type *type; /* NULL: none */
    bool reads;                    /* by a language model */
};

/* Does a decoder read users and items for it? */
static bool crosses(const struct model_type *type, const void *params)
{
    const struct param *p = param_find(type->params, "features");
    struct param_list features = {0};
    if (p == NULL || p->kind != PARAM_KIND_LIST)
        return false;
    memcpy(&features, (const char *)params + p->offset, sizeof features);
    return cross_feature_asked(&features);
}

static enum status find_head(const struct model_type *type, const void *params, struct arena *arena,
                             struct head *out)
{
    const struct param *p = param_find(type->params, "encoder");
    const struct nested *inside = NULL;
    size_t n = 0;
    const bool around = param_find(type->params, "base") != NULL; /* its own encoder is for its rules */
    const bool fuses = strcmp(type->family, "fusion") == 0 || strcmp(type->family, "trees") == 0;
    if (p != NULL && !around && fuses) {
        const char *encoder = NULL;
        memcpy(&encoder, (const char *)params + p->offset, sizeof encoder);
        *out =
            (struct head){type, (encoder != NULL && language_model(encoder, arena)) || crosses(type, params)};
        return STATUS_OK;
    }
    if (type->inside != NULL)
        TRY(type->inside(params, arena, &inside, &n));
    for (size_t i = 0; i < n && out->type == NULL; i++)
        TRY(find_head(inside[i].type, inside[i].params, arena, out));
    return STATUS_OK;
}

enum status experiment_warn_of_controls(const struct experiment *e, struct arena *arena)
{
    struct head *head;
    const char *missing = NULL;
    ARENA_NEW(head, arena, e->n_models);
    for (size_t m = 0; m < e->n_models; m++)
        TRY(find_head(e->models[m].type, e->models[m].params, arena, &head[m]));
    for (size_t m = 0; m < e->n_models; m++) {
        bool has = !head[m].reads || e->models[m].point > 0 || config_speaks_of_controls(e, &e->models[m]);
        for (size_t o = 0; o < e->n_models && !has; o++)
            has = head[o].type == head[m].type && !head[o].reads;
        if (has)
            continue;
        missing = missing == NULL ? arena_printf(arena, "'%s'", e->models[m].label)
                                  : arena_printf(arena, "%s, '%s'", missing, e->models[m].label);
        if (missing == NULL)
            return STATUS_SYSTEM;
    }
    if (missing != NULL)
        log_warn("%s: no controls stand beside %s, so nothing tells what the language model itself brings: "
                 "`controls: [ids, tfidf, shuffled]` adds them, `controls: none` says that none are needed",
                 e->file, missing);
    return STATUS_OK;
}
