/*
 * plan.h - from an experiment to its cells: dataset x fold x model x grid point x seed, each with a key.
 *
 * The key is the SHA-256 of all that determines the cell's result, and of its names: dataset and content, filters, the
 * split with its files, fold, model, its version, every parameter, the same of each model inside it, seed, evaluate, the language
 * model's files where one is used, device and instruction set.  Never the git commit, which would throw results away at every edit.
 */
#ifndef EXPERIMENT_PLAN_H
#define EXPERIMENT_PLAN_H
#include "data/audit.h"
#include "experiment/experiment.h"
#include "experiment/stage.h"

struct fold_plan {
    uint64_t n_train, n_valid, n_test, n_test_users;
    uint64_t n_unknown_dropped, n_duplicates, n_train_test_pairs, n_cold_test_items, n_filtered_dropped,
        n_not_in_dataset, n_cold_test_users, n_users_without_test, n_left_out, n_train_dropped; /* split.h */
    struct audit audit;
};

struct dataset_plan {
    enum status status;   /* STATUS_OK, STATUS_UNAVAILABLE (its cells are skipped) or why it can't be used */
    const char *sentence; /* why */
    const char *sha256;   /* content; "" when unavailable */
    uint32_t n_users, n_items;
    uint64_t n_interactions, n_filtered, n_texts, n_links, n_links_filtered; /* links: stage.h */
    size_t bytes;            /* of the dataset and its folds in memory */
    size_t n_folds;          /* 1 when unavailable */
    struct fold_plan *folds; /* [n_folds] */
};

struct cell {
    size_t dataset, fold, model, seed; /* positions in the experiment */
    char key[SHA256_HEX];
    /* [model's n_inside + 1] of its searches: of what determines their trials, so without the row's label; unused ones are "" */
    const char (*search_keys)[SHA256_HEX];
};

struct plan {
    struct dataset_plan *datasets; /* [n_datasets] */
    size_t n_cells;
    struct cell *cells;
    char sha256[SHA256_HEX]; /* of all keys */
};

/* Reads every dataset once (one in memory at a time). `models`: folder of language models.  A dataset that is damaged
 * or empty after its filters is noted, not an error of the plan.  only (may be NULL): of an experiment of one dataset the
 * stage stays open in it, so that a run need not read the data again; the caller closes it, also on failure. */
enum status plan_make(const struct experiment *e, const char *device, const char *models, struct arena *arena,
                      struct plan *out, struct stage *only);

/* Fills the cells and their keys: plan_make() calls it. */
enum status plan_keys(const struct experiment *e, const char *device, const char *models, struct arena *arena,
                      struct plan *plan);

/* Prints cells, memory and time; `recfuse plan`.  docs/experiment-file.md has the formula. */
enum status plan_print(const struct experiment *e, const struct plan *plan, const struct backend *backend);

#endif
