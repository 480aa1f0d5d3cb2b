/*
 * ease.h - linear item-item weights in closed form: what ease and its fusion with text vectors share.
 */
#ifndef MODELS_EASE_H
#define MODELS_EASE_H
#include "models/model_io.h"

struct ease_state {
    const struct backend *backend;
    uint32_t n_items, n_active, n_columns;
    const uint32_t *
        active; /* [n_columns] the n_active items with train rows, rising, then others that B has a column of */
    struct csr profile; /* [n_users x n_active] */
    const float *B;     /* [n_active x ld], n_columns of them */
    size_t ld;
};

/* Sets all but B, which has columns of the items with train rows and of the others in `also` [n_items] (NULL: none). */
enum status ease_begin(struct ease_state *s, const struct view *train, bool binary, const uint8_t *also,
                       struct run *run);
/* The histories that scores are made of, in the numbers of the items with train rows; others, which only a history after the fit
 * can have, say nothing. */
enum status ease_set_history(struct ease_state *s, bool binary, const struct view *history, struct run *run);
/* The lower triangle of X'X + diagonal into gram [n_active x ld]. */
enum status ease_gram(const struct ease_state *s, const struct csr *by_item, double diagonal, struct run *run,
                      float *gram);
/* The weights B [n_active x n_active] in the place of a Gram matrix, of which the lower triangle is read.  STATUS_USAGE, with `model` and l2 in the
 * sentence: not positive definite in single precision. */
enum status ease_weights(const struct ease_state *s, const char *model, double l2, struct run *run,
                         float *gram);

/* As the functions of model_type; `state` is a struct ease_state. */
enum status ease_score_users(const void *state, const uint32_t *users, size_t n, const struct tile *out);
enum status ease_save(const void *state, struct model_writer *w);
enum status ease_load(void *state, const void *params, struct model_reader *r, struct run *run);

#endif
