/*
 * config_controls.c - the controls of a model that takes text vectors: the same head on something else than the language model's vectors, so
 * that a table shows what the language model itself brought; and the tests between it and other rows where the file names none.
 */
#include <string.h>

#include "base/log.h"
#include "base/strings.h"
#include "experiment/config_parts.h"
#include "experiment/run.h"
#include "models/item_vectors.h"

static const struct {
    const char *name, *label;
    const char *encoder; /* NULL: the model's own, shuffled */
    const char *model;   /* in place of the head; NULL: the head itself */
} known[] = {{"ids", "no text", ITEM_ENCODER_NONE, NULL},
             {"tfidf", "TF-IDF", ITEM_ENCODER_TFIDF, NULL},
             {"columns", "columns", ITEM_ENCODER_COLUMNS, NULL},
             {"shuffled", "shuffled text", NULL, NULL},
             {"random", "random vectors", ITEM_ENCODER_RANDOM, NULL},
             {"predicted_popularity", "predicted popularity", NULL, "predicted_popularity"}};
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
                     controls ? "ids, tfidf, columns, shuffled, random, predicted_popularity, none, or "
                              : "minilm, e5, a control (`recfuse models llm_fusion`), or ");
}

enum status config_encoder(const struct node *where, const char *encoder, struct arena *arena)
{
    return check_encoder(where, "encoder", encoder, false, arena);
}

enum status config_control(const struct node *list, size_t i, const char *name, const char *encoder,
                           struct arena *arena, struct control *out)
{
    *out = (struct control){.label = name, .encoder = name};
    for (size_t k = 0; k < N_KNOWN; k++)
        if (strcmp(name, known[k].name) == 0) {
            *out = (struct control){known[k].label, known[k].encoder, known[k].model};
            if (out->encoder == NULL && out->model == NULL)
                out->encoder = arena_printf(arena, ITEM_ENCODER_SHUFFLED ":%s", encoder);
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

enum status config_fusion_pairs(const struct node *fusion, const char *pipeline, const struct experiment *e,
                                struct arena *arena, struct node **pairs)
{
    const struct metric_at *measure = usual_measure(&e->evaluate);
    const char *last = NULL;
    *pairs = NULL;
    if (e->n_blocks < 2)
        return STATUS_OK;
    if (measure == NULL) {
        log_warn("%s: evaluate has no ranking metric of users, so '%s' is compared with no other row; name "
                 "one (metrics: [ndcg]), or pairs under compare",
                 e->file, pipeline);
        return STATUS_OK;
    }
    *pairs = config_node(fusion, NODE_LIST, e->n_blocks, arena);
    if (*pairs == NULL)
        return STATUS_SYSTEM;
    for (size_t m = 0; m < e->n_models; m++) {
        const char *other = e->models[m].label;
        if (strcmp(other, pipeline) == 0 || (last != NULL && strcmp(last, other) == 0))
            continue;
        last = other;
        if (strcmp(e->models[m].grid_json, "{}") == 0)
            TRY(put_pair(*pairs, pipeline, other, measure, arena));
        else
            log_warn("%s: '%s' has a grid, so it is in no test beside '%s'; a search would choose one point",
                     e->file, other, pipeline);
    }
    if ((*pairs)->n == 0)
        *pairs = NULL;
    return STATUS_OK;
}
