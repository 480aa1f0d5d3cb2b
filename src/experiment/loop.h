/*
 * loop.h - what the feedback loop is made of, as the files of `recfuse simulate` and `recfuse serve-events` name it:
 *
 *     dataset: datasets/synth/synth.h5
 *     base: {name: ials, params: {factors: 32}}                           # any model; one of factors learns from each event
 *     vectors: {encoder: tfidf, text: [title], dimensions: 16}            # of the profile and LinUCB
 *     rules: [{fatigue: {shown_weight: 0.5}}]                             # of the strategy stage
 *     feedback: {learning_rate: 0.1}                                      # fusion/feedback.h
 *
 * or as a row of an experiment has it (loop_of_model()).
 */
#ifndef EXPERIMENT_LOOP_H
#define EXPERIMENT_LOOP_H
#include "data/dataset.h"
#include "experiment/feedback_settings.h"
#include "experiment/stage.h"
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
        {.name = "base", .kind = PARAM_KIND_NODE, .offset = offsetof(type, blocks.base), .help = "a model"}, \
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
    const struct item_vectors_options *rule_vectors; /* of rules by text; NULL: those of the profile */
    const char *file;                                /* the dataset's; NULL: of `config` */
    const struct dataset_config *config;
    struct stage stage; /* of `config`; loop_close() closes it */
    const struct dataset *dataset;
    struct view *view; /* all rows are train rows */
};
/* Checks the blocks; nothing is opened.  STATUS_USAGE with file:line:column; `root` is named where a block is missing. */
enum status loop_read(const struct loop_blocks *blocks, const struct node *root, struct arena *arena,
                      struct loop *out);
/* The loop of a row: what its strategy stands around, the strategy's rules, the text vectors of the model that has some inside, the block's
 * learning.  `model` may have what its searches chose.  STATUS_USAGE: what the block asks for can't go with the model. */
enum status loop_of_model(const struct feedback_config *config, const struct model_config *model,
                          struct arena *arena, struct loop *out);
/* Opens the dataset: all its rows, of `config` those that filters and split left.  STATUS_DATA: missing or damaged. */
enum status loop_open(struct loop *loop, struct arena *arena);
void loop_close(struct loop *loop); /* takes a zeroed one */
/* The vectors, and the rules prepared on them and on `facts`, all of which live in run->arena.  Statuses: those of item_vectors_build() and
 * strategy_prepare(). */
enum status loop_prepare(struct loop *loop, struct run *run, struct item_vectors *vectors);

#endif
