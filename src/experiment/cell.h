/*
 * cell.h - one cell: fit, rank, evaluate, measure.
 */
#ifndef EXPERIMENT_CELL_H
#define EXPERIMENT_CELL_H
#include <signal.h>

#include "experiment/cell_file.h"
#include "experiment/machine.h"
#include "experiment/stage.h"

/* A model fitted to a stage's fold. */
struct fitted {
    const struct model_type *type;
    void *state;
    struct arena *arena, *scratch;
    char *curves; /* lines "name,step,value" of what the fit said of itself; freed by fitted_free() */
    size_t n_curves;
};
struct cell_place {
    const struct backend *backend;
    const char *cache, *models; /* folders of embeddings and of language models */
    const volatile sig_atomic_t *cancelled;
    int validate_every; /* epochs between two points of the validation curve; 0: none */
};
/* STATUS_UNAVAILABLE: what the model needs can't be had.  Whatever the status, fitted_free() gives it back. */
enum status cell_fit(const struct stage *stage, const struct model_config *model, long long seed,
                     const struct cell_place *place, struct fitted *out);
void fitted_free(struct fitted *fitted); /* takes a zeroed one */

struct cell_outcome {
    struct cell_values values;         /* in the arena */
    struct clocks fit, rank, evaluate; /* seconds that each took */
    double peak_rss_mib;
    uint32_t n_tied; /* users whose list a tie of scores touched */
};
/* Ranks all test users of the fold and scores the lists by every ranking metric at every cut-off (where there is one),
 * and predicts their test ratings for the rating metrics (NaN where the model predicts none).  *out: zeroed. */
enum status cell_evaluate(const struct stage *stage, const struct fitted *fitted,
                          const struct evaluate_config *evaluate, long long seed,
                          const struct backend *backend, struct arena *arena, struct cell_outcome *out);

#endif
