/*
 * strategy.h - the fourth stage of the pipeline: a model's list, changed by declared rules, every change with its reason.
 *
 * A list is the best candidates of one user with the model's scores.  Rules are applied in the order in which the config names
 * them, each to what the one before left:
 *     rules: [{boost: {column: genres, value: Comedy, weight: 0.5}}, {mmr: {by: genres, lambda: 0.7}}]
 * A rule either moves scores (boost, fatigue), orders the front of the list anew (mmr, calibrate, exposure), or removes items
 * (require, price_band, prerequisite).  Weights are in standard deviations of the scores of the list at that point, so that they
 * mean the same for any model.
 */
#ifndef FUSION_STRATEGY_H
#define FUSION_STRATEGY_H
#include "base/param.h"
#include "data/view.h"
#include "models/item_vectors.h"
#include "models/scored.h"

/* One user's candidates, best first; rules change order, scores and n. */
struct strategy_list {
    uint32_t user;
    uint32_t n;
    struct scored *candidate; /* [n] */
    const float *
        shown; /* [n_items] how often and how lately each item was shown to the user (feedback.h); NULL: unknown */
    uint32_t n_taken;
    const uint32_t
        *taken; /* [n_taken] what the user took since the train rows, in that order; none is among them */
};

/* A change that a rule, or what acts like one (feedback.h), made: from place `before` to place `after`, counted from 1; after 0: removed. */
struct strategy_change {
    const char *rule;
    uint32_t item, before, after;
    double score_before, score_after;
};
struct strategy_log {
    size_t n;
    struct strategy_change *change; /* [n] in the arena given to strategy_apply() */
};

/* What rules look at; all of it belongs to the caller and outlives the strategy. */
struct strategy_facts {
    uint32_t n_items, n_item_columns;
    const struct column *item_columns;
    const struct strings *item_ids;
    const struct csr *by_user, *by_item; /* train rows */
    const int64_t *time;                 /* [nnz] of by_user's entries; NULL: unknown */
    const struct item_vectors *vectors;  /* NULL or d 0: no text vectors */
};
struct strategy_facts strategy_facts_of(const struct view *view, const struct item_vectors *vectors);

struct strategy;

/* The kinds of rule, for help and validation. */
struct strategy_rule_type {
    const char *name, *help, *source;
    const struct param *params;
    size_t params_size, state_size;
    /* Reads what it needs of the facts into `state`; STATUS_UNAVAILABLE names a missing column and those there are. */
    enum status (*prepare)(void *state, const void *params, const struct strategy_facts *facts,
                           struct arena *arena);
    /* Changes the list; `scratch` is freed after the list. */
    enum status (*apply)(const void *state, const void *params, const struct strategy_facts *facts,
                         struct strategy_list *list, struct arena *scratch);
};
extern const struct strategy_rule_type *const strategy_rule_types[]; /* ends with NULL */

/* From a list of maps of one rule each.  STATUS_USAGE with file:line:column: unknown rule or parameter, value out of range. */
enum status strategy_parse(const struct node *rules, struct arena *arena, struct strategy **out);
/* Is there a rule that needs text vectors (mmr by text)? */
bool strategy_needs_vectors(const struct strategy *s);
bool strategy_has_rule(const struct strategy *s, const char *name);
/* Does a rule look at this item column? */
bool strategy_uses_column(const struct strategy *s, const char *name);
enum status strategy_prepare(struct strategy *s, const struct strategy_facts *facts, struct arena *arena);
/* Applies all rules.  The list's n never grows.  `log` NULL: not wanted; its changes are in `arena`, rule by rule, each rule's
 * in order of the new place, removed ones last.  The same list gives the same result.  Thread-safe for an arena a thread. */
enum status strategy_apply(const struct strategy *s, struct strategy_list *list, struct arena *arena,
                           struct strategy_log *log);

/* Has the user had the item, in the train rows or since? */
bool strategy_had(const struct strategy_facts *facts, const struct strategy_list *list, uint32_t item);
/* The items that the user has had: train rows, in their order, then what was taken since.  *out [*n] in scratch. */
enum status strategy_history(const struct strategy_facts *facts, const struct strategy_list *list,
                             struct arena *scratch, uint32_t **out, size_t *n);

/* Where the items of a list stand, to be compared with what becomes of it; in the arena. */
struct strategy_places;
enum status strategy_places(const struct strategy_list *list, struct arena *arena,
                            struct strategy_places **out);
/* What changed since, as strategy_apply() would log it of a rule; in the arena.  `before` is used up. */
enum status strategy_log_changes(const char *rule, struct strategy_places *before,
                                 const struct strategy_list *list, struct arena *arena,
                                 struct strategy_log *log);

/* For rules: the column, or STATUS_UNAVAILABLE naming those there are; kind: -1 for any. */
enum status strategy_column(const struct strategy_facts *facts, const char *rule, const char *name, int kind,
                            const struct column **out);
/* For rules: items that have a value of a column: a number from minimum to maximum (an unknown one doesn't), or the word `value`. */
struct strategy_match {
    const struct column *column;
    const char *value;
    double minimum, maximum;
    uint32_t name; /* of a list column; UINT32_MAX: a name that no item has */
};
/* Statuses: those of strategy_column(); STATUS_USAGE: a column of words, and value NULL. */
enum status strategy_match_find(const char *rule, const char *column, const char *value, double minimum,
                                double maximum, const struct strategy_facts *facts,
                                struct strategy_match *out);
bool strategy_matches(const struct strategy_match *m, uint32_t item);
/* For rules: scores of the list by its order anew (the k-th best score goes to place k), after the order was changed.
 * STATUS_SYSTEM: memory. */
enum status strategy_reassign_scores(struct strategy_list *list, struct arena *scratch);

#endif
