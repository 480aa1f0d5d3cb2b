/*
 * config_parts.h - the parts of reading an experiment, one file each, and what reads or writes trees and blocks of the same kind.
 */
#ifndef EXPERIMENT_CONFIG_PARTS_H
#define EXPERIMENT_CONFIG_PARTS_H
#include "experiment/experiment.h"

/* Applies "path.to.key=value" to the tree, copying what it changes (aliases share nodes). */
enum status config_override(struct node **root, const char *override, struct arena *arena);

enum status config_datasets(const struct node *list, struct arena *arena, struct experiment *e);
/* Expands grids; appends a resolved block per model to `blocks`. */
enum status config_models(const struct node *list, struct arena *arena, struct experiment *e, json_t *blocks);
/* What the block `fusion` says beside its rows. */
struct config_pipeline {
    const char *label;                     /* of the pipeline's row; NULL: there is no such block */
    const struct node *present, *feedback; /* the blocks of what comes after the cells; NULL: none */
};
/* `models` (NULL: none) and the rows of the block `fusion` after them: the pipeline, its controls, its ablations. */
enum status config_fusion(const struct node *node, const struct node *models, struct arena *arena,
                          struct node **all, struct config_pipeline *pipeline);
/* `models` and, behind each that has a key `controls`, those rows. */
enum status config_model_controls(const struct node *models, struct arena *arena, struct node **all);
/* What is compared where the file doesn't say: the pipeline (NULL: there is none) with every other model, and a model that has a key `controls` with
 * the rows that it asked for; by NDCG at 10 (or the first cut-off), else by the first ranking metric of users that is measured.  Models with a
 * grid are left out with a warning.  NULL: nothing. */
enum status config_pairs(const struct node *where, const char *pipeline, const struct experiment *e,
                         struct arena *arena, struct node **pairs);
/* A control: a row beside a model that takes text vectors. */
struct control {
    const char *label;   /* what it is: "TF-IDF" */
    const char *encoder; /* in place of the model's; NULL: its own */
    const char *model;   /* in place of the head; NULL: the head itself */
};
/* The control that word `i` of the node `list` (NULL: a default) names, of a model with such an encoder.  STATUS_USAGE: `none` beside others; a
 * word that is no control, no encoder that can be had and no folder of models/. */
enum status config_control(const struct node *list, size_t i, const char *name, const char *encoder,
                           struct arena *arena, struct control *out);
/* Does a key `controls` stand in the entry of the model, or in the entry that its row was made of? */
bool config_speaks_of_controls(const struct experiment *e, const struct model_config *m);
/* STATUS_USAGE unless each part of the encoder is a control, a language model that tools/get-models.sh gets, or a folder that is there. */
enum status config_encoder(const struct node *where, const char *encoder, struct arena *arena);
/* A block `search`; *resolved: as the file may say it, the caller's. */
enum status config_search(const struct node *node, const struct model_type *type, const struct node *params,
                          struct arena *arena, struct search_config **out, json_t **resolved);
/* The parameters of a searched model as its key has them: without what is searched (NULL: nothing is), with "search" (`resolved`), "fit_on",
 * "history" where they are not the default. */
enum status config_searched_json(const char *params_json, const struct search_config *search,
                                 json_t *resolved, bool fit_valid, bool history_valid, struct arena *arena,
                                 const char **out);
/* Fills m->inside: the searches of the models that m->params hold inside. */
enum status config_inside(struct model_config *m, struct arena *arena);
/* The block `present`, at the top (NULL: none) or of the pipeline, into e->present and the resolved experiment. */
enum status config_present(const struct node *top, const struct config_pipeline *pipeline,
                           struct arena *arena, struct experiment *e);
/* The block `feedback` likewise, into e->feedback. */
enum status config_feedback(const struct node *top, const struct config_pipeline *pipeline,
                            struct arena *arena, struct experiment *e);
enum status config_evaluate(const struct node *map, struct arena *arena, struct experiment *e);
enum status config_expect(const struct node *list, struct arena *arena, struct experiment *e, json_t *out);
/* NULL: the defaults; `usual`: the pairs where the block names none, NULL: no such; fills `out`, an object. */
enum status config_compare(const struct node *node, const struct node *usual, struct arena *arena,
                           struct experiment *e, json_t *out);

/* An empty node that stands where `where` does, with room for so many children; NULL: memory is out. */
struct node *config_node(const struct node *where, enum node_kind kind, size_t room, struct arena *arena);
/* `from` (NULL: an empty map at `where`) with its children in an array of its own that has room for so many more; NULL: memory is out. */
struct node *config_grown(const struct node *where, const struct node *from, size_t more,
                          struct arena *arena);
/* map[key] = value (its head is copied); one that is there is replaced, else the map must have room. */
enum status config_put(struct node *map, const char *key, const struct node *value, struct arena *arena);
enum status config_put_text(struct node *map, const char *key, const char *text, struct arena *arena);
/* Sets values[t] by tables[t] (its defaults first), each from the keys of the map that this table has; the last of the n tables complains of
 * unknown ones. */
enum status config_deal(const struct node *block, const char *owner, struct arena *arena,
                        const struct param *const *tables, void *const *values, size_t n);

/* *seeds [*n] of the arena: STATUS_USAGE unless they are different whole numbers from 0, one at least. */
enum status config_seeds(const struct node *list, struct arena *arena, const long long **seeds, size_t *n);
/* STATUS_USAGE unless the node is a list with at least one entry. */
enum status config_list(const struct node *node, const char *what);
/* "unknown WHAT 'word'; did you mean 'nearest'?" at the node. */
enum status config_unknown(const struct node *node, const char *what, const char *const *names, size_t n);
/* STATUS_USAGE unless the text is a safe file name: letters, digits, '.', '_', '-', not starting with '.' or '-'. */
enum status config_name(const struct node *where, const char *what, const char *text);
/* The dataset, or the model, that a node names; a model by its label, or by its name where one block alone has it. */
enum status config_find_dataset(const struct node *node, const struct experiment *e,
                                const struct dataset_config **out);
enum status config_find_model(const struct node *node, const struct experiment *e,
                              const struct model_config **out);
/* The child that must be there. */
enum status config_required(const struct node *map, const char *key, const char *what,
                            const struct node **out);

#endif
