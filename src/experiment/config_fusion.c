/*
 * config_fusion.c - the block `fusion`: the stages of the pipeline in one place, written out as models of the experiment.
 *
 *   preprocess, intent   say what the preference model's vectors are: parameters of that model
 *   preference           a model of text vectors: llm_fusion, gbdt, llm_ease, alpha_rec ...
 *   rerank               a model around it: llm_rerank
 *   strategy             the model `strategy` around that, so that what is shown last obeys the rules
 *
 * Each stage is a model with the one interface that all have, and a stage that is left out is not there: so a pipeline, its controls (the same
 * head on something else than the language model's vectors) and its ablations (one stage less) are rows of the experiment like any other, and
 * the resolved experiment shows them as the models that they are.
 */
#include <string.h>

#include "experiment/config_parts.h"
#include "fusion/cross_feature.h"
#include "models/item_vectors.h"
#include "registry.h"

struct fusion_block {
    const char *label;
    int preprocess;
    const struct node *intent, *preference, *rerank, *strategy, *present, *feedback;
    struct param_list controls, ablate;
};
#define B struct fusion_block
static const struct param block_params[] = {
    PARAM_STRING(B, label, "fusion",
                 "how tables call the pipeline; its controls and ablations begin with it"),
    PARAM_CHOICE(B, preprocess, "none", PREPROCESS_CHOICES,
                 "what is done to texts before they are encoded; each does what those before it do too"),
    PARAM_NODE(B, intent,
               "parameters of the preference model that say what its vectors are: encoder, text, decay ..."),
    PARAM_NODE(B, preference,
               "the model of what a user wants: {name, params, search, fit_on}; llm_fusion by default"),
    PARAM_NODE(B, rerank,
               "a model around it, {name, params}; llm_rerank by default; not there: no such stage"),
    PARAM_NODE(B, strategy,
               "parameters of the model `strategy`: rules, candidates ...; not there: no such stage"),
    PARAM_NODE(B, present,
               "texts for what the pipeline recommends: the block `present`; not there: none are written"),
    PARAM_NODE(B, feedback,
               "how the pipeline learns from what users do: the block `feedback`; not there: it doesn't"),
    PARAM_LIST(
        B, controls, "ids|tfidf|columns|shuffled|random|predicted_popularity|second_encoder", NULL,
        "rows beside it: the same head without text, on TF-IDF, on its columns (genre, year), on the "
        "encoder's "
        "vectors at wrong items, on noise; popularity predicted from the vectors; a second encoder: e5, or "
        "minilm beside another; any other word names one; none: no such row"),
    PARAM_LIST(B, ablate, "", "preprocess|text|collaborative|rerank|strategy",
               "rows beside it: the pipeline with that stage off"),
    PARAM_END};
#undef B

/* One row of the experiment: the pipeline with something else in it. */
struct row {
    const char *label;
    const char *encoder; /* in place of the block's; NULL: as it says */
    const char *model;   /* in place of the preference model; NULL: as it says */
    bool no_preprocess, no_collaborative, no_rerank, no_strategy;
};

struct fusion {
    const struct node *where;
    struct arena *arena;
    struct fusion_block block;
    const char *preference, *rerank; /* names of models */
    const struct node *params;       /* of the preference model, intent and preprocess among them */
    size_t n_rows;
    struct row *row;
};

/* The model that a stage names, or the usual one. */
static enum status stage_model(const struct node *stage, const char *what, const char *usual,
                               const struct model_type **type)
{
    const struct node *name = stage != NULL ? node_get(stage, "name") : NULL;
    const char *names[256];
    size_t n = 0;
    if (stage != NULL && stage->kind != NODE_MAP)
        return node_fail(stage, "%s of fusion: expected a mapping: {name: %s, params: {...}}", what, usual);
    if (name != NULL && name->kind != NODE_SCALAR)
        return node_fail(name, "name of %s: expected a model's name: `recfuse models` lists them", what);
    *type = model_find(name != NULL ? name->text : usual);
    for (; n < 256 && model_types[n] != NULL; n++)
        names[n] = model_types[n]->name;
    return *type != NULL ? STATUS_OK : config_unknown(name, "model", names, n);
}

/* Keys that a stage may have. */
static enum status stage_keys(const struct node *stage, const char *what, const char *const *keys, size_t n)
{
    for (size_t i = 0; stage != NULL && i < stage->n; i++) {
        size_t k = 0;
        while (k < n && strcmp(stage->child[i]->key, keys[k]) != 0)
            k++;
        if (k == n)
            return node_fail_key(stage->child[i], "%s of fusion: unknown key '%s'; expected name, params%s",
                                 what, stage->child[i]->key, n > 2 ? ", search, fit_on" : "");
    }
    return STATUS_OK;
}

/* The preference model's parameters, intent and preprocess put among them. */
static enum status merge_params(struct fusion *f, const struct model_type *type)
{
    const struct node *given = f->block.preference != NULL ? node_get(f->block.preference, "params") : NULL,
                      *intent = f->block.intent;
    if (given != NULL && given->kind != NODE_MAP)
        return node_fail(given, "params of %s: expected a mapping of parameters", type->name);
    if (intent != NULL && intent->kind != NODE_MAP)
        return node_fail(intent, "intent of fusion: expected a mapping: {encoder: minilm, text: [title]}");
    struct node *all = config_grown(f->where, given, (intent != NULL ? intent->n : 0) + 1, f->arena);
    if (all == NULL)
        return STATUS_SYSTEM;
    for (size_t i = 0; intent != NULL && i < intent->n; i++) {
        const struct node *one = intent->child[i];
        if (param_find(type->params, one->key) == NULL)
            return node_fail_key(one, "intent of fusion: %s has no parameter '%s' (`recfuse models %s`)",
                                 type->name, one->key, type->name);
        if (node_get(all, one->key) != NULL)
            return node_fail_key(one, "'%s' stands under intent and under preference; keep one", one->key);
        all->child[all->n++] = (struct node *)(uintptr_t)one;
    }
    if (f->block.preprocess != PREPROCESS_NONE) {
        if (param_find(type->params, "preprocess") == NULL)
            return node_fail(f->where, "preprocess of fusion: %s reads no text of its own", type->name);
        if (node_get(all, "preprocess") != NULL)
            return node_fail_key(node_get(all, "preprocess"),
                                 "'preprocess' stands in fusion and in a stage of it; keep one");
        TRY(config_put_text(all, "preprocess", preprocess_name((enum preprocess)f->block.preprocess),
                            f->arena));
    }
    f->params = all;
    const struct node *encoder = node_get(all, "encoder");
    return encoder != NULL && encoder->kind == NODE_SCALAR ? config_encoder(encoder, encoder->text, f->arena)
                                                           : STATUS_OK;
}

static enum status add_row(struct fusion *f, struct row row, const char *what)
{
    const char *label =
        what == NULL ? f->block.label : arena_printf(f->arena, "%s, %s", f->block.label, what);
    if (label == NULL)
        return STATUS_SYSTEM;
    for (size_t i = 0; i < f->n_rows; i++)
        if (strcmp(f->row[i].label, label) == 0)
            return STATUS_OK; /* `ids` among the controls is the ablation of text */
    row.label = label;
    f->row[f->n_rows++] = row;
    return STATUS_OK;
}

/* The language model's folder: the block's encoder, as a control may need it. */
static const char *encoder_of(const struct fusion *f)
{
    const struct node *encoder = node_get(f->params, "encoder");
    return encoder != NULL && encoder->kind == NODE_SCALAR ? encoder->text : ITEM_ENCODER_MINILM;
}

/* Controls leave the decoder out too: it is a language model. */
static enum status add_control(struct fusion *f, size_t i)
{
    struct control c;
    TRY(config_control(node_get(f->where, "controls"), i, f->block.controls.item[i], encoder_of(f), f->arena,
                       &c));
    return add_row(f, (struct row){.encoder = c.encoder, .model = c.model, .no_rerank = true}, c.label);
}

static enum status add_ablation(struct fusion *f, const struct model_type *type, const char *stage)
{
    struct row row = {0};
    const char *label = NULL;
    const bool there = strcmp(stage, "preprocess") == 0 ? f->block.preprocess != PREPROCESS_NONE
                       : strcmp(stage, "rerank") == 0   ? f->block.rerank != NULL
                       : strcmp(stage, "strategy") == 0 ? f->block.strategy != NULL
                       : strcmp(stage, "text") == 0     ? param_find(type->params, "encoder") != NULL
                                                        : param_find(type->params, "collaborative") != NULL;
    if (!there)
        return node_fail(f->where, "ablate of fusion: this pipeline has no stage '%s' to switch off", stage);
    if (strcmp(stage, "text") == 0) {
        row.encoder = ITEM_ENCODER_NONE;
        label = f->block.rerank != NULL ? "no text vectors" : "no text"; /* a control has no rerank */
    } else {
        row.no_preprocess = strcmp(stage, "preprocess") == 0;
        row.no_rerank = strcmp(stage, "rerank") == 0;
        row.no_strategy = strcmp(stage, "strategy") == 0;
        row.no_collaborative = strcmp(stage, "collaborative") == 0;
        label = arena_printf(f->arena, "no %s", stage);
    }
    return label != NULL ? add_row(f, row, label) : STATUS_SYSTEM;
}

static enum status list_rows(struct fusion *f, const struct model_type *type)
{
    const bool takes_text = param_find(type->params, "encoder") != NULL;
    const bool asked = node_get(f->where, "controls") != NULL;
    ARENA_NEW(f->row, f->arena, 1 + f->block.controls.n + f->block.ablate.n);
    TRY(add_row(f, (struct row){0}, NULL));
    for (size_t i = 0; i < f->block.controls.n && (takes_text || asked); i++) {
        if (strcmp(f->block.controls.item[i], "none") == 0 && f->block.controls.n == 1)
            break;
        if (!takes_text)
            return node_fail(node_get(f->where, "controls"),
                             "controls: %s takes no text vectors, so nothing can stand in for them",
                             type->name);
        TRY(add_control(f, i));
    }
    for (size_t i = 0; i < f->block.ablate.n; i++)
        TRY(add_ablation(f, type, f->block.ablate.item[i]));
    return STATUS_OK;
}

/* Can it carry adapters (two_tower)?  Only an encoder of texts in float32 can; e5 has 4 bits. */
static bool adapts(const char *encoder)
{
    return item_vectors_parts(encoder) == 1 && item_vectors_folder(encoder) != NULL &&
           strcmp(item_vectors_folder(encoder), "e5") != 0;
}

/* The features without cross, which a decoder reads: a language model, as the reranker's. */
static enum status put_features(const struct fusion *f, const struct node *features, struct node *params)
{
    struct node *kept = config_node(features, NODE_LIST, features->n + 1, f->arena);
    if (kept == NULL)
        return STATUS_SYSTEM;
    for (size_t i = 0; features->kind == NODE_LIST && i < features->n; i++)
        if (features->child[i]->kind != NODE_SCALAR || strcmp(features->child[i]->text, CROSS_FEATURE) != 0)
            kept->child[kept->n++] = features->child[i];
    const bool other = features->kind == NODE_SCALAR && strcmp(features->text, CROSS_FEATURE) != 0;
    return config_put(params, "features", other ? features : kept, f->arena);
}

/* {name, params} of the preference model in this row. */
static enum status row_preference(const struct fusion *f, const struct row *row, struct node **out)
{
    const struct model_type *type = model_find(row->model != NULL ? row->model : f->preference);
    struct node *params = config_node(f->where, NODE_MAP, f->params->n + 3, f->arena);
    *out = config_node(f->where, NODE_MAP, 8, f->arena);
    if (params == NULL || *out == NULL)
        return STATUS_SYSTEM;
    if (type == NULL)
        return node_fail(f->where, "there is no model '%s'", row->model);
    for (size_t i = 0; i < f->params->n; i++) {
        const struct node *one = f->params->child[i];
        const bool left_out = (row->no_preprocess && strcmp(one->key, "preprocess") == 0) ||
                              (row->no_collaborative && strcmp(one->key, "collaborative_params") == 0) ||
                              (row->encoder != NULL && cross_feature_reads(one->key)) ||
                              (row->model != NULL && param_find(type->params, one->key) == NULL);
        if (!left_out && row->encoder != NULL && strcmp(one->key, "features") == 0)
            TRY(put_features(f, one, params));
        else if (!left_out)
            TRY(config_put(params, one->key, one, f->arena));
    }
    if (row->encoder != NULL)
        TRY(config_put_text(params, "encoder", row->encoder, f->arena));
    if (row->encoder != NULL && param_find(type->params, "lora_rank") != NULL && !adapts(row->encoder))
        TRY(config_put_text(params, "lora_rank", "0", f->arena));
    if (row->no_collaborative) {
        struct node *none = config_node(f->where, NODE_LIST, 1, f->arena);
        if (none == NULL)
            return STATUS_SYSTEM;
        struct node word = {.kind = NODE_SCALAR, .file = f->where->file, .text = "none", .quoted = true};
        none->child[none->n++] = arena_copy(f->arena, &word, 1, sizeof word);
        TRY(config_put(params, "collaborative", none, f->arena));
    }
    TRY(config_put_text(*out, "name", type->name, f->arena));
    return config_put(*out, "params", params, f->arena);
}

/* {name, params + base} around another model. */
static enum status wrap(const struct fusion *f, const char *name, const struct node *params,
                        struct node **inner)
{
    struct node *outer = config_node(f->where, NODE_MAP, 5, f->arena),
                *all = config_grown(f->where, params, 1, f->arena);
    if (outer == NULL || all == NULL)
        return STATUS_SYSTEM;
    if (all->kind != NODE_MAP)
        return node_fail(params, "%s of fusion: expected a mapping of parameters", name);
    if (node_get(all, "base") != NULL)
        return node_fail_key(node_get(all, "base"), "base: the stages before it are what %s works on here",
                             name);
    TRY(config_put(all, "base", *inner, f->arena));
    TRY(config_put_text(outer, "name", name, f->arena));
    TRY(config_put(outer, "params", all, f->arena));
    *inner = outer;
    return STATUS_OK;
}

/* Has another model the parameters that are searched?  Then it is searched alike. */
static bool searches(const char *model, const struct node *search)
{
    const struct node *space = node_get(search, "space");
    for (size_t i = 0; space != NULL && space->kind == NODE_MAP && i < space->n; i++)
        if (param_find(model_find(model)->params, space->child[i]->key) == NULL)
            return false;
    return true;
}

/* A search is of the preference model, wherever it stands in the row: what is around it is put around the best one. */
static enum status row_node(const struct fusion *f, const struct row *row, struct node **out)
{
    const struct node *preference = f->block.preference, *search = node_get(preference, "search"),
                      *fit_on = node_get(preference, "fit_on");
    TRY(row_preference(f, row, out));
    if (search != NULL && (row->model == NULL || searches(row->model, search)))
        TRY(config_put(*out, "search", search, f->arena));
    if (f->block.rerank != NULL && !row->no_rerank)
        TRY(wrap(f, f->rerank, node_get(f->block.rerank, "params"), out));
    if (f->block.strategy != NULL && !row->no_strategy)
        TRY(wrap(f, "strategy", f->block.strategy, out));
    TRY(config_put_text(*out, "label", row->label, f->arena));
    return fit_on != NULL ? config_put(*out, "fit_on", fit_on, f->arena) : STATUS_OK;
}

static enum status read_fusion(const struct node *node, struct arena *arena, struct fusion *f)
{
    static const char *const keys[] = {"name", "params", "search", "fit_on"};
    const struct model_type *preference, *rerank = NULL;
    *f = (struct fusion){.where = node, .arena = arena};
    TRY(params_default(block_params, arena, &f->block));
    TRY(params_set(block_params, "fusion", node, arena, &f->block));
    TRY(stage_model(f->block.preference, "preference", "llm_fusion", &preference));
    TRY(stage_keys(f->block.preference, "preference", keys, 4));
    f->preference = preference->name;
    if (f->block.rerank != NULL) {
        TRY(stage_model(f->block.rerank, "rerank", "llm_rerank", &rerank));
        TRY(stage_keys(f->block.rerank, "rerank", keys, 2));
        if (param_find(rerank->params, "base") == NULL)
            return node_fail(f->block.rerank, "rerank of fusion: %s works on no other model's list",
                             rerank->name);
        f->rerank = rerank->name;
    }
    TRY(merge_params(f, preference));
    return list_rows(f, preference);
}

enum status config_fusion(const struct node *node, const struct node *models, struct arena *arena,
                          struct node **all, struct config_pipeline *pipeline)
{
    struct fusion f;
    TRY(read_fusion(node, arena, &f));
    *pipeline = (struct config_pipeline){f.block.label, f.block.present, f.block.feedback};
    *all = config_node(models != NULL ? models : node, NODE_LIST, (models != NULL ? models->n : 0) + f.n_rows,
                       arena);
    if (*all == NULL)
        return STATUS_SYSTEM;
    if (models != NULL && models->kind != NODE_LIST)
        return node_fail(models, "models: expected a list");
    for (size_t i = 0; models != NULL && i < models->n; i++)
        (*all)->child[(*all)->n++] = models->child[i];
    for (size_t i = 0; i < f.n_rows; i++)
        TRY(row_node(&f, &f.row[i], &(*all)->child[(*all)->n++]));
    const struct node *controls = node_get(node, "controls");
    return controls != NULL ? config_put((*all)->child[(*all)->n - f.n_rows], "controls", controls, arena)
                            : STATUS_OK;
}

/* The controls of a model under `models`: the rows of a pipeline that is that model alone. */
static enum status add_model(const struct node *entry, struct arena *arena, struct node *all)
{
    const struct node *label = node_get(entry, "label"), *name = node_get(entry, "name"),
                      *params = node_get(entry, "params"), *grid = node_get(entry, "grid"),
                      *history = node_get(entry, "history");
    struct fusion f = {.where = entry, .arena = arena, .block.preference = entry};
    const struct model_type *type;
    all->child[all->n++] = (struct node *)(uintptr_t)entry;
    if (node_get(entry, "controls") == NULL || name == NULL)
        return STATUS_OK;
    TRY(stage_model(entry, "a model", "llm_fusion", &type));
    TRY(param_set(param_find(block_params, "controls"), "a model", node_get(entry, "controls"), arena,
                  &f.block));
    f.preference = type->name;
    f.block.label = label != NULL && label->kind == NODE_SCALAR ? label->text : type->name;
    f.params = config_grown(entry, params != NULL && params->kind == NODE_MAP ? params : NULL, 0, arena);
    if (f.params == NULL)
        return STATUS_SYSTEM;
    TRY(list_rows(&f, type));
    if (f.n_rows > 1 && node_get(grid, "encoder") != NULL)
        return node_fail_key(node_get(entry, "controls"),
                             "%s has a grid of encoders, so it can't have controls too; name one encoder",
                             type->name);
    for (size_t i = 1; i < f.n_rows; i++) {
        struct node *row = NULL;
        TRY(row_node(&f, &f.row[i], &row));
        if (grid != NULL && f.row[i].model == NULL)
            TRY(config_put(row, "grid", grid, arena));
        if (history != NULL && f.row[i].model == NULL)
            TRY(config_put(row, "history", history, arena));
        all->child[all->n++] = row;
    }
    return STATUS_OK;
}

enum status config_model_controls(const struct node *models, struct arena *arena, struct node **all)
{
    size_t most = models->n;
    for (size_t i = 0; models->kind == NODE_LIST && i < models->n; i++) {
        const struct node *controls = node_get(models->child[i], "controls");
        most += controls != NULL ? controls->n + 1 : 0;
    }
    *all = config_node(models, models->kind, most, arena);
    if (*all == NULL)
        return STATUS_SYSTEM;
    for (size_t i = 0; models->kind == NODE_LIST && i < models->n; i++)
        TRY(add_model(models->child[i], arena, *all));
    return STATUS_OK;
}
