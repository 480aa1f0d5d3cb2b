/*
 * history.h - what each user had in train, kept with a fitted model: the content models make their user
 * profiles from it when they score, and it is far smaller than the profiles.
 */
#ifndef MODELS_HISTORY_H
#define MODELS_HISTORY_H
#include "base/csr.h"
#include "models/model.h"

enum history_weights { HISTORY_EQUAL, HISTORY_RATING }; /* a train item counts 1, or its rating */
#define HISTORY_WEIGHTS "equal|rating"

/* A copy in the arena; val NULL for HISTORY_EQUAL and where the view has no values. */
enum status history_copy(const struct csr *by_user, enum history_weights weights, struct arena *arena,
                         struct csr *out);
/* As arrays PREFIX_ptr, PREFIX_idx and, when there are values, PREFIX_val of the model's file. */
enum status csr_put(struct model_writer *w, const char *prefix, const struct csr *a);
/* Checks that pointers and columns are in order before anything is used: STATUS_DATA. */
enum status csr_get(struct model_reader *r, const char *prefix, uint32_t n_cols, bool has_values,
                    struct csr *out);

#endif
