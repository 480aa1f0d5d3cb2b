/*
 * loop.h - what the feedback loop is made of, as the files of `recfuse simulate` and `recfuse serve-events` name it:
 *
 *     dataset: datasets/synth/synth.h5
 *     base: {name: ials, params: {factors: 32}}                           # a model of factors
 *     vectors: {encoder: tfidf, text: [title], dimensions: 16}            # of the profile and LinUCB
 *     rules: [{fatigue: {shown_weight: 0.5}}]                             # of the strategy stage
 *     feedback: {learning_rate: 0.1}                                      # fusion/feedback.h
 */
#ifndef EXPERIMENT_LOOP_H
#define EXPERIMENT_LOOP_H
#include "data/dataset.h"
#include "fusion/feedback.h"
#include "models/item_vectors.h"

struct loop_blocks {
    const char *dataset;
    const struct node *base, *vectors, *rules, *feedback;
};
/* Lines for a table of top-level keys, of a struct that has the field `blocks`. */
#define LOOP_BLOCKS(type)                                                                                    \
    {.name = "dataset",                                                                                      \
     .kind = PARAM_KIND_STRING,                                                                              \
     .offset = offsetof(type, blocks.dataset),                                                               \
     .help = "a dataset file"},                                                                              \
        {.name = "base",                                                                                     \
         .kind = PARAM_KIND_NODE,                                                                            \
         .offset = offsetof(type, blocks.base),                                                              \
         .help = "a model of factors"},                                                                      \
        {.name = "vectors",                                                                                  \
         .kind = PARAM_KIND_NODE,                                                                            \
         .offset = offsetof(type, blocks.vectors),                                                           \
         .help = "text vectors of items"},                                                                   \
        {.name = "rules",                                                                                    \
         .kind = PARAM_KIND_NODE,                                                                            \
         .offset = offsetof(type, blocks.rules),                                                             \
         .help = "of the strategy"},                                                                         \
    {                                                                                                        \
        .name = "feedback", .kind = PARAM_KIND_NODE, .offset = offsetof(type, blocks.feedback),              \
        .help = "how the system learns from events"                                                          \
    }
extern const struct param loop_vector_params[];

struct loop {
    struct item_vectors_options vectors;
    struct feedback_options feedback;
    struct nested base;
    struct strategy *rules;
    const char *file; /* the dataset's */
    const struct dataset *dataset;
    struct view *view; /* all rows are train rows */
};
/* Checks the blocks; nothing is opened.  STATUS_USAGE with file:line:column; `root` is named where a block is missing. */
enum status loop_read(const struct loop_blocks *blocks, const struct node *root, struct arena *arena,
                      struct loop *out);
/* Opens the dataset.  STATUS_DATA: missing or damaged. */
enum status loop_open(struct loop *loop, struct arena *arena);
/* The vectors, and the rules prepared on them and on `facts`, all of which live in run->arena.  Statuses: those of item_vectors_build() and
 * strategy_prepare(). */
enum status loop_prepare(struct loop *loop, struct run *run, struct item_vectors *vectors);

#endif
