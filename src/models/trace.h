/*
 * trace.h - what a fitted model did for one user, stage by stage, for people: `recfuse trace`.
 *
 * A model that is made of stages prints each one's input and output by trace_stage() and trace_line(); a model around another model lets that
 * one speak first (nested_trace()).  A model without a hook of its own is one stage: its best items.
 */
#ifndef MODELS_TRACE_H
#define MODELS_TRACE_H
#include <stdio.h>

#include "llm/vectors.h"
#include "models/nested.h"
#include "models/user_texts.h"

struct trace {
    FILE *out;
    const struct view *view; /* the train rows that the model was fitted on */
    const struct backend *backend;
    struct arena *arena;        /* of the trace */
    const char *cache, *models; /* folders; may be NULL */
    uint64_t seed;
    uint32_t user, top; /* top: items that a stage shows */
    int n_stages;       /* so far */
};

/* "2 intent (llm_fusion)": the next stage begins. */
void trace_stage(struct trace *t, const char *stage, const char *model);
/* An indented line. */
void trace_line(const struct trace *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "Toy Story (1995) [1]": title and publisher's id; in the arena. */
const char *trace_item(const struct trace *t, uint32_t item);

/* The model's stages for t->user.  Statuses: those of scoring; memory. */
enum status model_trace(const struct model_type *type, const void *state, const void *params,
                        struct trace *t);
enum status nested_trace(const struct nested *m, struct trace *t);

/* The stages `preprocess` and `intent` of a model of text vectors: what the user wrote and had, the texts as they are read, the user's
 * vector [items->d] (norm 1, or zero), the items nearest to it, and the phrases that say most of the history where an encoder reads it. */
enum status trace_vectors(struct trace *t, const char *model, const struct item_vectors_options *options,
                          const struct item_vectors *items, const struct csr *history,
                          const struct user_texts_options *own, const struct user_texts *texts);

#endif
