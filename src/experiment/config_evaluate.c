/*
 * config_evaluate.c - the block `evaluate` of an experiment: cut-offs, metrics, dialects, strata; the list of measures that they
 * come to.
 */
#include <string.h>

#include "base/strings.h"
#include "eval/corrected.h"
#include "eval/estimator.h"
#include "eval/strata.h"
#include "experiment/config_parts.h"
#include "models/item_vectors.h"

struct evaluate_block {
    const struct node *k, *metrics, *dialects, *candidates, *multiverse, *vectors;
    struct param_list strata;
    int mask, ties, relevance;
    int validation_every;
    double relevant_from;
};
static const struct param evaluate_params[] = {
    PARAM_NODE(struct evaluate_block, k, "cut-offs"),
    PARAM_NODE(struct evaluate_block, metrics, "names of metrics"),
    PARAM_NODE(struct evaluate_block, dialects, "whose definitions of the ranking metrics"),
    PARAM_LIST(struct evaluate_block, strata, "", NULL,
               "parts of users and items that are measured, and tested by compare, apart"),
    PARAM_CHOICE(struct evaluate_block, relevance, "binary", "binary|graded",
                 "every test row is relevant, or by its value"),
    PARAM_REAL(struct evaluate_block, relevant_from, 1, -1e9, 1e9,
               "graded: rows of lower value are not relevant; a row's gain is value - this + 1"),
    PARAM_NODE(struct evaluate_block, candidates,
               "which items are ranked: full, or {kind: sampled, ...}, {kind: given, ...}"),
    PARAM_CHOICE(struct evaluate_block, mask, "train+valid", "train|train+valid",
                 "the user's items of which rows are not ranked"),
    PARAM_CHOICE(struct evaluate_block, ties, "hash",
                 "hash|index_rising|index_falling|relevant_first|relevant_last",
                 "which of equal scores stands first"),
    PARAM_INT(
        struct evaluate_block, validation_every, 0, 0, 1000000,
        "epochs between two measurements of ndcg@10 on the validation rows, for training curves; 0: none"),
    PARAM_NODE(struct evaluate_block, vectors,
               "of items, for ild_vectors: {encoder: minilm, text: [title, genres]}"),
    PARAM_NODE(struct evaluate_block, multiverse, "masks and rules of ties: ranked again under each pair"),
    PARAM_END};

#define V struct item_vectors_options
static const struct param vectors_params[] = {
    ITEM_VECTORS_PARAMS(V, , ITEM_ENCODER_MINILM, "title", 0, 0, 4096, 0), PARAM_END};
#undef V

struct multiverse_block {
    struct param_list mask, ties;
};
static const struct param multiverse_params[] = {
    PARAM_LIST(struct multiverse_block, mask, "train|train+valid", "train|train+valid", "as evaluate.mask"),
    PARAM_LIST(struct multiverse_block, ties, "hash|index_rising|index_falling|relevant_first|relevant_last",
               "hash|index_rising|index_falling|relevant_first|relevant_last", "as evaluate.ties"),
    PARAM_END};

struct candidates_block {
    int kind, by, negatives, seed;
    const char *file;
    double gamma;
};
static const struct param candidates_params[] = {
    PARAM_CHOICE(
        struct candidates_block, kind, "full", "full|sampled|given|cold|matched",
        "all items; relevant ones among drawn negatives; among those of a file; items without a train row"),
    PARAM_CHOICE(struct candidates_block, by, "uniform", "uniform|popularity|unknown",
                 "how negatives are drawn, or were"),
    PARAM_INT(struct candidates_block, negatives, 100, 1, ESTIMATOR_NEGATIVES_MOST,
              "sampled: how many for a user; matched: for each of its relevant items"),
    PARAM_INT(struct candidates_block, seed, 0, 0, 2147483647, "sampled, matched: which"),
    PARAM_STRING(struct candidates_block, file, NULL,
                 "given: candidates by the publisher's ids; {dataset}, {fold}"),
    PARAM_REAL(struct candidates_block, gamma, 0.1, 0.001, 1, "of the estimator bv: weight of the variance"),
    PARAM_END};

static enum status check_candidates(const struct node *node, const struct candidates_block *block)
{
    if (block->kind == CANDIDATES_GIVEN && block->file == NULL)
        return node_fail(
            node, "candidates: given needs `file`: the candidates of each test user by the publisher's ids");
    if (block->kind != CANDIDATES_GIVEN && block->file != NULL)
        return node_fail(node_get(node, "file"), "candidates: a file goes with kind: given");
    if (block->kind == CANDIDATES_SAMPLED && block->by == CANDIDATES_UNKNOWN)
        return node_fail(node_get(node, "by"), "candidates: negatives are drawn uniform or by popularity");
    if (block->kind == CANDIDATES_GIVEN && block->by == CANDIDATES_POPULARITY)
        return node_fail(node_get(node, "by"),
                         "candidates: what a file's negatives were drawn with is uniform (they are corrected "
                         "for it) or unknown (they aren't)");
    return STATUS_OK;
}

static enum status read_candidates(const struct evaluate_block *all, struct arena *arena,
                                   struct evaluate_config *out)
{
    const struct node *node = all->candidates;
    struct candidates_block block = {0};
    TRY(params_default(candidates_params, arena, &block));
    if (node != NULL && node->kind == NODE_SCALAR)
        TRY(param_set(&candidates_params[0], "candidates", node, arena, &block));
    else if (node != NULL)
        TRY(params_set(candidates_params, "candidates", node, arena, &block));
    TRY(check_candidates(node, &block));
    out->candidates = (struct candidates_config){.kind = (enum candidates_kind)block.kind,
                                                 .by = (enum candidates_by)block.by,
                                                 .negatives = (uint32_t)block.negatives,
                                                 .seed = (uint64_t)block.seed,
                                                 .file = block.file,
                                                 .gamma = block.gamma};
    if (block.kind != CANDIDATES_FULL && all->multiverse != NULL)
        return node_fail(all->multiverse,
                         "evaluate.multiverse ranks all items: it goes with candidates: full");
    if (block.kind != CANDIDATES_FULL && out->ties != TOPK_TIES_HASH)
        return node_fail(node, "candidates other than full go with ties: hash");
    return STATUS_OK;
}

static enum status read_cutoffs(const struct node *list, struct arena *arena, struct evaluate_config *out)
{
    uint32_t *k;
    TRY(config_list(list, "k"));
    ARENA_NEW(k, arena, list->n);
    for (size_t i = 0; i < list->n; i++) {
        long long value;
        TRY(node_int(list->child[i], &value));
        if (value < 1 || value > 10000)
            return node_fail(list->child[i], "cut-off %lld: expected 1 to 10000", value);
        k[i] = (uint32_t)value;
        for (size_t j = 0; j < i; j++)
            if (k[j] == k[i])
                return node_fail(list->child[i], "cut-off %lld stands twice", value);
    }
    out->k = k;
    out->n_k = list->n;
    return STATUS_OK;
}

static enum status order_metrics(struct arena *arena, struct evaluate_config *out)
{
    const struct metric_type **sorted;
    size_t n = 0;
    ARENA_NEW(sorted, arena, out->n_metrics);
    for (int kind = 0; kind < METRIC_KINDS; kind++)
        for (size_t m = 0; m < out->n_metrics; m++)
            if ((int)out->metrics[m]->kind == kind)
                sorted[n++] = out->metrics[m];
    out->metrics = sorted;
    return STATUS_OK;
}

/* Adds a metric of a dialect at every cut-off, or once where it has none. */
static void add_measures(struct evaluate_config *out, struct metric_at *measures,
                         const struct metric_type *metric, enum dialect dialect)
{
    for (size_t c = 0; c < (metric_has_cutoff(metric) ? out->n_k : 1); c++)
        measures[out->n_measures++] =
            (struct metric_at){metric, metric_has_cutoff(metric) ? out->k[c] : 0, dialect};
}

/* What can be said of all items from few of them. */
static void add_estimates(struct evaluate_config *out, struct metric_at *measures)
{
    const bool uniform = out->candidates.by == CANDIDATES_UNIFORM;
    if (out->candidates.kind == CANDIDATES_FULL || out->candidates.kind == CANDIDATES_COLD ||
        out->candidates.kind == CANDIDATES_MATCHED || out->candidates.by == CANDIDATES_UNKNOWN)
        return;
    for (int d = ESTIMATOR_RANK; d <= (uniform ? ESTIMATOR_BV : ESTIMATOR_RANK); d++)
        for (size_t m = 0; m < out->n_metrics; m++)
            if (corrected_has(out->metrics[m]))
                add_measures(out, measures, out->metrics[m], (enum dialect)d);
}

static enum status list_measures(struct arena *arena, struct evaluate_config *out)
{
    struct metric_at *measures;
    ARENA_NEW(measures, arena, out->n_metrics * out->n_k * (out->n_dialects + N_DEFINITIONS - N_DIALECTS));
    for (int kind = 0; kind < METRIC_KINDS; kind++) {
        out->first[kind] = out->n_measures;
        if (kind == METRIC_CORRECTED)
            add_estimates(out, measures);
        for (size_t d = 0; d < (kind == METRIC_RANKING ? out->n_dialects : 1); d++)
            for (size_t m = 0; m < out->n_metrics; m++) {
                const enum dialect dialect = kind == METRIC_RANKING ? out->dialects[d] : DIALECT_DEFAULT;
                if ((int)out->metrics[m]->kind == kind &&
                    (kind != METRIC_RANKING || out->metrics[m]->value[dialect] != NULL))
                    add_measures(out, measures, out->metrics[m], dialect);
            }
    }
    out->first[METRIC_KINDS] = out->n_measures;
    out->measures = measures;
    return STATUS_OK;
}

/* Without a list: the usual ones. */
static enum status read_metrics(const struct node *list, struct arena *arena, struct evaluate_config *out)
{
    size_t n_known = 0;
    const char *names[256];
    for (; n_known < 256 && metric_types[n_known] != NULL; n_known++)
        names[n_known] = metric_types[n_known]->name;
    if (list != NULL)
        TRY(config_list(list, "metrics"));
    ARENA_NEW(out->metrics, arena, list != NULL ? list->n : n_known);
    for (size_t i = 0; list == NULL && i < n_known; i++)
        if (metric_types[i]->usual)
            out->metrics[out->n_metrics++] = metric_types[i];
    for (size_t i = 0; list != NULL && i < list->n; i++) {
        const struct node *node = list->child[i];
        out->metrics[i] = node->kind == NODE_SCALAR ? metric_find(node->text) : NULL;
        if (out->metrics[i] == NULL)
            return config_unknown(node, "metric", names, n_known);
        for (size_t j = 0; j < i; j++)
            if (out->metrics[j] == out->metrics[i])
                return node_fail(node, "metric '%s' stands twice", node->text);
        out->n_metrics++;
    }
    return order_metrics(arena, out);
}

static enum status read_dialects(const struct node *list, struct arena *arena, struct evaluate_config *out)
{
    static const enum dialect ours[] = {DIALECT_DEFAULT};
    const char *names[N_DIALECTS];
    enum dialect *dialects;
    out->dialects = ours;
    out->n_dialects = 1;
    if (list == NULL)
        return STATUS_OK;
    for (size_t d = 0; d < N_DIALECTS; d++)
        names[d] = dialect_types[d].name;
    TRY(config_list(list, "dialects"));
    ARENA_NEW(dialects, arena, list->n);
    for (size_t i = 0; i < list->n; i++) {
        const struct node *node = list->child[i];
        dialects[i] = node->kind == NODE_SCALAR ? dialect_find(node->text) : N_DEFINITIONS;
        if (dialects[i] >= N_DIALECTS && dialects[i] < N_DEFINITIONS)
            return node_fail(node, "'%s' is an estimator: it comes by itself beside sampled candidates",
                             node->text);
        if (dialects[i] >= N_DIALECTS)
            return config_unknown(node, "dialect", names, N_DIALECTS);
        for (size_t j = 0; j < i; j++)
            if (dialects[j] == dialects[i])
                return node_fail(node, "dialect '%s' stands twice", node->text);
    }
    out->dialects = dialects;
    out->n_dialects = list->n;
    return STATUS_OK;
}

static enum status read_strata(const struct node *map, const struct param_list *list,
                               struct evaluate_config *out)
{
    size_t n = 0;
    while (strata_names[n] != NULL)
        n++;
    for (size_t i = 0; i < list->n; i++) {
        const struct node *node = node_get(map, "strata")->child[i];
        if (!strata_known(list->item[i]))
            return config_unknown(node, "stratum", strata_names, n);
        for (size_t j = 0; j < i; j++)
            if (strcmp(list->item[i], list->item[j]) == 0)
                return node_fail(node, "stratum '%s' stands twice", node->text);
    }
    out->strata = *list;
    return STATUS_OK;
}

static enum status read_multiverse(const struct node *map, struct arena *arena, struct multiverse_config *out)
{
    struct multiverse_block block = {0};
    TRY(params_default(multiverse_params, arena, &block));
    TRY(params_set(multiverse_params, "evaluate.multiverse", map, arena, &block));
    const struct param_list *lists[] = {&block.mask, &block.ties};
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < lists[l]->n; i++)
            for (size_t j = 0; j < i; j++)
                if (strcmp(lists[l]->item[i], lists[l]->item[j]) == 0)
                    return node_fail(map, "evaluate.multiverse: '%s' stands twice", lists[l]->item[i]);
    if (block.mask.n == 0 || block.ties.n == 0)
        return node_fail(map,
                         "evaluate.multiverse: an empty list; expected at least one mask and rule of ties");
    out->n_masks = block.mask.n;
    for (size_t i = 0; i < block.mask.n; i++)
        out->mask_valid[i] = strcmp(block.mask.item[i], "train") != 0;
    out->n_ties = block.ties.n;
    for (size_t i = 0; i < block.ties.n; i++)
        while (strcmp(rank_ties_names[out->ties[i]], block.ties.item[i]) != 0)
            out->ties[i]++;
    return STATUS_OK;
}

/* The vectors and the metric that takes them go together. */
static enum status read_vectors(const struct node *metrics, const struct node *map, struct arena *arena,
                                struct evaluate_config *out)
{
    struct item_vectors_options *vectors;
    char *json;
    bool asked = false;
    for (size_t m = 0; m < out->n_metrics; m++)
        asked = asked || strcmp(out->metrics[m]->name, "ild_vectors") == 0;
    if (map == NULL && asked)
        return node_fail(metrics,
                         "ild_vectors needs evaluate.vectors, which says whose vectors: {encoder: minilm, "
                         "text: [title, genres]}");
    if (map == NULL)
        return STATUS_OK;
    if (!asked)
        return node_fail(map, "evaluate.vectors: no metric takes them; ild_vectors does");
    ARENA_NEW(vectors, arena, 1);
    TRY(params_default(vectors_params, arena, vectors));
    TRY(params_set(vectors_params, "evaluate.vectors", map, arena, vectors));
    TRY(params_json(vectors_params, vectors, arena, &json));
    out->vectors = vectors;
    out->vectors_json = json;
    return STATUS_OK;
}

enum status config_evaluate(const struct node *map, struct arena *arena, struct experiment *e)
{
    static const uint32_t usual[] = {5, 10, 20};
    struct evaluate_config *out = &e->evaluate;
    struct evaluate_block block = {0};
    TRY(params_default(evaluate_params, arena, &block));
    TRY(params_set(evaluate_params, "evaluate", map, arena, &block));
    out->mask_valid = block.mask == 1;
    out->validation_every = block.validation_every;
    out->ties = (enum topk_ties)block.ties;
    TRY(read_candidates(&block, arena, out));
    out->k = usual;
    out->n_k = 3;
    if (block.k != NULL)
        TRY(read_cutoffs(block.k, arena, out));
    out->graded = block.relevance == 1;
    out->relevant_from = block.relevant_from;
    TRY(read_metrics(block.metrics, arena, out));
    TRY(read_vectors(block.metrics, block.vectors, arena, out));
    TRY(read_dialects(block.dialects, arena, out));
    TRY(read_strata(map, &block.strata, out));
    TRY(list_measures(arena, out));
    for (size_t i = 0; out->first[METRIC_POSITION] > 0 && i < out->n_k; i++)
        out->longest = out->k[i] > out->longest ? out->k[i] : out->longest;
    if (block.multiverse == NULL)
        return STATUS_OK;
    if (out->first[METRIC_RANKING] == out->first[METRIC_RANKING + 1])
        return node_fail(block.multiverse, "evaluate.multiverse: there is no ranking metric to compare by");
    return read_multiverse(block.multiverse, arena, &out->multiverse);
}
