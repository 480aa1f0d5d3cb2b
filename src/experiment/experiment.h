/*
 * experiment.h - an experiment file, read and checked: everything that `recfuse run` needs to know before any work.
 *
 * docs/experiment-file.md describes the format for people.
 */
#ifndef EXPERIMENT_EXPERIMENT_H
#define EXPERIMENT_EXPERIMENT_H
#include <jansson.h>
#include <stdbool.h>

#include "base/param.h"
#include "data/keep_train.h"
#include "eval/candidates.h"
#include "experiment/search.h"
#include "models/model.h"

struct dataset_config {
    const char *name, *file;
    const struct node *where;
    const struct node *filter; /* NULL: none */
    const char *filter_json;   /* canonical; "[]" for none */
    struct split split;
    struct split validation;      /* cut off each fold's train; type NULL: none */
    struct keep_train keep_train; /* what models see of train, after validation was cut off; share 0: all */
    const char *unavailable; /* not NULL: it can't be had, and this says what to do; its cells are skipped */
};

struct inside_search; /* inside.h */
/* One model with one point of its grid. */
struct model_config {
    const struct model_type *type;
    const char *label; /* unique among the blocks; grid points of a block share it */
    size_t block;      /* position in the experiment's list of models */
    size_t point;      /* position in the block's grid, 0 without one */
    void *params;      /* the type's struct */
    /* Every value, defaults included; with a search: without what it searches, and with "search"; with fit_valid and history_valid: "fit_on",
     * "history". */
    const char *params_json;
    const struct search_config *search; /* NULL: none; params: the defaults of what it searches */
    size_t n_inside;
    const struct inside_search
        *inside;           /* [n_inside] models inside it that are searched, a model after those inside it */
    bool fit_valid;        /* the model that is measured is fitted on validation rows too */
    bool history_valid;    /* its users' histories hold them when test rows are ranked */
    const char *grid_json; /* what the grid chose: "{}" without one */
    const struct node *where;
};

/* The same fits ranked again under each combination of these: does the order of the models survive? */
struct multiverse_config {
    size_t n_masks, n_ties; /* 0: not asked for */
    bool mask_valid[2];
    enum topk_ties ties[TOPK_TIES_RELEVANT_LAST + 1];
};

struct item_vectors_options;
struct evaluate_config {
    size_t n_k, n_metrics, n_dialects;
    const uint32_t *k;                  /* [n_k] in the order of the file */
    uint32_t longest;                   /* the largest of them; 0: nothing is ranked */
    const struct metric_type **metrics; /* [n_metrics] by kind, within it in the order of the file */
    const enum dialect *dialects;       /* [n_dialects] */
    size_t n_measures;
    const struct metric_at
        *measures; /* [n_measures] by kind; within METRIC_RANKING by dialect; cut-offs fastest */
    size_t first[METRIC_KINDS + 1];      /* measures of kind m: first[m] .. first[m + 1] */
    struct candidates_config candidates; /* which items are ranked */
    bool mask_valid;                     /* items of the validation rows are not ranked either */
    long long validation_every;          /* epochs between two points of a validation curve; 0: none */
    enum topk_ties ties;                 /* which of equal scores stands first */
    struct multiverse_config multiverse;
    bool graded;                                /* a test row's value says how relevant it is */
    struct param_list strata;                   /* eval/strata.h */
    double relevant_from;                       /* graded: rows of lower value are not relevant */
    const struct item_vectors_options *vectors; /* of ild_vectors; NULL: none */
    const char *vectors_json;                   /* every value, defaults included */
};

/* A published or remembered value that a run must reproduce. */
struct expectation {
    const struct dataset_config *dataset;
    const struct model_config *model;
    size_t measure; /* position in evaluate */
    double value, tolerance;
    const char *source;
};

/* A paired test over users, per dataset: is model a better than model b? */
struct comparison {
    const struct dataset_config *dataset; /* NULL: every dataset */
    const struct model_config *a, *b;
    size_t measure;
};

enum compare_test { COMPARE_T, COMPARE_WILCOXON, COMPARE_SIGN, COMPARE_RANDOMISATION };
/* How the family of comparisons is tested. */
struct compare_config {
    enum compare_test test; /* whose p values are corrected */
    int correction;         /* enum correction (eval/correction.h) */
    double alpha;           /* of the family */
    bool over_folds;        /* pairs are folds; else users */
    uint32_t draws;         /* of the randomisation test */
    uint32_t intervals;     /* resamples of a confidence interval; 0: no intervals */
    size_t n_ranks;
    size_t *ranks; /* [n_ranks] measures by which all models are ranked: Friedman, Nemenyi */
};

struct present_config;  /* present_settings.h */
struct feedback_config; /* feedback_settings.h */
struct experiment {
    const char *name, *file; /* file: as given, for messages */
    size_t n_seeds, n_datasets, n_models, n_blocks, n_expectations, n_comparisons;
    const long long *seeds; /* [n_seeds] */
    bool save_models;       /* fitted models are kept under models/ of the results */
    struct dataset_config *datasets;
    struct model_config *models; /* grid expanded */
    const struct model_config
        *pipeline; /* of the block fusion, or named by the key `pipeline`; NULL: there is none */
    struct evaluate_config evaluate;
    struct expectation *expectations;
    struct comparison *comparisons;
    struct compare_config compare;
    struct param_list tables, plots;
    const struct present_config *present;   /* texts for users, once the cells are done; NULL: none */
    const struct feedback_config *feedback; /* how a row learns from what users do; NULL: not asked for */
    json_t *resolved;                       /* every default written out; experiment_free() gives it back */
    char sha256
        [SHA256_HEX]; /* of the parts of `resolved` that determine results: experiment, datasets, models, evaluate */
};

/* Reads and checks PATH; `overrides` are "path.to.key=value" (lists by position: models.1.params.factors=32), applied
 * before anything is checked.  STATUS_USAGE with file:line:column for whatever is wrong with it.  What merely can't be
 * had (a dataset file) is noted in `unavailable`.  All memory is the arena's, but for out->resolved. */
enum status experiment_load(const char *path, const char *const *overrides, size_t n_overrides,
                            struct arena *arena, struct experiment *out);
/* The same of YAML in memory; `name` is what messages call it. */
enum status experiment_parse(const char *name, const char *text, struct arena *arena, struct experiment *out);
void experiment_free(struct experiment *e); /* takes a zeroed one */

/* One warning that names the models of the family fusion whose vectors a language model makes, where no row of the same model on something else
 * stands in the experiment and no key `controls` says that none is wanted. */
enum status experiment_warn_of_controls(const struct experiment *e, struct arena *arena);

/* The resolved experiment as YAML text, which experiment_load() reads back to the same experiment. */
enum status experiment_yaml(const struct experiment *e, struct arena *arena, char **text);
/* The first difference between two resolved experiments in what determines results, as a sentence
 * ("models.1.params.factors was 64, is 32"); NULL when there is none. */
const char *experiment_difference(const json_t *before, const json_t *after, struct arena *arena);

#endif
