/*
 * cell.h - one cell: fit, rank, evaluate, measure.
 */
#ifndef EXPERIMENT_CELL_H
#define EXPERIMENT_CELL_H
#include <signal.h>

#include "experiment/cell_file.h"
#include "experiment/machine.h"
#include "experiment/stage.h"
#include "llm/encoder.h"

/* A model fitted to a stage's fold. */
struct fitted {
    const struct model_type *type;
    void *state;
    const void *params; /* that it was fitted with, where the caller keeps them */
    struct arena *arena, *scratch;
    char *curves; /* lines "name,step,value" of what the fit said of itself; freed by fitted_free() */
    size_t n_curves;
    uint32_t epochs; /* where the fit stopped early: of the state it kept; else 0 */
};
struct cell_place {
    const struct backend *backend;
    const char *cache, *models; /* folders of embeddings and of language models */
    const volatile sig_atomic_t *cancelled;
    int validate_every;          /* epochs between two points of the validation curve; 0: none */
    struct encoder_use *encoded; /* added to by every fit; NULL: nobody asks */
};
struct cell_how {
    bool with_valid;                  /* fitted on validation rows too; it can't stop early then */
    const struct metric_type *metric; /* by which early stopping judges; NULL: ndcg@10 */
    uint32_t k;
    const struct candidates_config *candidates; /* that it ranks; NULL: all items */
    bool is_trial;                              /* of a search: nobody hears its training curves */
};
/* STATUS_UNAVAILABLE: what the model needs can't be had.  Whatever the status, fitted_free() gives it back. */
enum status cell_fit(struct stage *stage, const struct model_config *model, long long seed,
                     const struct cell_place *place, const struct cell_how *how, struct fitted *out);
/* How validation rows are ranked where a search doesn't say: among cold items, or matched ones, where test rows are, else among all (NULL). */
const struct candidates_config *cell_validation_candidates(const struct evaluate_config *evaluate);
/* The fit of the model that is measured: where it is fitted on validation rows too and stops early, first on train alone, to learn
 * how many epochs it takes (unless `searched`: the model's parameters say so). */
enum status cell_fit_final(struct stage *stage, const struct model_config *model, bool searched,
                           long long seed, const struct evaluate_config *evaluate,
                           const struct cell_place *place, struct fitted *out);
/* Before test rows are ranked: gives the fitted model the histories that model->history_valid asks for. */
enum status cell_set_history(struct stage *stage, const struct model_config *model, long long seed,
                             const struct cell_place *place, struct fitted *fitted);
/* The parameter `epochs` or `iterations` of a type; NULL: it has neither. */
const struct param *cell_epochs_param(const struct model_type *type);
/* Sets the parameter `epochs` or `iterations` of a copy of the model's parameters (of the arena); 0: nothing. */
enum status cell_set_epochs(struct model_config *model, uint32_t epochs, struct arena *arena);
/* A metric of validation rows (train masked), or of test rows (train masked, and valid where asked), as the metric has it; ranked
 * among all items (NULL), or some
 * `candidates` of them (eval/validate.h). */
enum status cell_quality(const struct stage *stage, const struct model_type *type, const void *state,
                         const struct backend *backend, const struct metric_type *metric, uint32_t k,
                         const struct candidates_config *candidates, bool test, bool mask_valid,
                         uint64_t seed, struct arena *arena, double *out);
void fitted_free(struct fitted *fitted); /* takes a zeroed one */

struct cell_outcome {
    struct cell_values values;         /* in the arena */
    struct clocks fit, rank, evaluate; /* seconds that each took */
    struct encoder_use encoded;        /* texts, for the fits */
    double peak_rss_mib;
    uint32_t n_tied; /* users whose list a tie of scores touched */
};
/* Ranks all test users of the fold and scores the lists by every ranking metric at every cut-off (where there is one),
 * and predicts their test ratings for the rating metrics (NaN where the model predicts none).  *out: zeroed. */
enum status cell_evaluate(const struct stage *stage, const struct fitted *fitted,
                          const struct evaluate_config *evaluate, long long seed,
                          const struct cell_place *place, struct arena *arena, struct cell_outcome *out);

#endif
